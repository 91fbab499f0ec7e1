"""The tasks of a worker that measures: it trains a few steps of each kind of cohort.

What they need of Keras and torch is imported in the worker.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.design.trial import Trial
from experiments.forecasting.timing_keys import Conditions
from experiments.forecasting.timings import Timing, rows_of_epoch
from experiments.training.cohorts import Cohort
from networks.models.config import CNNConfig, FFNConfig, NetworkConfig, TrainingConfig
from networks.models.multiply_adds import training_multiplications

if TYPE_CHECKING:
    from networks.training.results import Rows

# Trains in several processes at once, to see how much they slow each other down.
COMPANION = Cohort((("companion", Trial(CNNConfig(), TrainingConfig(), 0, "")),))

_CLASSES = 4
_TIMED = 3  # epochs, after a first one that warms up
_TRAIN_ROWS_A_VALIDATION_ROW = 4
# Epochs of short steps have many of them, so that what an epoch takes beside its steps
# counts as little as in a real one.
_ROWS, _STEPS = 1600, (4, 100)
_MULTIPLICATIONS, _LONG_STEPS = 7e9, (2, 48)  # of epochs whose steps are long
_SLOWER = 1e-3  # by which learning rates are less: noise drives weights anywhere
_LONGEST_WAIT = 120.0  # seconds that a process waits for its company


def start(conditions: Conditions) -> float:
    """Import what trains, and use it once; the seconds that this process has taken so far."""
    _set_up(conditions)
    trial = Trial(FFNConfig(hidden=(1,)), TrainingConfig(epochs=1), 0, "")
    _train(Cohort((("first", trial),)), conditions, (1, 1), epochs=1)
    return time.process_time()


def measure(cohort: Cohort, conditions: Conditions) -> Timing:
    """Train a cohort for a few steps on random rows, in this process.

    Raises:
        RuntimeError: it cannot be trained.
    """
    from experiments.runs.directory import RunDirectory
    from experiments.training.device import release_memory
    from networks.training.results import Trained

    _set_up(conditions)
    rows = rows_to_measure(cohort, cohort.device or conditions.device)
    clock = _clock(cohort, conditions)
    marks = [clock()]
    outcomes = _train(
        cohort, conditions, rows, epochs=1 + _TIMED, on_epoch=lambda *_: marks.append(clock())
    )
    whole = clock() - marks[0]
    first = outcomes[0]
    if len(marks) != 2 + _TIMED or not isinstance(first, Trained):
        raise RuntimeError(getattr(first, "reason", "its loss is not finite on random rows"))
    epoch = statistics.median(end - begin for begin, end in pairwise(marks[1:]))
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        RunDirectory(Path(folder)).write_model("0", first.model.save)
        finish = time.perf_counter() - began
    del first, outcomes
    release_memory()
    return Timing(
        row=epoch / rows_of_epoch(*rows),
        set_up=max(whole - (1 + _TIMED) * epoch, 0.0),
        finish=finish,
        members=len(cohort.trials),
        repeats=_TIMED,
        measured=now(),
    )


def measure_beside(conditions: Conditions, folder: Path, workers: int) -> float:
    """Train while other processes do the same; seconds a row.

    Args:
        conditions: of all.
        folder: in which they show each other how far they are.
        workers: how many they are, this one included.

    Raises:
        RuntimeError: some of them do not come.
    """
    _set_up(conditions)
    rows = rows_to_measure(COMPANION, conditions.device)
    clock = _clock(COMPANION, conditions)
    give_up = time.monotonic() + _LONGEST_WAIT
    me, seconds = str(os.getpid()), list[float]()
    began, all_train = 0.0, False

    def after_epoch(epoch: int, take: object) -> bool:
        nonlocal began, all_train
        if all_train:
            seconds.append(clock() - began)
        (folder / f"{me}.trains").touch()
        if len(seconds) >= _TIMED:
            (folder / f"{me}.may-end").touch()  # but the others still need it
        all_train = len(list(folder.glob("*.trains"))) == workers
        began = clock()
        return len(list(folder.glob("*.may-end"))) == workers or time.monotonic() > give_up

    _train(COMPANION, conditions, rows, epochs=10**6, after_epoch=after_epoch)
    if len(seconds) < _TIMED:
        raise RuntimeError(f"{workers} processes did not train at once within {_LONGEST_WAIT:g} s")
    return statistics.median(seconds[:_TIMED]) / rows_of_epoch(*rows)


def rows_to_measure(cohort: Cohort, device: str) -> tuple[int, int]:
    """Train and validation rows of an epoch that is long enough to be timed."""
    trial = cohort.trials[0][1]
    batch, rows, (fewest, most) = trial.training.batch_size, float(_ROWS), _STEPS
    if isinstance(trial.network, CNNConfig) and device == "cpu":
        rows = _MULTIPLICATIONS / training_multiplications(trial.network, _CLASSES)
        fewest, most = _LONG_STEPS
    train = batch * min(max(round(rows / batch), fewest), most)
    return train, -(-train // _TRAIN_ROWS_A_VALIDATION_ROW)


def calm(training: TrainingConfig, epochs: int) -> TrainingConfig:
    """A training that costs the same, and ends neither early nor in numbers without bounds."""
    schedule, rate = training.schedule, training.learning_rate * _SLOWER
    if schedule.max_learning_rate is not None:
        highest = schedule.max_learning_rate * _SLOWER
        schedule = replace(schedule, max_learning_rate=highest)
    return replace(
        training, epochs=epochs, learning_rate=rate, schedule=schedule, early_stopping=None
    )


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _set_up(conditions: Conditions) -> None:
    from experiments.training.device import set_up

    set_up(conditions.device, conditions.threads)


def _train(
    cohort: Cohort, conditions: Conditions, rows: tuple[int, int], epochs: int, **told: Any
) -> list[Any]:
    from networks.engine.cohort import Member, train_cohort

    members = [
        Member(trial.network, calm(trial.training, epochs), trial.seed)
        for _, trial in cohort.trials
    ]
    network = members[0].network
    return train_cohort(
        members,
        _random_rows(network, rows[0]),
        _random_rows(network, rows[1]),
        _CLASSES,
        device=cohort.device or conditions.device,
        precision=conditions.precision,
        **told,
    )


def _random_rows(network: NetworkConfig, number: int) -> Rows:
    import numpy as np

    from networks.training.results import Rows

    shape = network.input_shape
    rng = np.random.default_rng(0)
    features = rng.standard_normal((number, *shape), np.float32)
    return Rows(features, rng.integers(0, _CLASSES, number))


def _clock(cohort: Cohort, conditions: Conditions) -> Callable[[], float]:
    """Of this process alone, where that tells all that it does."""
    on_cpu = (cohort.device or conditions.device) == "cpu"
    return time.process_time if on_cpu and conditions.threads == 1 else time.perf_counter
