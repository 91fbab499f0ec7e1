"""The terminal UI on terminals: what it sends there, and what ends it."""

import base64
import re
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from data.datasets.dataset import Dataset
from data.storage import catalogue
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.lock import hold_run_lock, is_alive
from tests.conftest import record_run, small_dataset
from tests.scenarios.test_terminal_safety import EVIL, MARKUP, assert_harmless, hostile_run
from tests.support.pty_terminal import Terminal
from tests.support.raw_events import raw
from tests.support.recorded_runs import record

FULL = {"COLORTERM": "truecolor", "COLORFGBG": ""}
_SETTLED = 0.3  # seconds without anything that is drawn
_LONGEST = 2.0  # seconds; cursors blink for ever
_COLOURS = re.compile(rb"(?:^|;)(?:[34][0-9]|9[0-7]|10[0-7])(?:;|$)")


def _settle(terminal: Terminal) -> str:
    """Let it draw until it is done; what it has drawn."""
    drawn, end = "", time.monotonic() + _LONGEST
    while time.monotonic() < end and (part := terminal.read_for(_SETTLED)):
        drawn += part
    return drawn


def _styles(terminal: Terminal) -> Sequence[bytes]:
    """The parameters of all styles that were sent."""
    return re.findall(rb"\x1b\[([0-9;]*)m", terminal.seen)


@pytest.fixture
def runs(own_places: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one finished run."""
    monkeypatch.setenv("GENRE_TUI_CACHE", str(own_places / "cache"))
    folder = own_places / "runs"
    record(folder, seeds=2, epochs=3)
    return folder


@pytest.mark.parametrize("ignores", [False, True], ids=["hang-up", "nohup"])
def test_it_ends_with_its_terminal_and_the_run_does_not(runs: Path, ignores: bool) -> None:
    run = record_run(runs, "20260302T030405Z-def456")
    with (
        hold_run_lock(run, print),
        Terminal("genre_tui", run.path, ignores_hangup=ignores) as terminal,
    ):
        terminal.wait_for("Quit")
        began = time.monotonic()
        terminal.close()
        assert terminal.process.wait(30) in (-signal.SIGHUP, 128 + signal.SIGHUP)
        assert time.monotonic() - began < 15, "at once, as far as a busy machine lets it"
        assert is_alive(run)
        assert not run.stop_is_asked


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_leave_the_terminal_as_it_was(runs: Path, number: signal.Signals) -> None:
    with Terminal("genre_tui") as terminal:
        terminal.wait_for("Quit")
        terminal.process.send_signal(number)
        assert terminal.wait_end() == 128 + number
        for mode in (b"?1049l", b"?25h", b"?1000l", b"?2004l"):  # screen, cursor, mouse, paste
            assert b"\x1b[" + mode in terminal.seen
        assert b"Traceback" not in terminal.seen


def test_quitting_tells_what_goes_on(runs: Path) -> None:
    run = record_run(runs, "20260302T030405Z-def456")
    with hold_run_lock(run, print), Terminal("genre_tui") as terminal:
        terminal.wait_for("1 running")
        terminal.type("q")
        assert terminal.wait_end() == 0
        assert is_alive(run)
        after = terminal.seen.rpartition(b"\x1b[?1049l")[2].decode()
        assert "1 run goes on. Watch it with" in after
        assert "python -m experiments watch 20260302T030405Z-def456 --runs" in after


def test_sizes_are_followed(runs: Path) -> None:
    with Terminal("genre_tui") as terminal:
        terminal.wait_for("ffn-baseline")
        _settle(terminal)
        terminal.resize(140, 45)
        assert "question" in terminal.wait_for("question")
        _settle(terminal)
        terminal.resize(40, 10)
        terminal.wait_for("This needs")
        _settle(terminal)
        terminal.resize(60, 20)
        terminal.wait_for("pooling-padding")


def test_no_color_sends_no_colours(runs: Path) -> None:
    with Terminal("genre_tui", "latest", env=FULL | {"NO_COLOR": "1"}) as terminal:
        terminal.wait_for("Quit")
        for key in "12345633?":
            terminal.type(key)
            _settle(terminal)
        terminal.type("\x1b")
        _settle(terminal)
        terminal.type("q")
        assert terminal.wait_end() == 0
        styles = set(_styles(terminal))
        assert {b"1", b"0"} <= styles, "it is still drawn, with bold text"
        assert not [style for style in styles if _COLOURS.search(style)]


@pytest.mark.parametrize(
    ("term", "env", "has", "lacks"),
    [
        ("xterm-256color", FULL, b"38;2;", b"38;5;"),
        ("xterm-256color", {"COLORTERM": ""}, b"38;5;", b"38;2;"),
        ("linux", {"COLORTERM": ""}, b"", b"38;"),
        ("xterm-256color", FULL | {"COLORFGBG": "0;15"}, b"48;2;255;255;255", b"48;2;16;20;24"),
        ("xterm-256color", FULL | {"COLORFGBG": "15;0"}, b"48;2;16;20;24", b"48;2;255;255;255"),
    ],
    ids=["all", "256", "16", "light", "dark"],
)
def test_colours_are_those_of_the_terminal(
    runs: Path, term: str, env: dict[str, str], has: bytes, lacks: bytes
) -> None:
    with Terminal("genre_tui", term=term, env=env) as terminal:
        terminal.wait_for("Quit")
        terminal.type("2")
        _settle(terminal)
        styles = b"|".join(_styles(terminal))
        assert has in styles
        assert lacks not in styles


def test_a_dumb_terminal_gets_what_watch_prints(runs: Path) -> None:
    with Terminal("genre_tui", term="dumb") as terminal:
        assert terminal.wait_end() == 0
        text = terminal.seen.decode()
        assert text.startswith("genre-tui: the terminal cannot draw (TERM=dumb); this is the ")
        assert "ffn-baseline/20260102T030405Z-abc123: finished" in text
        assert "\x1b" not in text


def test_copying_reaches_the_terminal_s_clipboard(runs: Path) -> None:
    with Terminal("genre_tui") as terminal:
        terminal.wait_for("Quit")
        _settle(terminal)
        terminal.type("y")
        drawn = _settle(terminal)
    (copied,) = re.findall(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", drawn)
    assert base64.b64decode(copied).decode() == "python -m experiments run ffn-baseline"


@pytest.mark.parametrize("size", [(80, 24), pytest.param((140, 45), marks=pytest.mark.slow)])
def test_nothing_of_a_hostile_run_reaches_the_terminal(
    own_places: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENRE_TUI_CACHE", str(own_places / "cache"))
    plain = small_dataset("evil", mel=False)
    names = (EVIL, "t" + EVIL, "u")
    provenance = {"kind": EVIL, "source": EVIL, "licence": EVIL}
    splits = (plain.train, plain.validation, plain.test)
    catalogue.add(Dataset("evil", MARKUP, *splits, names, provenance), replace=False)
    run = hostile_run(own_places / "runs")
    run.console.write_text(f"{EVIL}\n{EVIL}")
    _write_attacks(run)
    # The screens, what is under Enter there, and dialogs; with "!" a text of the run is shown.
    steps = ("1", "!3", "!o", "\x1b", "e", "\x1b", "?", "\x1b", "1", "\r", "\x1b", "!2", "!4", "!t")
    steps += ("\x1b", "\r", "\x1b", "!5", "6", "!\x1b[B", "\x1b[B", "?", "\x1b", "\x10", "!evil")
    with Terminal("genre_tui", run.path, size=size) as terminal:
        terminal.wait_for("Quit")
        _settle(terminal)
        for step in (*steps, "\x1b", "\x1b"):
            terminal.type(step.removeprefix("!"))
            drawn = _settle(terminal)
            assert "evil" in drawn or not step.startswith("!"), repr(step)
        terminal.type("q")
        assert terminal.wait_end() == 0, terminal.seen[-3000:].decode(errors="replace")
        assert_harmless(terminal)
        assert terminal.foreign().count(b"evil") > 20, "it was shown, and did nothing"


def _write_attacks(run: RunDirectory) -> None:
    log = EventLog(run)
    trial = "0123456789abcdef"
    planned = {"id": trial, "variant": EVIL, "seed": 1, "epochs": 3, "work": 1}
    log.append(
        *raw(
            {"event": "run_began", "owner": {"host": EVIL}, "versions": {EVIL: EVIL}},
            {"event": "plan", "workers": 1, "cohorts": [{"id": "c", "trials": [planned]}]},
            {"event": "cohort_began", "cohort": "c", "trials": [trial], "epoch": 0},
            {
                "event": "epoch",
                "cohort": "c",
                "trial": trial,
                "epoch": 1,
                "seconds": 1.0,
                "rows_per_second": 1.0,
                "memory": 1,
                "share": 0.1,
                "logs": {EVIL: 1.0, "loss": 1.0, "val_loss": 1.0, "val_macro_f1": 0.5},
                "confusion": [[1, 2], [3, 4]],
            },
            {"event": "note", "text": EVIL},
            {"event": "worker_died", "cohort": "c", "reason": EVIL, "attempt": 1},
            {"event": "paused", "reason": EVIL},
            {"event": EVIL, "text": EVIL},
            {"event": "run_ended", "how": "failed", "reason": EVIL},
        )
    )
    log.close()
