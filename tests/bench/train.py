"""Trial-epochs a second of our engine, beside loops in PyTorch and `keras.Model.fit`."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.datasets.dataset import Dataset
from networks.models.config import to_dict
from networks.models.custom import DOCUMENTED_SHAPES
from networks.models.multiply_adds import training_multiplications
from tests.bench.measure import Benchmark, Row, machine_facts, ratio
from tests.bench.measurements import TASKS, Measurement
from tests.bench.process import Job, Measured, in_its_own_process

MATRIX_PRODUCT = "machine/matrix-product"

_CNN_ROWS_CPU = 640  # train rows of an epoch: all 3200 would take minutes
_SEED = 0


def bench_train(
    dataset: Dataset,
    measurements: Sequence[Measurement],
    repeats: int,
    *,
    device: str,
    threads: int = 1,
    epochs: int | None = None,
    begins: Callable[[str], None] = lambda name: None,
    ended: Callable[[], None] = lambda: None,
    measure: Callable[[Job], Measured] = in_its_own_process,
) -> Benchmark:
    """Take every measurement once, then again: a noisy moment hits all rivals alike.

    Rates are trial-epochs a second: trials that trained side by side, by the mean
    seconds of an epoch, the first left out. Ours is charged with the validation and
    the callbacks of each epoch, its rivals train only. A row's share is

        2 * training_multiplications * train rows * rate / matrix-product rate

    with the float32 product rate that the same round measured, whatever the row's own
    precision. Shares and ratios are medians of the rounds' quotients.

    Args:
        dataset: whose rows are trained on. The FFN takes all train rows; the CNN does
            on a GPU, elsewhere 640 of them, and as large a part of the validation rows.
            Where there are no mel-spectrograms it takes random numbers: speed does
            not depend on them.
        measurements: see `choose_measurements`; the matrix product is always added.
        repeats: rounds.
        device: "cpu" or "cuda".
        threads: of torch on the CPU.
        epochs: of every measurement, at least 2; None means each task's own.
        begins: told each measurement that begins.
        ended: called when it has ended.
        measure: carries one out.

    Returns:
        Rows: the matrix product, the rate of each measurement, then seconds of ours.

    Raises:
        RunError: a measurement failed or was killed.
    """
    found: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory(prefix="genre-tui-bench-") as folder:
        kinds = dict.fromkeys(TASKS[one.task].network.features for one in measurements)
        inputs: dict[str, _Inputs] = {
            kind: _write_inputs(Path(folder), dataset, kind, device) for kind in kinds
        }
        jobs = [Job(MATRIX_PRODUCT, "matrix-product", device, threads)]
        for one in measurements:
            arrays = inputs[TASKS[one.task].network.features].file
            jobs.append(_job(one, device, threads, epochs, len(dataset.genres), arrays))
        for _ in range(repeats):
            for job in jobs:
                begins(job.name)
                found.setdefault(job.name, []).append(measure(job))
                ended()
    facts = machine_facts(
        device,
        threads,
        device_name=found[MATRIX_PRODUCT][0].device_name,
        dataset=dataset.name,
        **{kind: str(given) for kind, given in inputs.items()},
    )
    matrix_product = Row(
        MATRIX_PRODUCT,
        "float32 product of matrices, 1024 x 1024 x 1024",
        "GFLOP/s",
        tuple(rate / 1e9 for rate in _rates(found[MATRIX_PRODUCT])),
    )
    rows = [
        *_rate_rows(measurements, found, inputs, len(dataset.genres)),
        *_second_rows(measurements, found),
    ]
    return Benchmark(facts, (matrix_product, *rows), _ratios(measurements, found))


@dataclass(frozen=True)
class _Inputs:
    """What all rivals of a task read, and where it is."""

    file: Path
    train_rows: int
    validation_rows: int
    random: bool

    def __str__(self) -> str:
        source = "random numbers" if self.random else "the dataset's"
        return f"{source} ({self.train_rows} train, {self.validation_rows} validation rows)"


def _job(
    one: Measurement, device: str, threads: int, epochs: int | None, classes: int, arrays: Path
) -> Job:
    task = TASKS[one.task]
    return Job(
        one.name,
        one.rival,
        device,
        threads,
        one.members,
        one.precision,
        network=to_dict(task.network),
        training=to_dict(replace(task.training, epochs=epochs or task.training.epochs)),
        classes=classes,
        arrays=str(arrays),
    )


def _write_inputs(folder: Path, dataset: Dataset, kind: str, device: str) -> _Inputs:
    """Write the arrays that every process of these features reads."""
    rng = np.random.default_rng(_SEED)
    few = kind == "mel" and device == "cpu"
    most = _CNN_ROWS_CPU if few else len(dataset.train)
    share = min(1.0, most / len(dataset.train))
    random = kind == "mel" and not dataset.has_mel
    arrays: dict[str, npt.NDArray[Any]] = {}
    for prefix, split in (("", dataset.train), ("validation_", dataset.validation)):
        order = rng.permutation(len(split))[: math.ceil(share * len(split))]
        if random:
            features = rng.standard_normal((len(order), *DOCUMENTED_SHAPES["mel"]))
        else:
            features = getattr(split, kind)[order]
        arrays[f"{prefix}features"] = features.astype(np.float32)
        arrays[f"{prefix}label"] = split.label[order]
    file = folder / f"{kind}.npz"
    np.savez(file, allow_pickle=False, **arrays)
    return _Inputs(file, len(arrays["label"]), len(arrays["validation_label"]), random)


def _rate_rows(
    measurements: Sequence[Measurement],
    found: Mapping[str, Sequence[Measured]],
    inputs: Mapping[str, _Inputs],
    classes: int,
) -> Iterator[Row]:
    matrix_rates = _rates(found[MATRIX_PRODUCT])
    for one in measurements:
        network = TASKS[one.task].network
        given, rates = inputs[network.features], _rates(found[one.name])
        reports = dict.fromkeys(text for measured in found[one.name] for text in measured.reports)
        yield Row(
            one.name,
            ", ".join([one.what, *(["random inputs"] if given.random else []), *reports]),
            "trial-epochs/s",
            rates,
            2
            * training_multiplications(network, classes)
            * given.train_rows
            * ratio(rates, matrix_rates),
        )


def _second_rows(
    measurements: Sequence[Measurement], found: Mapping[str, Sequence[Measured]]
) -> Iterator[Row]:
    """Seconds of ours: before and beyond its epochs, and of an epoch of a CNN cohort."""
    ours = [one for one in measurements if one.rival == "ours"]
    for one in ours:
        seconds = tuple(measured.set_up for measured in found[one.name])
        yield Row(f"{one.name}/set-up", f"{one.what}: set-up", "s", seconds)
    for one in ours:
        if one.task == "cnn-adam" and one.members > 1:
            seconds = tuple(measured.epoch for measured in found[one.name])
            yield Row(f"{one.name}/epoch", f"{one.what}: one epoch of all", "s", seconds)


def _ratios(
    measurements: Sequence[Measurement], found: Mapping[str, Sequence[Measured]]
) -> dict[str, float]:
    """Every form of ours by every rival of the same task, where both were measured."""
    return {
        f"{one.task}: {one.short} / {rival.short}": ratio(
            _rates(found[one.name]), _rates(found[rival.name])
        )
        for one in measurements
        for rival in measurements
        if one.rival == "ours" and rival.rival != "ours" and one.task == rival.task
    }


def _rates(found: Sequence[Measured]) -> tuple[float, ...]:
    return tuple(measured.rate for measured in found)
