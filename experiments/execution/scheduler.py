"""Has the cohorts of a plan trained, then tests what validation selects."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from functools import partial

from experiments.design.plan import Plan
from experiments.design.trial import Trial
from experiments.errors import RunError
from experiments.execution.event_writer import EventWriter
from experiments.runs.disk_space import StopAskedError, patiently
from experiments.runs.events import Continued, Paused, Stopping, TrialEnded, WorkerDied
from experiments.runs.model_selection import select
from experiments.runs.trial_result import TrialResult
from experiments.training.baselines import is_done, record_failure
from experiments.training.cohort_splits import planned_parts, record_split
from experiments.training.cohorts import Cohort
from experiments.training.job import Work
from experiments.training.tasks import baselines, test, train
from experiments.workers.worker_handle import WorkerDiedError

_ATTEMPTS = 3  # that a cohort has: a worker that dies is replaced twice
_LOOK = 0.5  # seconds between two looks whether a stop is asked for

_Task = Cohort | Trial


class Runner:
    """Trains what is not done of a plan, into a run's directory.

    Args:
        work: where, on what and how.
        plan: what to train.
        cohorts: its trials, in groups that train in lockstep.
        pool: has the tasks done.
        workers: tasks at once.
        log: records what happens beside what workers send.
        classes: number of genres.
    """

    def __init__(
        self,
        work: Work,
        plan: Plan,
        cohorts: Sequence[Cohort],
        pool: Executor,
        workers: int,
        log: EventWriter,
        classes: int,
    ) -> None:
        self._work, self._plan, self._cohorts = work, plan, cohorts
        self._pool, self._workers, self._log = pool, workers, log
        self._run, self._classes = work.run, classes
        self._attempts: dict[str, int] = {}  # that a cohort or trial has left
        self._stopping = False

    def execute(self) -> bool:
        """Train and record every trial, test those that validation selects, fit baselines.

        A trial that raises is recorded as failed, and the others go on. Where a worker
        dies, its cohort goes on from its checkpoint; after three deaths its halves
        do, and a trial that is alone then has failed.

        Returns:
            Whether all is done: False where a stop was asked for.

        Raises:
            DataError: a record cannot be written.
            RunError: the dataset's file has changed meanwhile.
        """
        self.train()
        if not self._stopping and not self._work.settings.tested:
            self._carry_out(self._to_test())
        if not self._stopping and not is_done(self._run, self._classes, self._plan.seeds):
            self._fit_baselines()
        return not self._stopping

    def train(self) -> bool:
        """Train and record every trial, and no more: the first part of `execute`.

        Returns:
            Whether all are done: False where a stop was asked for.

        Raises:
            DataError, RunError: as `execute`.
        """
        self._carry_out(self._to_train())
        self._run.clear_temporary()  # of workers that died
        return not self._stopping

    def _to_train(self) -> Iterator[_Task]:
        for cohort in self._cohorts:
            for part in planned_parts(self._run, cohort):
                if not all(self._run.is_done(trial.id) for _, trial in part.trials):
                    yield part

    def _to_test(self) -> Iterator[_Task]:
        """The trials that validation selects, each once."""
        chosen: dict[str, Trial] = {}
        results = {trial.id: self._run.read_result(trial.id) for _, trial in self._plan.trials}
        for variant in self._plan.variants:
            ids = [candidate.ids for candidate in variant.candidates]
            for trial in variant.candidates[select(results, ids)].trials:
                result = results[trial.id]
                if result is not None and result.needs_test:
                    chosen[trial.id] = trial
        yield from chosen.values()

    def _carry_out(self, tasks: Iterator[_Task]) -> None:
        waiting = deque(tasks)
        running: dict[Future[bool], _Task] = {}
        while waiting or running:
            if not self._stopping and self._run.stop_is_asked:
                self._log.record(Stopping())
                self._stopping = True
            if self._stopping:
                waiting.clear()
            while waiting and len(running) < self._workers:
                task = waiting.popleft()
                running[self._submit(task)] = task
            ended, _ = wait(running, timeout=_LOOK, return_when=FIRST_COMPLETED)
            for future in ended:
                task = running.pop(future)
                try:
                    if not future.result():
                        self._stopping = True
                except WorkerDiedError as error:
                    waiting.extendleft(reversed(self._after_death(task, error)))

    def _submit(self, task: _Task) -> Future[bool]:
        if isinstance(task, Cohort):
            return self._pool.submit(train, self._work, task)
        return self._pool.submit(test, self._work, task)

    def _after_death(self, task: _Task, error: WorkerDiedError) -> list[_Task]:
        """What to do anew after a worker died on a task."""
        left = self._attempts.get(task.id, _ATTEMPTS) - 1
        self._attempts[task.id] = left
        self._log.record(WorkerDied(task.id, str(error), _ATTEMPTS - left))
        if left > 0:
            return [task]
        if isinstance(task, Trial):
            raise RunError(
                f"the trial {task.id} could not be tested: {error.reason} each time. Resume the "
                "run to try again."
            )
        undone = tuple(named for named in task.trials if not self._run.is_done(named[1].id))
        if len(undone) > 1:
            halves = Cohort(undone).halves()
            self._write(partial(record_split, self._run, task, halves, error.reason))
            for half in halves:
                # The culprit is in one of them: it is not looked for three times at each turn.
                self._attempts[half.id] = 1 if len(half.trials) > 1 else _ATTEMPTS
            return list(halves)
        for variant, trial in undone:
            result = _death(variant, trial, task, error)
            self._write(partial(self._run.write_result, result))
            self._log.record(TrialEnded.from_result(result, trial.training.learning_rate))
        return []

    def _fit_baselines(self) -> None:
        """Fit them; the last thing that a run does, and nothing is left behind then."""
        for attempt in range(1, _ATTEMPTS + 1):
            self._run.clear_temporary()  # of workers that died: no other lives now
            try:
                self._stopping = not self._pool.submit(
                    baselines, self._work, self._plan.seeds
                ).result()
                return
            except WorkerDiedError as error:
                self._log.record(WorkerDied("baselines", str(error), attempt))
                reason = f"their worker process died {attempt} times, at last by {error.reason}"
        self._run.clear_temporary()
        self._write(partial(record_failure, self._run, self._plan.seeds, reason))

    def _write(self, write: Callable[[], None]) -> None:
        """Write, as soon as there is room."""
        try:
            patiently(
                write,
                self._run,
                lambda reason: self._log.record(Paused(reason)),
                lambda: self._log.record(Continued()),
            )
        except StopAskedError:
            self._stopping = True


def _death(variant: str, trial: Trial, cohort: Cohort, error: WorkerDiedError) -> TrialResult:
    reason = f"its worker process died {_ATTEMPTS} times, at last by {error.reason}"
    return TrialResult(
        trial.id,
        variant,
        trial.seed,
        "failed",
        cohort.id,
        len(cohort.trials),
        reason=reason,
        traceback=str(error),
    )
