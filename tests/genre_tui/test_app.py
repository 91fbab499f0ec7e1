"""The app as a user drives it: keys in, text on the screen out."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner
from textual.widgets import DataTable, Static, TabbedContent

from experiments.plan import make_plan
from experiments.records import RunDirectory
from experiments.studies import STUDIES
from genre_tui.app import GenreTui
from genre_tui.cli import main


def _record(runs: Path, name: str = "20260102T030405Z-abc123") -> RunDirectory:
    """A run that was recorded, without training anything."""
    study = STUDIES["ffn-baseline"]
    plan = make_plan(study, "documented", "0" * 64)
    (_, trial), *_ = plan.trials
    run = RunDirectory(runs / study.name / name)
    run.write_run(
        {
            "study": study.name,
            "question": study.question,
            "protocol": "documented",
            "dataset": {
                "name": "tiny",
                "content_sha256": "0" * 64,
                "genres": ["blues", "[bold]rock\x1b[2J"],
                "kind": "test",
            },
            "seeds": [42],
            "epochs": None,
            "variants": [
                {
                    "name": variant.name,
                    "candidates": [{"learning_rate": 0.002, "trials": [trial.id]}],
                    "documented": [],
                    "note": "",
                }
                for variant in plan.variants
            ],
        }
    )
    run.write_result(
        trial.id,
        {
            "trial": trial.id,
            "status": "finished",
            "validation": {"accuracy": 0.75, "macro_f1": 0.7},
            "test": {
                "accuracy": 0.8125,
                "macro_f1": 0.8,
                "batch_mean_f1": 0.5,
                "confusion_matrix": [[40, 17], [13, 90]],
            },
        },
    )
    return run


def _screen(app: GenreTui, widget: str) -> str:
    static = app.query_one(widget, Static)
    return "\n".join(
        "".join(segment.text for segment in static.render_line(y))
        for y in range(static.size.height)
    )


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
def test_runs_and_studies_are_shown(tmp_path: Path, size: tuple[int, int]) -> None:
    _record(tmp_path)

    async def drive() -> None:
        app = GenreTui(tmp_path)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            assert app.query_one(TabbedContent).active == "runs"
            text = _screen(app, "#run")
            assert "81.25" in text
            assert "40" in text
            assert "90" in text
            assert "[bold]rock[2J" in text  # names are text, never markup or escapes
            await pilot.press("1")
            await pilot.pause()
            assert app.query_one(TabbedContent).active == "studies"
            assert "documented" not in _screen(app, "#study")
            assert "58.87 %" in _screen(app, "#study")
            await pilot.press("down")
            await pilot.pause()
            assert "pooling" in _screen(app, "#study")
            await pilot.press("2")
            await pilot.pause()
            assert app.query_one(TabbedContent).active == "runs"

    asyncio.run(drive())


def test_new_and_damaged_runs_appear_on_refresh(tmp_path: Path) -> None:
    async def drive() -> None:
        app = GenreTui(tmp_path)
        async with app.run_test() as pilot:
            await pilot.press("2")
            await pilot.pause()
            assert "No runs in" in _screen(app, "#run")
            damaged = _record(tmp_path, "20260203T030405Z-bad000")
            (damaged.path / "run.json").write_text("{")
            await pilot.press("r")
            await pilot.pause()
            assert app.query_one("#run-list", DataTable).row_count == 1
            assert "cannot be shown" in _screen(app, "#run")

    asyncio.run(drive())


def test_q_quits(tmp_path: Path) -> None:
    async def drive() -> None:
        app = GenreTui(tmp_path)
        async with app.run_test() as pilot:
            await pilot.press("q")
            await pilot.pause()
            assert not app.is_running

    asyncio.run(drive())


def test_without_a_terminal_it_says_what_to_do() -> None:
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 2
    assert "python -m experiments list" in result.output
