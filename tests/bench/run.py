"""A whole study from its command to its table, beside the source's loop as a script."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from data.datasets.dataset import Dataset
from data.storage import hdf5
from experiments.studies import STUDIES
from tests.bench.measure import Benchmark, Row, machine_facts, ratio, time_command

STUDY = "ffn-baseline"
SCRIPT = Path(__file__).with_name("source_script.py")


def bench_run(path: Path, seeds: int, repeats: int, advance: Callable[[], None]) -> Benchmark:
    """Measure the study with empty folders, again, and the script, in turn.

    Args:
        path: of a dataset file with MFCC statistics.
        seeds: trained by each.
        repeats: of each measurement.
        advance: called after each measurement.

    Raises:
        DataError: the dataset cannot be read.
        RunError: a command failed.
    """
    dataset = hdf5.load(path)
    seconds: dict[str, list[float]] = {"script": [], "first": [], "again": []}
    accuracy: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "arrays.npz"
        _write_arrays(dataset, arrays)
        for number in range(repeats):
            home = Path(folder) / str(number)
            for name in seconds:
                measure = _time_script if name == "script" else _time_study
                took, accuracy[name] = measure(home, path, arrays, seeds)
                seconds[name].append(took)
                advance()
    values = {name: tuple(found) for name, found in seconds.items()}
    ours = f"run {STUDY} --seeds {seeds}"
    what = {
        "first": f"{ours}, with empty folders",
        "again": f"{ours}, again",
        "script": f"the source's loop as a script, {seeds} seeds",
    }
    rows = [
        Row(name, f"{text} (test accuracy {100 * accuracy[name]:.1f} %)", "s", values[name])
        for name, text in what.items()
    ]
    ratios = {
        "the script / ours, first": ratio(values["script"], values["first"]),
        "the script / ours, again": ratio(values["script"], values["again"]),
    }
    return Benchmark(machine_facts("cpu", 1, dataset=dataset.name), tuple(rows), ratios)


def _write_arrays(dataset: Dataset, path: Path) -> None:
    train, val, test = dataset.train, dataset.validation, dataset.test
    np.savez(
        path,
        x_train=train.statistics(),
        y_train=train.label,
        x_val=val.statistics(),
        y_val=val.label,
        x_test=test.statistics(),
        y_test=test.label,
    )


def _time_study(home: Path, path: Path, arrays: Path, seeds: int) -> tuple[float, float]:
    """Seconds, and mean test accuracy over the seeds."""
    folders = ("DATA", "RUNS", "CACHE")
    places = {f"GENRE_TUI_{name}": str(home / name.lower()) for name in folders}
    arguments = ["run", STUDY, "--data", str(path), "--seeds", str(seeds), "--json"]
    took, output = time_command([sys.executable, "-m", "experiments", *arguments], places)
    result = json.loads(output.splitlines()[-1])
    return took, float(result["variants"][0]["accuracy"]["mean"])


def _time_script(home: Path, path: Path, arrays: Path, seeds: int) -> tuple[float, float]:
    """As `_time_study`."""
    training = STUDIES[STUDY].variants[0].training
    numbers = [str(training.epochs), str(training.learning_rate), *map(str, range(seeds))]
    took, output = time_command([sys.executable, str(SCRIPT), str(arrays), *numbers], {})
    return took, statistics.fmean(float(line.split()[-1]) for line in output.splitlines())
