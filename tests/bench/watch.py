"""What it costs to watch a long training: the terminal UI beside it, `watch --once` of its log."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from experiments.runs.event_reader import event_files
from tests.bench.growth import ROOT, CommandCost, measure_command
from tests.bench.measure import Benchmark, Row, machine_facts
from tests.bench.tui import terminal_environment, ui_command
from tests.bench.tui_runs import live, write_long
from tests.bench.tui_terminal import BenchTerminal

_TRIALS, _LONG_TRIALS = 8, 64
_MINUTE = 60.0  # seconds
_SIZE = (140, 45)
_FIRST = "Quit"  # is drawn at the foot of the first screen


def bench_watch(
    minutes: int,
    rate: float,
    megabytes: int,
    limit: float,
    advance: Callable[[], None],
    note: Callable[[str], None],
) -> Benchmark:
    """Measure both.

    Args:
        minutes: that the UI watches 8 trials.
        rate: epochs a second of each of them.
        megabytes: of the events of 64 trials, which `watch --once` reads with the summary of
            their log, and without it.
        limit: seconds, after which `watch --once` is ended.
        advance: called after each minute, and after each of three further steps.
        note: called with what is being measured.
    """
    with tempfile.TemporaryDirectory() as folder:
        note("watching")
        rows = _watching(Path(folder), minutes, rate, advance)
        note("writing events")
        run = write_long(Path(folder) / "long", _LONG_TRIALS, megabytes * 10**6)
        advance()
        words = ("experiments", "watch", "--once", str(run.path))
        for what in ("with its summary", "without"):
            note(f"watch --once, {what}")
            cost = CommandCost()
            measure_command(words, ROOT, folder, limit, cost)
            title, name = f"watch --once of {megabytes} MB, {what}", what.partition(" ")[0]
            rows += [
                Row(f"once-{name}-wall", f"{title}: time", "s", tuple(cost.wall)),
                Row(f"once-{name}-memory", f"{title}: peak memory", "MB", tuple(cost.memory)),
            ]
            (run.path / "events" / "summary.json").unlink(missing_ok=True)
            advance()
    facts = machine_facts("cpu", 1, load=f"{os.getloadavg()[0]:.1f}")
    return Benchmark(facts, tuple(rows), {})


def _watching(folder: Path, minutes: int, rate: float, advance: Callable[[], None]) -> list[Row]:
    """Memory and processor's time of the UI in the first and in the last minute."""
    runs, environment = folder / "live", terminal_environment(folder)
    cpu, memory, events = [], [], []
    with (
        live(runs, _TRIALS, 1 / rate) as run,
        BenchTerminal(ui_command([str(run.path)], runs), _SIZE, environment) as terminal,
    ):
        terminal.until(_FIRST)
        for _ in range(minutes):
            cpu.append(terminal.watch(_MINUTE)[0])
            memory.append(terminal.memory())
            events.append(sum(path.read_bytes().count(b"\n") for path in event_files(run)))
            advance()
    return [
        row
        for place, name in ((0, "first"), (-1, "last"))
        for what in [f"UI beside {_TRIALS} trials, minute {len(cpu) if place else 1}"]
        for row in (
            Row(
                f"{name}-memory",
                f"{what}: memory after {events[place]} events",
                "MB",
                (memory[place],),
            ),
            Row(f"{name}-cpu", f"{what}: CPU", "% of a core", (cpu[place],)),
        )
    ]
