"""Carries a search out: has each generation trained, and draws the next from its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from data.datasets.dataset import Dataset
from experiments.design.plan import Plan, PlannedVariant, plan_of
from experiments.design.search_settings import Search
from experiments.execution.event_writer import EventWriter
from experiments.execution.manifest import cohorts_of
from experiments.execution.scheduler import Runner
from experiments.runs.disk_space import StopAskedError, patiently
from experiments.runs.events import Continued, Note, Paused
from experiments.search.generations import Generation, draws_of
from experiments.search.optuna_journal import write_journal
from experiments.search.optuna_trials import Told
from experiments.search.sampling import Place, next_generation
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
    """Carries a search out, from wherever it is.

    What is drawn is committed before it trains, and drawn from committed results: a
    process that dies loses nothing, and the next one draws the same.

    Args:
        search: settled.
        work: where, on what and how.
        pool: has the tasks done.
        workers: tasks at once.
        log: records what happens beside what workers send.
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
        self._told: list[Told] = []

    def execute(self) -> bool:
        """Draw and train until the search is over, then do what any run does at its end.

        Returns:
            Whether all is done: False where a stop was asked for.

        Raises:
            DataError, RunError: as `Runner.execute`; there is nothing to draw.
        """
        cohorts: Sequence[Cohort] | None = None  # all that are drawn
        while True:
            facts = self._run.read_run()
            runner = self._runner(facts, cohorts)
            if not (self._tell(facts) and runner.train() and self._tell(facts)):
                return False
            if facts["search"]["is_over"]:
                return self._runner(facts).execute()
            number = int(facts["search"]["generations"]) + 1
            generation = next_generation(self._search, number, self._told, self._place)
            if not self._write(partial(self._run.write_generation, number, generation.to_dict())):
                return False
            self._announce(generation)
            cohorts = generation.cohorts

    def _runner(self, facts: Mapping[str, Any], cohorts: Sequence[Cohort] | None = None) -> Runner:
        plan = plan_of(facts)
        chosen = cohorts_of(facts, plan) if cohorts is None else cohorts
        return Runner(self._work, plan, chosen, self._pool, self._workers, self._log, self._classes)

    def _tell(self, facts: Mapping[str, Any]) -> bool:
        """Take results in and write Optuna's journal; False where a stop was asked for."""
        self._told += map(Told, draws_of(facts)[len(self._told) :])
        for place, told in enumerate(self._told):
            if told.status is None and self._run.is_done(told.draw.trial.id):
                result = self._run.read_result(told.draw.trial.id)
                self._told[place] = Told.of(told.draw, result)
        return self._write(partial(write_journal, self._run, self._search, self._told))

    def _announce(self, generation: Generation) -> None:
        drawn = len(self._told) + len(generation.draws)
        asked = self._search.trials
        named = [(draw.setting.variant, draw.trial) for draw in generation.draws]
        self._log.grew(named, is_last=generation.is_last)
        self._log.planned(generation.cohorts, self._workers)
        best = max((told.score for told in self._told if told.score is not None), default=None)
        so_far = "" if best is None else f"; best validation macro-F1 so far {best * 100:.1f} %"
        if generation.draws:
            self._log.record(
                Note(f"generation {generation.number}: {drawn} of {asked} drawn{so_far}")
            )
        if generation.is_last and drawn < asked:
            self._log.record(
                Note(f"nothing new is left to draw: the search ends with {drawn} trials")
            )

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
