"""Trains the cohorts of a plan in a pool of workers, then evaluates what validation selects."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from functools import partial

from experiments.design.dataset_size import DatasetSize
from experiments.design.trial import Trial
from experiments.errors import RunError
from experiments.execution.event_writer import EventWriter
from experiments.runs.disk_space import StopAskedError, retry_when_disk_full
from experiments.runs.events import Stopping, TrialEnded, WorkerDied
from experiments.runs.manifest import RunManifest
from experiments.runs.state import untested
from experiments.runs.trial_result import TrialCohort, TrialResult
from experiments.training import baselines
from experiments.training.cohorts import Cohort, cohorts_of, planned_parts
from experiments.training.training_job import TrainingJob
from experiments.workers.worker_handle import WorkerDiedError
from networks.models.custom import CustomConfig

_ATTEMPTS = 3  # that a cohort has: a worker that dies is replaced twice
_LOOK = 0.5  # seconds between two checks for a stop request


class Scheduler:
    """Trains what is not done of a plan, into a run's directory.

    Args:
        job: where, on what and how.
        manifest: of the run: what to train, in how many processes at once.
        pool: of workers.
        log: of events.
        cohorts: that may have something left to train; None means all.
    """

    def __init__(
        self,
        job: TrainingJob,
        manifest: RunManifest,
        pool: Executor,
        log: EventWriter,
        cohorts: Sequence[Cohort] | None = None,
    ) -> None:
        self._job, self._run, self._manifest = job, job.run, manifest
        self._pool, self._log = pool, log
        self._cohorts = cohorts_of(manifest) if cohorts is None else cohorts
        self._attempts: dict[str, int] = {}  # that a cohort or trial has left
        self._stopping = False

    def execute(self) -> bool:
        """Train and record every trial, evaluate those that validation selects, fit baselines.

        A trial that raises is recorded as failed, and the others go on. Where a worker
        dies, its cohort resumes from its checkpoint; after three deaths its halves
        do, and a trial that is alone then has failed.

        Returns:
            Whether all is done: False where a stop was requested.

        Raises:
            DataError: a record cannot be written.
            RunError: the dataset's file has changed meanwhile.
            RunLostError: the run has been moved, or another process trains it.
        """
        self.train()
        # Where a selected trial fails on the test rows, validation selects another.
        while not (self._stopping or self._job.settings.tested):
            results = {trial: self._run.read_result(trial) for trial in self._manifest.trials}
            if not (left := untested(results, self._manifest.plan.variants)):
                break
            self._run_tasks(left.values())
        classes, of = self._manifest.size.classes, (self._manifest.seeds, self._manifest.folds)
        if not (self._stopping or baselines.is_done(self._run, classes, *of)):
            self._fit_baselines()
        return not self._stopping

    def train(self) -> bool:
        """Train and record every trial, and no more: the first part of `execute`.

        Returns:
            Whether all are done: False where a stop was requested.

        Raises:
            DataError, RunError: as `execute`.
        """
        self._run_tasks(
            part
            for cohort in self._cohorts
            for part in planned_parts(self._run, cohort)
            if not all(self._run.is_done(trial.id) for _, trial in part.trials)
        )
        self._run.clear_temporary()  # of workers that died
        return not self._stopping

    def _run_tasks(self, tasks: Iterable[Cohort | Trial]) -> None:
        """Train cohorts, evaluate trials."""
        waiting = deque(tasks)
        running: dict[Future[bool], Cohort | Trial] = {}
        while waiting or running:
            self._run.require_owner()
            if not self._stopping and self._run.stop_is_asked:
                self._log.record(Stopping())
                self._stopping = True
            if self._stopping:
                waiting.clear()
            while waiting and len(running) < self._manifest.device.workers:
                task = waiting.popleft()
                running[self._pool.submit(run_task, self._job, task)] = task
            ended, _ = wait(running, timeout=_LOOK, return_when=FIRST_COMPLETED)
            for future in ended:
                task = running.pop(future)
                try:
                    if not future.result():
                        self._stopping = True
                except WorkerDiedError as error:
                    waiting.extendleft(reversed(self._after_death(task, error)))

    def _after_death(
        self, task: Cohort | Trial, error: WorkerDiedError
    ) -> Sequence[Cohort | Trial]:
        """The tasks that replace one on which a worker died."""
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
            parts = [half.record.trials for half in halves]
            self._write(partial(self._run.write_split, task.id, parts, error.reason))
            for half in halves:
                # The culprit is in one of them: it is not looked for three times at each turn.
                self._attempts[half.id] = 1 if len(half.trials) > 1 else _ATTEMPTS
            return halves
        for variant, trial in undone:
            result = TrialResult(
                trial.id,
                variant,
                trial.seed,
                "failed",
                TrialCohort(task.id, len(task.trials)),
                reason=f"its worker process died {_ATTEMPTS} times, at last by {error.reason}",
                traceback=str(error),
            )
            self._write(partial(self._run.write_result, result))
            self._log.record(TrialEnded.from_result(result, trial.training.learning_rate))
        return []

    def _fit_baselines(self) -> None:
        """Fit and record them; this comes last, so that temporary files are nobody's."""
        of = self._manifest.seeds, self._manifest.folds
        for attempt in range(1, _ATTEMPTS + 1):
            self._run.clear_temporary()
            try:
                self._stopping = not self._pool.submit(baselines.record, self._job, *of).result()
                return
            except WorkerDiedError as error:
                self._log.record(WorkerDied("baselines", str(error), attempt))
                reason = f"their worker process died {attempt} times, at last by {error.reason}"
        self._run.clear_temporary()
        self._write(partial(baselines.record_failure, self._run, *of, reason))

    def _write(self, write: Callable[[], None]) -> None:
        try:
            retry_when_disk_full(write, self._run, self._log.record)
        except StopAskedError:
            self._stopping = True


# Tasks of workers import Keras and torch themselves: the run process does without, so that
# what kills a worker leaves it alive.


def run_task(job: TrainingJob, task: Cohort | Trial) -> bool:
    """Train a cohort or evaluate a trial; False where a stop was requested."""
    import_engine()
    from experiments.training.cohort_training import train
    from experiments.training.evaluation import evaluate

    return train(job, task) if isinstance(task, Cohort) else evaluate(job, task)


def check_functions(networks: Sequence[CustomConfig], size: DatasetSize) -> None:
    """Build networks of the user's functions, and save and load each.

    Raises:
        ConfigError: a function cannot be loaded, or builds no network that can be kept.
    """
    from networks.inference import check_function

    for network in networks:
        check_function(network, size.classes, size.shape_of(network))


def import_engine() -> None:
    """Import what training needs."""
    # Keras imports scikit-learn where it is installed, for wrappers that nothing here uses:
    # half a second. A None there makes it count as not installed meanwhile.
    there = sys.modules.get("sklearn")
    if there is None:
        sys.modules["sklearn"] = None  # type: ignore[assignment]
    try:
        from experiments.training import cohort_training
    finally:
        if there is None:
            del sys.modules["sklearn"]
    assert cohort_training
