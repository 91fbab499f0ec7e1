"""Has what a forecast lacks measured on this machine, in processes apart."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from data.errors import DataError
from experiments.forecasting.measurement import COMPANION, measure, measure_beside, now, start
from experiments.forecasting.timing_keys import Conditions
from experiments.forecasting.timings import Company, Timings
from experiments.training.cohorts import Cohort
from experiments.workers.pool import WorkerPool
from networks.training.cohort_key import Precision

T = TypeVar("T")
Report = Callable[[str], None]


def calibrate(
    cohorts: Sequence[Cohort],
    device: str,
    threads: int,
    precision: Precision,
    report: Report,
    workers: int = 1,
    pool: Callable[..., Any] = WorkerPool,
) -> Timings:
    """Measure what a forecast for some cohorts lacks, and keep it.

    On a CPU with one thread a process, its own time is measured: what else the machine
    does then changes little. Elsewhere it is wall time.

    Args:
        cohorts: of a run.
        device: "cpu" or "cuda", of cohorts that ask for none.
        threads: of torch on the CPU, in each process.
        precision: of products.
        report: told what is measured, a phrase each, and what went wrong.
        workers: processes that will train at once.
        pool: makes a pool of processes, as `WorkerPool`.

    Returns:
        All that is known now. What cannot be measured here, such as for want of
        memory, is still missing.
    """
    timings = Timings(Conditions(device, threads, precision))
    calibration = _Calibration(
        timings, report, partial(pool, threads=threads, on_message=lambda _: None)
    )
    company = timings.company
    together = device == "cpu" and workers > 1 and (company is None or company.workers < workers)
    calibration.measure_alone([*cohorts, *([COMPANION] if together else [])])
    if together:
        calibration.measure_together(workers)
    return timings


class _Calibration:
    """Measures, and keeps what it finds as soon as it has it.

    Args:
        timings: to add to.
        report: see `calibrate`.
        make_pool: of a number of processes.
    """

    def __init__(self, timings: Timings, report: Report, make_pool: Callable[[int], Any]) -> None:
        self._timings, self._report, self._make_pool = timings, report, make_pool

    def measure_alone(self, cohorts: Sequence[Cohort]) -> None:
        """Measure each kind that is missing, and how long a process takes to start."""
        timings = self._timings
        missing = timings.missing(cohorts)
        if not missing and timings.start_up is not None:
            return
        self._report("starting a process that trains")
        with self._make_pool(1) as pool:
            # Always first: what a process does once must not count for a kind.
            seconds = self._attempt(pool.submit(start, timings.conditions).result)
            if seconds is None:
                return
            if timings.start_up is None:
                self._attempt(partial(timings.keep_start_up, seconds))
            for number, cohort in enumerate(missing, start=1):
                self._report(f"{number} of {len(missing)}: {describe(cohort)}")
                timing = self._attempt(pool.submit(measure, cohort, timings.conditions).result)
                if timing is not None:
                    self._attempt(partial(timings.keep, cohort, timing))

    def measure_together(self, workers: int) -> None:
        """Measure by how much processes slow each other down."""
        timings = self._timings
        alone = timings.of(COMPANION)
        if alone is None:
            return
        self._report(f"{workers} processes at once")

        def together() -> Company:
            with self._make_pool(workers) as pool, tempfile.TemporaryDirectory() as folder:
                task = (measure_beside, timings.conditions, Path(folder), workers)
                futures = [pool.submit(*task) for _ in range(workers)]
                row = statistics.fmean(future.result() for future in as_completed(futures))
            return Company(workers, row / alone.row, now())

        company = self._attempt(together)
        if company is not None:
            self._attempt(partial(timings.keep_company, company))

    def _attempt(self, step: Callable[[], T]) -> T | None:
        """What a step gives; None where it fails: the others are worth having."""
        try:
            return step()
        except DataError as error:  # not kept, but known until this process ends
            self._report(str(error))
        except Exception as error:  # of any kind: it trains what a user made up
            self._report(f"not measured: {str(error) or type(error).__name__}")
        return None


def describe(cohort: Cohort) -> str:
    """A cohort in a phrase: its network where it differs from the usual one, and training."""
    trial, members = cohort.trials[0][1], len(cohort.trials)
    network, training = trial.network, trial.training
    name = network.kind.upper() if members == 1 else f"{members} {network.kind.upper()}s"
    usual = type(network)()
    differs = [
        f"{field.name}={getattr(network, field.name)}"
        for field in fields(network)
        if getattr(network, field.name) != getattr(usual, field.name)
    ]
    return ", ".join([name, *differs, training.optimizer, f"batches of {training.batch_size}"])
