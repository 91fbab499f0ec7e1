"""What commands cost where there is much: an audit of many rows, a list of many runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data.datasets.dataset import Dataset, Split
from data.storage import hdf5
from experiments.errors import RunError
from tests.bench.measure import Benchmark, Row, machine_facts
from tests.bench.tui_runs import GENRES, write_many

ROOT = Path(__file__).parents[2]
_SAMPLE = 0.02  # seconds between two looks at a process's memory
_SEGMENTS = 30  # of a track


@dataclass
class CommandCost:
    """Of a command, one value a repeat; infinite where it was ended at the limit."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def bench_growth(
    rows: int,
    runs: int,
    repeats: int,
    beside: Path | None,
    limit: float,
    ended: Callable[[], object],
) -> Benchmark:
    """Measure both, each in processes of its own, one after another.

    Args:
        rows: of the dataset, tracks of 30 rows of random numbers.
        runs: finished ones, of all studies in turn.
        repeats: of each measurement.
        beside: another checkout of the project, such as of a version before, that does the
            same in turn.
        limit: seconds, after which a command is ended.
        ended: called after each command.

    Raises:
        RunError: a command fails.
    """
    trees = {"now": ROOT} | ({"beside": beside.absolute()} if beside else {})
    with tempfile.TemporaryDirectory() as folder:
        dataset, many = Path(folder) / "many.h5", Path(folder) / "runs"
        hdf5.save(_dataset(rows), dataset)
        write_many(many, runs)
        audit = ("data", "audit", str(dataset), "--json")
        listing = ("experiments", "runs", "--runs", str(many), "--json")
        costs: dict[tuple[str, str], CommandCost] = {}
        for _ in range(repeats):
            for tree, path in trees.items():
                cache = tempfile.mkdtemp(dir=folder)
                for what, words in (("audit", audit), ("first", listing), ("again", listing)):
                    cost = costs.setdefault((what, tree), CommandCost())
                    measure_command(words, path, cache, limit, cost)
                    ended()
    about = {
        "audit": f"audit of {rows:,} rows",
        "first": f"list of {runs:,} runs, the first time",
        "again": f"list of {runs:,} runs, again",
    }
    found = [
        Row(f"{what}-{unit}-{tree}", f"{about[what]}, {tree}: {label}", mark, tuple(values))
        for (what, tree), cost in sorted(
            costs.items(), key=lambda item: list(about).index(item[0][0])
        )
        for unit, label, mark, values in (
            ("wall", "time", "s", cost.wall),
            ("cpu", "CPU time", "s", cost.cpu),
            ("memory", "peak memory", "MB", cost.memory),
        )
    ]
    return Benchmark(machine_facts("cpu", 1, limit=f"{limit:g} s"), tuple(found), {})


def measure_command(
    words: tuple[str, ...], tree: Path, cache: str, limit: float, cost: CommandCost
) -> None:
    """Run `python -m` of a checkout once, and add what it costs.

    Args:
        words: what to run.
        tree: the checkout.
        cache: the user's cache.
        limit: seconds, after which it is ended.
        cost: to add to.

    Raises:
        RunError: it fails.
    """
    environment = os.environ | {"PYTHONPATH": str(tree), "GENRE_TUI_CACHE": cache}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=tree,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    killer = threading.Timer(limit, process.kill)
    killer.start()
    peaks: list[float] = []
    sampler = threading.Thread(target=_sample_peak, args=(process.pid, peaks))
    sampler.start()
    assert process.stderr is not None
    with process.stderr:
        errors = process.stderr.read().decode(errors="replace")
    sampler.join()
    _, status, usage = os.wait4(process.pid, 0)
    killer.cancel()
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    is_over = wall >= limit
    if process.returncode not in (0, 1) and not is_over:  # an audit that finds something: 1
        raise RunError(f"{' '.join(words[:2])} failed in {tree}: {errors.strip()[-300:]}")
    cost.wall.append(float("inf") if is_over else wall)
    cost.cpu.append(float("inf") if is_over else usage.ru_utime + usage.ru_stime)
    cost.memory.append(max(peaks, default=float("nan")))


def _sample_peak(process: int, peaks: list[float]) -> None:
    """Add a process's peak memory in megabytes, again and again until it ends.

    What `wait4` returns has the memory of the process that started it in it.
    """
    while True:
        try:
            status = Path(f"/proc/{process}/status").read_text()
            peaks.append(int(status.partition("VmHWM:")[2].split()[0]) / 1e3)
        except (OSError, IndexError):  # it has ended
            return
        time.sleep(_SAMPLE)


def _dataset(rows: int) -> Dataset:
    """Random rows around a mean of each track and genre; no two are alike."""
    rng = np.random.default_rng(0)
    tracks = max(12, rows // _SEGMENTS)
    track = np.sort(np.arange(rows) % tracks)
    genre = np.arange(tracks) % len(GENRES)
    means = rng.normal(size=(len(GENRES), 26))[genre] + rng.normal(size=(tracks, 26))
    mfcc = means[track] + rng.normal(size=(rows, 26))
    start = (np.arange(rows) - np.searchsorted(track, track)).astype(float)
    split = np.searchsorted([0.6 * tracks, 0.75 * tracks], np.arange(tracks), side="right")[track]
    parts = (
        Split(mfcc[chosen], None, genre[track[chosen]], track[chosen], start[chosen])
        for chosen in (np.flatnonzero(split == number) for number in range(3))
    )
    names = tuple(f"track-{number:06d}" for number in range(tracks))
    train, validation, test = parts
    return Dataset("many", GENRES, train, validation, test, names, {"kind": "bench"})
