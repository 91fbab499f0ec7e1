"""How soon the terminal UI draws, and what it costs.

It starts the UI on terminals of its own, over runs that it writes for that, and counts what
comes out of them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from tests.bench.measure import Benchmark, Row, machine_facts
from tests.bench.tui_runs import LARGE, live, write_finished, write_many
from tests.bench.tui_terminal import BenchTerminal, start_up

MANY, TRIALS, EPOCHS = 1000, 300, 60
_LIVE_TRIALS = 8  # that train in lockstep, and end an epoch every second
_SMALL, _WIDE = (80, 24), (140, 45)
_LONG = 20.0  # seconds that a run is watched in all
_IDLE = 10.0  # seconds in which all runs are looked at once, whatever happens
_AT_REST = 4.0  # seconds after which all runs have been read
_FIRST = "Quit"  # is drawn at the foot of the first screen
_DOWN, _PAGE = "\x1b[B", "\x1b[6~"
_RUNS_KEYS = (_DOWN, _DOWN, _DOWN, _PAGE, "s", "1", "2", "2")
_RUN_KEYS = (_DOWN, _DOWN, "m", "m", "l", "s", "x", "4", "3")


def bench_tui(repeats: int, advance: Callable[[], None], note: Callable[[str], None]) -> Benchmark:
    """Measure everything.

    Args:
        repeats: of each measurement.
        advance: called after each measurement.
        note: told what is being measured.
    """
    with tempfile.TemporaryDirectory() as folder:
        many, large, going = (Path(folder, name) for name in ("many", "large", "live"))
        note("writing runs")
        write_many(many, MANY)
        advance()
        write_finished(large, "optimizers", LARGE, seeds=TRIALS // 5, epochs=EPOCHS)
        advance()
        environment = terminal_environment(Path(folder))
        rows = [
            *_first_screens(many, large, environment, repeats, advance, note),
            *_keys(many, large, environment, repeats, advance, note),
        ]
        note("first visits")
        rows += _visits(many, environment, repeats)
        advance()
        note("watching")
        rows += _watching(many, going, environment, repeats)
        advance()
    facts = machine_facts("cpu", 1, textual=version("textual"), load=f"{os.getloadavg()[0]:.1f}")
    for name in ("threads", "device", "torch", "keras"):
        facts.pop(name, None)  # nothing is trained
    return Benchmark(facts, tuple(rows), {})


def _first_screens(
    many: Path,
    large: Path,
    environment: dict[str, str],
    repeats: int,
    advance: Callable[[], None],
    note: Callable[[str], None],
) -> list[Row]:
    bare: list[float] = []
    studies: list[float] = []
    run: list[float] = []
    for number in range(repeats + 1):
        note("first screens")
        taken = (
            start_up(),
            _first([], many, environment),
            _first([LARGE], large, environment),
        )
        if number:  # the first warms the disk's caches
            for value, values in zip(taken, (bare, studies, run), strict=True):
                values.append(value)
            advance()
    beyond = [(one - other) for one, other in zip(studies, bare, strict=True)]
    of_run = [(one - other) for one, other in zip(run, bare, strict=True)]
    return [
        Row("start-up", "Python that does nothing", "s", tuple(bare)),
        Row("first-screen", f"first screen beyond that, {MANY} runs", "s", tuple(beyond)),
        Row("first-run", f"the same, a run of {TRIALS} trials", "s", tuple(of_run)),
    ]


def _first(words: list[str], runs: Path, environment: dict[str, str]) -> float:
    with BenchTerminal(ui_command(words, runs), _SMALL, environment) as terminal:
        return terminal.until(_FIRST)


def _keys(
    many: Path,
    large: Path,
    environment: dict[str, str],
    repeats: int,
    advance: Callable[[], None],
    note: Callable[[str], None],
) -> list[Row]:
    """Of each round the slowest key; each screen has been in front once before."""
    with_many = f"slowest key of {len(_RUNS_KEYS)}, {MANY} runs"
    with_large = f"slowest key of {len(_RUN_KEYS)}, {TRIALS} trials of {EPOCHS} epochs"
    rows: list[Row] = []
    for size in (_SMALL, _WIDE):
        columns, lines = size
        title = f"{columns}x{lines}"
        note(f"keys, {title}")
        found = _slowest(ui_command([], many), size, environment, "2", _RUNS_KEYS, repeats)
        rows.append(Row(f"keys-many-{columns}", f"{with_many}, {title}", "ms", found))
        advance()
        found = _slowest(ui_command([LARGE], large), size, environment, "43", _RUN_KEYS, repeats)
        rows.append(Row(f"keys-large-{columns}", f"{with_large}, {title}", "ms", found))
        advance()
    return rows


def _visits(many: Path, environment: dict[str, str], repeats: int) -> list[Row]:
    """The slowest of the other screens, when it is asked for the first time."""
    drawn, complete = [], []
    for _ in range(repeats):
        with BenchTerminal(ui_command([], many), _SMALL, environment) as terminal:
            terminal.until(_FIRST)
            terminal.watch(_AT_REST)
            presses = [terminal.press(key) for key in "23456"]
            drawn.append(1000 * max(press.drawn for press in presses))
            complete.append(1000 * max(press.seconds for press in presses))
    what = f"slowest first visit of 5 screens, {MANY} runs, 80x24"
    return [
        Row("first-visits", f"{what}: drawn", "ms", tuple(drawn)),
        Row("first-visits-read", f"{what}: and all read", "ms", tuple(complete)),
    ]


def _slowest(
    command: list[str],
    size: tuple[int, int],
    environment: dict[str, str],
    before: str,
    keys: Sequence[str],
    repeats: int,
) -> tuple[float, ...]:
    with BenchTerminal(command, size, environment) as terminal:
        terminal.until(_FIRST)
        terminal.watch(_AT_REST)
        for key in before:
            terminal.press(key)
        rounds = [[terminal.press(key).seconds for key in keys] for _ in range(repeats)]
        return tuple(1000 * max(seconds) for seconds in rounds)


def _watching(many: Path, going: Path, environment: dict[str, str], repeats: int) -> list[Row]:
    """Per cent of a core and bytes a second, of parts of the time."""
    rows: list[Row] = []
    with BenchTerminal(ui_command([], many), _WIDE, environment) as terminal:
        terminal.until(_FIRST)
        terminal.watch(_AT_REST)
        terminal.press("2")
        terminal.watch(_AT_REST)
        parts = [terminal.watch(_IDLE) for _ in range(repeats)]
        rows += _watched(parts, "idle", f"idle, {MANY} runs")
    with live(going, _LIVE_TRIALS, 1.0) as run:
        for size in (_SMALL, _WIDE):
            with BenchTerminal(ui_command([str(run.path)], going), size, environment) as terminal:
                terminal.until(_FIRST)
                terminal.watch(_AT_REST)
                columns, lines = size
                what = f"watching {_LIVE_TRIALS} trials at 1 Hz, {columns}x{lines}"
                parts = [terminal.watch(_LONG / repeats) for _ in range(repeats)]
                rows += _watched(parts, f"watch-{columns}", what)
    return rows


def _watched(parts: Sequence[tuple[float, float]], name: str, what: str) -> list[Row]:
    processor, count = zip(*parts, strict=True)
    return [
        Row(f"{name}-cpu", what, "% of a core", processor),
        Row(f"{name}-bytes", what, "bytes/s", count),
    ]


def ui_command(words: list[str], runs: Path) -> list[str]:
    """The command of the UI over a folder of runs."""
    return [sys.executable, "-m", "genre_tui", *words, "--runs", str(runs), "--theme", "dark"]


def terminal_environment(folder: Path) -> dict[str, str]:
    """As over SSH from a terminal of today."""
    wanted = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    wanted |= {"GENRE_TUI_DATA": str(folder / "datasets")}
    unwanted = ("NO_COLOR", "COLORFGBG")
    inherited = {name: value for name, value in os.environ.items() if name not in unwanted}
    return inherited | wanted
