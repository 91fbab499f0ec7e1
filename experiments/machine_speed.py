"""Measures how fast this machine trains, in processes apart, for forecasts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from data.processes import usable_cores
from experiments.design.dataset_size import SOURCE_SIZE
from experiments.design.request import Computing
from experiments.design.trial import Trial
from experiments.forecasting import (
    FACTORS,
    START_UP,
    correct_factors,
    estimate_epoch,
    on_this_machine,
    read_factors,
)
from experiments.workers.pool import WorkerPool
from networks.models.config import CNNConfig, FFNConfig, TrainingConfig

_PROBES = {  # trial, batches of 16 rows, epochs, of which the first warms up
    "ffn": (Trial(FFNConfig(), TrainingConfig(learning_rate=1e-6), 0, ""), 200, 4),
    "cnn": (Trial(CNNConfig(), TrainingConfig(learning_rate=1e-6), 0, ""), 12, 3),
}


def measure(
    computing: Computing,
    report: Callable[[str], None],
    make_pool: Callable[..., Any] = WorkerPool,
) -> None:
    """Measure the unknown factors of this machine, in a few seconds, and store them.

    Args:
        computing: of later runs.
        report: called with a phrase for each step, and with the reason of a failure.
        make_pool: of processes, as `WorkerPool`.
    """
    computing = on_this_machine(computing)
    workers = max(1, usable_cores() // computing.threads) if computing.device == "cpu" else 1
    known, found = read_factors(computing), dict[str, float]()
    if known.keys() >= set(FACTORS) - ({"shared"} if workers == 1 else set()):
        return
    try:
        with make_pool(workers, threads=computing.threads, on_message=lambda _: None) as pool:
            everywhere = [computing] * workers
            report("starting processes that train")
            # First, so that what a process does only once does not count as training.
            found["start_up"] = statistics.fmean(pool.map(_start, everywhere)) / START_UP
            report("one process that trains")
            found |= pool.submit(_probe, computing).result()
            if workers > 1:
                report(f"{workers} processes at once")
                beside = statistics.fmean(one["cnn"] for one in pool.map(_probe, everywhere))
                found["shared"] = max(1.0, beside / found["cnn"])
        correct_factors(computing, {k: found[k] for k in found.keys() - known.keys()})
    except Exception as error:  # of any kind: a forecast is not worth failing for
        report(f"not measured: {str(error) or type(error).__name__}")


def _start(computing: Computing) -> float:
    """Import Keras and torch and train once; the CPU seconds of this process so far."""
    from experiments.training.device import set_up

    set_up(computing.device, computing.threads)
    _train(Trial(FFNConfig(hidden=(1,)), TrainingConfig(), 0, ""), computing, 1, 1)
    return time.process_time()


def _probe(computing: Computing) -> dict[str, float]:
    """Factors of this process, from training each kind of network on random rows."""
    factors = {}
    for kind, (trial, steps, epochs) in _PROBES.items():
        seconds = statistics.median(_train(trial, computing, steps, epochs)[1:])
        batch = trial.training.batch_size
        size = replace(SOURCE_SIZE, train=steps * batch, validation=batch)
        expected = estimate_epoch(trial, 1, computing.device, size)
        factors[kind] = seconds / expected
    return factors


def _train(trial: Trial, computing: Computing, steps: int, epochs: int) -> list[float]:
    """Seconds of each epoch of a trial on random rows."""
    import numpy as np

    from networks.engine.cohort import TrialSpec, train_cohort
    from networks.training.results import LabelledRows

    rng = np.random.default_rng(0)

    def random_rows(number: int) -> LabelledRows:
        features = rng.standard_normal((number, *SOURCE_SIZE.shape_of(trial.network)), np.float32)
        return LabelledRows(features, rng.integers(0, SOURCE_SIZE.classes, number))

    # Other processes do not count, where this thread does all the work.
    on_one_core = computing.device == "cpu" and computing.threads == 1
    clock = time.process_time if on_one_core else time.perf_counter
    marks = [clock()]
    train_cohort(
        [TrialSpec(trial.network, replace(trial.training, epochs=epochs), trial.seed)],
        random_rows(steps * trial.training.batch_size),
        random_rows(trial.training.batch_size),
        SOURCE_SIZE.classes,
        device=computing.device,
        precision=computing.precision,
        on_epoch=lambda *_: marks.append(clock()),
    )
    if len(marks) != epochs + 1:
        raise RuntimeError("training on random rows ended early")
    return [end - begin for begin, end in pairwise(marks)]
