"""Pictures of every screen, compared with those that somebody has looked at.

GENRE_TUI_UPDATE_SNAPSHOTS=1 writes those that differ anew: look at them before they are kept.
"""

from __future__ import annotations

import asyncio
import difflib
import html
import os
import re
from datetime import UTC, datetime, tzinfo
from importlib.metadata import version
from pathlib import Path

import pytest

from data.storage import catalogue
from experiments import forecasting
from experiments.runs.directory import RunDirectory
from experiments.studies import STUDIES
from experiments.training import planning
from genre_tui.app import GenreTui
from genre_tui.core.app_session import AppSession
from genre_tui.runs import runs_table
from genre_tui.shell.export_dialog import without_network
from tests.conftest import record_run, small_dataset
from tests.genre_tui.support.known_run import known_run
from tests.genre_tui.support.live_run import EventWriter, without_results
from tests.support.pty_terminal import ROOT
from tests.support.recorded_runs import record

STORED = Path(__file__).parent / "snapshots"
UPDATES = bool(os.environ.get("GENRE_TUI_UPDATE_SNAPSHOTS"))
SIZES = {"80x24": (80, 24), "140x45": (140, 45), "60x20": (60, 20), "no-color": (80, 24)}
# The first screen, and the keys that lead to what is drawn.
VIEWS = {
    "studies": ("studies", ""),
    "runs": ("runs", ""),
    "run": ("run", ""),
    "confusion": ("confusion", ""),
    "compare": ("compare", ""),
    "data": ("data", "down"),
    "start": ("studies", "n"),
    "keys": ("run", "question_mark"),
    "export": ("confusion", "e"),
}
_DRAWN_BY = ("textual", "rich")
_PATIENCE = 60.0  # seconds, on a busy machine


def _pinned(package: str) -> str:
    found = re.search(rf"^{package}==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert found, f"{package} is not in constraints.txt"
    return found[1]


OTHER = [f"{name} {version(name)}" for name in _DRAWN_BY if version(name) != _pinned(name)]
pytestmark = pytest.mark.skipif(
    bool(OTHER), reason=f"the pictures are of other versions, here is {', '.join(OTHER)}"
)


class _Clock(datetime):
    """A quarter past ten on 5 January 2026."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> _Clock:
        return cls(2026, 1, 5, 10, 15, tzinfo=tz or UTC)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """A finished run among others, and datasets; all paths are short ones, from here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENRE_TUI_DATA", "datasets")
    monkeypatch.setenv("GENRE_TUI_CACHE", "cache")
    monkeypatch.setattr(runs_table, "datetime", _Clock)
    for module in (forecasting, planning):  # times are forecast for two cores without a GPU
        monkeypatch.setattr(module, "usable_cores", lambda: 2)
    monkeypatch.setattr(planning, "available_memory", lambda: 16 * 2**30)
    monkeypatch.setattr(forecasting, "_gpu_names", list)
    runs = Path("runs")
    catalogue.add(small_dataset("mine", mel=False), replace=False)
    crashed = record(runs, STUDIES["optimizers"], name="20260105T091500Z-c4a5ed", baselines=())
    without_results(crashed, list(crashed.read_manifest().trials)[3:])
    damaged = record_run(runs, "20251231T235959Z-bad000")
    (damaged.path / "run.json").write_text("{")
    found = known_run(runs)
    writer = EventWriter(found)
    writer.begin()
    for number in range(1, 5):
        for place, trial in enumerate(writer.trials):
            writer.epoch(trial, number, 0.2 + 0.1 * number + 0.005 * (place % 8), cpu=0.97)
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_screen_looks_as_before(
    run: RunDirectory, view: str, size: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if size == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    if view == "compare":  # two seeds, as the others have, show no intervals
        run = record(Path("runs"), seeds=3, name="20260103T030405Z-abc123")
    drawn = _plain(asyncio.run(_draw(run, *VIEWS[view], SIZES[size])))
    path = STORED / f"{view}-{size}.svg"
    stored = path.read_text(encoding="utf-8") if path.exists() else ""
    if UPDATES and drawn != stored:
        path.parent.mkdir(exist_ok=True)
        path.write_text(drawn, encoding="utf-8")
        return
    if drawn != stored:
        Path(f"{view}-{size}.svg").write_text(drawn, encoding="utf-8")
        lines = difflib.unified_diff(_text(stored), _text(drawn), "before", "now", lineterm="")
        shown = "\n".join(lines) or "the same text in other places or styles"
        pytest.fail(f"{Path.cwd() / path.name} differs from {path}:\n{shown}")


def test_no_picture_is_left_over() -> None:
    names = {f"{view}-{size}.svg" for view in VIEWS for size in SIZES}
    assert {path.name for path in STORED.iterdir()} == names


async def _draw(run: RunDirectory, first: str, keys: str, size: tuple[int, int]) -> str:
    app = GenreTui(AppSession(Path("runs"), run=run), first, theme="dark")
    async with app.run_test(size=size) as pilot:
        await _settle(app, pilot.pause)
        if keys:
            await pilot.press(*keys.split())
            await _settle(app, pilot.pause)
        return app.export_screenshot(title="genre-tui", simplify=True)


async def _settle(app: GenreTui, pause) -> None:  # type: ignore[no-untyped-def]
    """Wait until all is read and drawn: the same picture three times."""
    loop = asyncio.get_running_loop()
    end, same, before = loop.time() + _PATIENCE, 0, ""
    while same < 3:
        assert loop.time() < end, "it goes on drawing"
        await pause(0.05)
        reported = app.runs is not None and app.runs.complete
        known = app.model is not None and app.model.state is not None
        rests = reported and known and not any(worker.is_running for worker in app.workers)
        seen = app.export_screenshot(simplify=True)
        same, before = (same + 1 if rests and seen == before else 0), seen


def _plain(svg: str) -> str:
    """A picture without what differs for no reason, and what makes files large."""
    svg = without_network(svg)
    svg = re.sub(r"terminal-\d+", "t", svg)
    svg = re.sub(r"\s*<clipPath id=\"t-line-\d+\">.*?</clipPath>", "", svg, flags=re.DOTALL)
    svg = re.sub(r" clip-path=\"url\(#t-line-\d+\)\"", "", svg)
    return re.sub(r"(<(?:text|rect) |</g>)", r"\n\1", svg).strip() + "\n"


def _text(svg: str) -> list[str]:
    """The lines of text of a picture."""
    lines: dict[float, list[tuple[float, str]]] = {}
    pattern = r"<text class=\"t-r\d+\" x=\"([0-9.]+)\" y=\"([0-9.]+)\" .*?>(.*?)</text>"
    for x, y, text in re.findall(pattern, svg):
        lines.setdefault(float(y), []).append((float(x), html.unescape(text)))
    return [
        "".join(text for _, text in sorted(parts)).replace("\xa0", " ").rstrip()
        for _, parts in sorted(lines.items())
    ]
