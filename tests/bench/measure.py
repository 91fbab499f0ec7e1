"""Timing rivals in turn, and saying so: machine, repeats, medians, spread, ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from data.terminal.console import table
from experiments.errors import RunError
from experiments.training.device import processor_name, versions


@dataclass(frozen=True)
class Row:
    """One measured thing: its value in each repeat.

    Args:
        name: stable, for programs.
        what: for readers.
        unit: of the values.
        values: one a repeat.
        share: of the machine's matrix-product rate that it reaches, where that has a
            meaning.
    """

    name: str
    what: str
    unit: str
    values: tuple[float, ...]
    share: float | None = None

    @property
    def value(self) -> float:
        """Median of the repeats."""
        return statistics.median(self.values)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; without `share` where it has none."""
        plain = {
            "name": self.name,
            "what": self.what,
            "value": self.value,
            "unit": self.unit,
            "repeats": len(self.values),
            "values": list(self.values),
        }
        return plain if self.share is None else {**plain, "share": self.share}


@dataclass(frozen=True)
class Benchmark:
    """What was measured, on what, and how rivals compare.

    Args:
        machine: facts of the machine, JSON-ready.
        rows: in the order of the table.
        ratios: medians over repeats of one rival's value by another's.
    """

    machine: dict[str, Any]
    rows: tuple[Row, ...]
    ratios: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """The object that `bench --json` prints."""
        return {
            "machine": self.machine,
            "rows": [row.to_dict() for row in self.rows],
            "ratios": dict(self.ratios),
        }

    def print(self, console: Console) -> None:
        """Print it as a table."""
        cells = [
            [
                row.what,
                _figure(row.value),
                f"{_figure(min(row.values))} - {_figure(max(row.values))}",
                row.unit,
            ]
            for row in self.rows
        ]
        repeats = len(self.rows[0].values)
        columns = ["what", f"median of {repeats}", "range", "unit"]
        if any(row.share is not None for row in self.rows):
            columns.append("share")
            for cell, row in zip(cells, self.rows, strict=True):
                cell.append("" if row.share is None else f"{100 * row.share:.1f} %")
        console.print(table(columns, cells))
        for name, ratio in self.ratios.items():
            console.print(f"{name}: {_figure(ratio, 1)} times")
        facts = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        console.print(f"\n{facts}", soft_wrap=True)


def _figure(value: float, decimals: int = 0) -> str:
    """A number with at least two significant digits, small ones with decimals."""
    if abs(value) >= 10:
        return f"{value:.{decimals}f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def rate_of(work: Callable[[], int]) -> Callable[[], float]:
    """A measurement of the units a second of `work`, which returns how many it did."""

    def measure() -> float:
        began = time.perf_counter()
        units = work()
        return units / (time.perf_counter() - began)

    return measure


def in_turn(
    measurements: Mapping[str, Callable[[], float]], repeats: int
) -> dict[str, tuple[float, ...]]:
    """Take every measurement once, then again: a noisy moment hits all rivals alike.

    Each is first run once unmeasured.
    """
    for measure in measurements.values():
        measure()
    values: dict[str, list[float]] = {name: [] for name in measurements}
    for _ in range(repeats):
        for name, measure in measurements.items():
            values[name].append(measure())
    return {name: tuple(found) for name, found in values.items()}


def ratio(ours: tuple[float, ...], rival: tuple[float, ...]) -> float:
    """Median over the repeats of ours by the rival's of the same repeat."""
    return statistics.median(a / b for a, b in zip(ours, rival, strict=True))


def machine_facts(device: str, threads: int, **more: Any) -> dict[str, Any]:
    """What a reader needs to judge figures by."""
    return {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": threads,
        "device": device,
        **versions(),
        **more,
    }


def time_command(words: list[str], environment: dict[str, str]) -> tuple[float, str]:
    """Seconds that a command takes, and what it prints.

    Raises:
        RunError: it fails.
    """
    began = time.perf_counter()
    done = subprocess.run(
        words, capture_output=True, text=True, env=os.environ | environment, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise RunError(f"{' '.join(words[1:4])} ended with exit status {done.returncode}: {last}")
    return time.perf_counter() - began, done.stdout
