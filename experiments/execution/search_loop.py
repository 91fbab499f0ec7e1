"""Carries a search out: has each generation trained, and draws the next from its results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

from optuna.trial import FrozenTrial

from data.datasets.dataset import Dataset
from experiments.design.plan import Plan, PlannedVariant
from experiments.design.search_settings import Search
from experiments.execution.event_writer import EventWriter
from experiments.execution.manifest import cohorts_of
from experiments.execution.scheduler import Runner
from experiments.runs.disk_space import StopAskedError, patiently
from experiments.runs.events import Continued, Note, Paused
from experiments.runs.manifest import RunManifest
from experiments.search.sampling import Generation, Place, next_generation
from experiments.search.storage import add_generation, record_results
from experiments.training.cohorts import Cohort
from experiments.training.job import Work
from experiments.training.tasks import Machine


@dataclass(frozen=True)
class Begun:
    """What a search begins with.

    Args:
        search: settled.
        plan: of its run: variants without candidates.
        generation: the first.
    """

    search: Search
    plan: Plan
    generation: Generation


def begin_search(asked: Search, plan: Plan, dataset: Dataset, machine: Machine) -> Begun:
    """Draw the first generation.

    Args:
        asked: what the user asks for.
        plan: of its study, whose variants can be trained here.
        dataset: to train on.
        machine: that trains.

    Raises:
        RunError: there is nothing to draw.
    """
    names = [variant.name for variant in plan.variants]
    place = Place(dataset.content_sha256, len(dataset.genres), machine.device)
    search = asked.settled(names, machine.device, machine.free_memory)
    return Begun(
        search,
        replace(
            plan,
            variants=tuple(PlannedVariant(name, ()) for name in names),
            left_out=(*plan.left_out, *search.sentences),
        ),
        next_generation(search, 1, (), place),
    )


class Searcher:
    """Trains a search's trials and draws further ones, from wherever it is.

    What is drawn is committed to Optuna's journal before it trains: a process that dies
    loses no trial, and the next one trains those that have no result.

    Args:
        search: settled.
        work: where, on what and how.
        pool: has the tasks done.
        workers: tasks at once.
        log: is told what happens beside what workers tell.
        classes: number of genres.
    """

    def __init__(
        self,
        search: Search,
        work: Work,
        pool: Executor,
        workers: int,
        log: EventWriter,
        classes: int,
    ) -> None:
        self._search, self._work, self._run = search, work, work.run
        self._pool, self._workers, self._log, self._classes = pool, workers, log, classes
        self._place = Place(work.content_sha256, classes, work.settings.device)
        self._trials: Sequence[FrozenTrial] = ()  # that Optuna knows

    def execute(self) -> bool:
        """Draw and train until the search is over, then do what any run does at its end.

        Returns:
            Whether all is done: False where a stop was asked for.

        Raises:
            DataError, RunError: as `Runner.execute`; there is nothing to draw.
        """
        cohorts: Sequence[Cohort] | None = None  # all that are drawn
        while True:
            manifest = self._run.read_manifest()
            if not (self._runner(manifest, cohorts).train() and self._write(self._record_results)):
                return False
            if not manifest.draws_on:
                return self._runner(manifest).execute()
            number = 1 + (manifest.search.generations if manifest.search else 0)
            generation = next_generation(self._search, number, self._trials, self._place)
            if not self._write(partial(add_generation, self._run, generation)):
                return False
            self._announce(generation, len(manifest.trials) + len(generation.trials))
            cohorts = generation.cohorts

    def _runner(self, manifest: RunManifest, cohorts: Sequence[Cohort] | None = None) -> Runner:
        plan = manifest.plan
        chosen = cohorts_of(manifest.cohorts, plan.trials) if cohorts is None else cohorts
        return Runner(self._work, plan, chosen, self._pool, self._workers, self._log, self._classes)

    def _record_results(self) -> None:
        self._trials = record_results(self._run)

    def _announce(self, generation: Generation, drawn: int) -> None:
        asked = self._search.trials
        named = [one for cohort in generation.cohorts for one in cohort.trials]
        is_last = generation.exhausted or drawn >= asked
        self._log.grew(named, is_last=is_last)
        self._log.planned(generation.cohorts, self._workers)
        scores = [trial.value for trial in self._trials if trial.value is not None]
        so_far = f"; best validation macro-F1 so far {max(scores) * 100:.1f} %" if scores else ""
        if generation.trials:
            text = f"generation {generation.number}: {drawn} of {asked} drawn{so_far}"
            self._log.record(Note(text))
        if is_last and drawn < asked:
            text = f"nothing new is left to draw: the search ends with {drawn} trials"
            self._log.record(Note(text))

    def _write(self, write: Callable[[], None]) -> bool:
        """Write, as soon as there is room; False where a stop was asked for meanwhile."""
        try:
            patiently(
                write,
                self._run,
                lambda reason: self._log.record(Paused(reason)),
                lambda: self._log.record(Continued()),
            )
        except StopAskedError:
            return False
        return True
