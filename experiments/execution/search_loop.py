"""Trains each generation of a search, and draws the next from its results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

from optuna.trial import FrozenTrial

from experiments.design.plan import PlannedVariant, make_plan
from experiments.design.request import Request
from experiments.design.search_settings import Search
from experiments.execution.event_writer import EventWriter
from experiments.execution.scheduler import Scheduler
from experiments.runs.disk_space import StopAskedError, retry_when_disk_full
from experiments.runs.events import Note
from experiments.runs.manifest import DatasetRecord
from experiments.search.sampling import Generation, TrialContext, next_generation
from experiments.search.storage import add_generation, record_results
from experiments.training.cohorts import Cohort
from experiments.training.device import Machine
from experiments.training.planning import PlannedRun, worker_count
from experiments.training.training_job import TrainingJob


def plan_search(
    request: Request, search: Search, dataset: DatasetRecord, machine: Machine
) -> tuple[PlannedRun, Search, Generation]:
    """Draw the first generation of a search.

    Args:
        request: of the run.
        search: as requested.
        dataset: to train on.
        machine: that trains.

    Returns:
        The run, whose variants have no candidates yet; the search with the settings that
        it has on this machine; its first generation.

    Raises:
        RunError: there is nothing to draw.
    """
    size = dataset.size()
    plan = make_plan(request.study, request.options, dataset.content_sha256, machine.devices)
    names = [variant.name for variant in plan.variants]
    search = search.settled(names, machine.device, machine.free_memory)
    context = TrialContext(dataset.content_sha256, size, machine.device)
    generation = next_generation(search, 1, (), context)
    workers = worker_count(generation.cohorts, machine, request.computing, size)
    variants = tuple(PlannedVariant(name, ()) for name in names)
    plan = replace(plan, variants=variants, left_out=(*plan.left_out, *search.sentences))
    return PlannedRun(plan, (), workers), search, generation


class SearchLoop:
    """Trains a search's trials and draws further ones, from wherever it is.

    What is drawn is committed to Optuna's journal before it trains: a process that dies
    loses no trial, and the next one trains those that have no result.

    Args:
        search: with the settings that it has on this machine.
        job: where, on what and how.
        pool: of workers.
        log: of events.
    """

    def __init__(self, search: Search, job: TrainingJob, pool: Executor, log: EventWriter) -> None:
        self._search, self._job, self._run = search, job, job.run
        self._pool, self._log = pool, log
        self._trials: Sequence[FrozenTrial] = ()  # of Optuna's study

    def execute(self) -> bool:
        """Draw and train until the search is over, then evaluate and fit as `Scheduler` does.

        Returns:
            Whether all is done: False where a stop was requested.

        Raises:
            DataError, RunError: as `Scheduler.execute`; or there is nothing to draw.
        """
        cohorts: Sequence[Cohort] | None = None  # those that were drawn last; at first all
        while True:
            manifest = self._run.read_manifest()
            scheduler = Scheduler(self._job, manifest, self._pool, self._log, cohorts)
            if not (scheduler.train() and self._write(self._record_results)):
                return False
            if not manifest.draws_on:
                return Scheduler(self._job, manifest, self._pool, self._log).execute()
            number = 1 + (manifest.search.generations if manifest.search else 0)
            dataset, device = manifest.dataset, manifest.device
            context = TrialContext(dataset.content_sha256, manifest.size, device.type)
            generation = next_generation(self._search, number, self._trials, context)
            if not self._write(partial(add_generation, self._run, generation)):
                return False
            drawn = len(manifest.trials) + len(generation.trials)
            self._log_generation(generation, drawn, device.workers)
            cohorts = generation.cohorts

    def _record_results(self) -> None:
        self._trials = record_results(self._run)

    def _log_generation(self, generation: Generation, drawn: int, workers: int) -> None:
        wanted = self._search.trials
        named = [one for cohort in generation.cohorts for one in cohort.trials]
        is_last = generation.exhausted or drawn >= wanted
        self._log.grow(named, is_last=is_last)
        self._log.plan(generation.cohorts, workers)
        scores = [trial.value for trial in self._trials if trial.value is not None]
        so_far = f"; best validation macro-F1 so far {max(scores) * 100:.1f} %" if scores else ""
        if generation.trials:
            text = f"generation {generation.number}: {drawn} of {wanted} drawn{so_far}"
            self._log.record(Note(text))
        if is_last and drawn < wanted:
            text = f"nothing new is left to draw: the search ends with {drawn} trials"
            self._log.record(Note(text))

    def _write(self, write: Callable[[], None]) -> bool:
        """Write, waiting for room on the disk; False where a stop was requested meanwhile."""
        try:
            retry_when_disk_full(write, self._run, self._log.record)
        except StopAskedError:
            return False
        return True
