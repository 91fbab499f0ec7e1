"""The process that carries a run out: `python -m experiments.execution.run_process RUN [DATASET]`.

It holds the run's lock, hands cohorts to its workers and writes the events. It imports
neither Keras nor torch, so that what kills a worker leaves it alive. `launch` starts it.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data.datasets.dataset import Dataset
from data.errors import DataError
from data.processes import usable_cores
from data.storage import hdf5
from data.terminal.commands import echo
from experiments.design.plan import Plan, make_plan
from experiments.design.request import BEGUN, Computing, Request
from experiments.design.search_settings import require_optuna
from experiments.errors import RunError
from experiments.execution.event_writer import EventWriter
from experiments.execution.manifest import cohorts_of, make_manifest, other_versions, settings_of
from experiments.execution.scheduler import Runner
from experiments.forecasting import learn
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.events import Event, Note, RunEnded
from experiments.runs.lock import owning, serve_owner
from experiments.runs.manifest import DeviceRecord, RunManifest
from experiments.runs.process_id import Owner
from experiments.training.cohorts import Cohort, plan_cohorts
from experiments.training.device import versions
from experiments.training.job import Settings, Work
from experiments.training.tasks import Machine, check_functions, fit_baselines, import_engine, probe
from experiments.training.worker_count import worker_count
from experiments.workers.pool import WorkerPool
from networks.errors import ConfigError
from networks.models.custom import CustomConfig

_LONGEST_ANSWER = 8192  # characters


def main(arguments: list[str]) -> int:
    """Carry a run out; the exit status.

    Args:
        arguments: the run's directory, which holds the request of a run that begins;
            for one that goes on the dataset's file, too.
    """
    run = RunDirectory(Path(arguments[0]))
    answers = _take_stdout()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _ask_to_stop(run))
    try:
        with owning(run, _say) as me:
            carrier = Carrier(run, me, answers.begun)
            if len(arguments) == 1:
                carrier.begin(run.read_request())
            else:
                carrier.go_on(Path(arguments[1]))
    except (DataError, RunError, ConfigError) as error:
        _say(f"Error: {error}")
        answers.tell(str(error))
        return 2
    except Exception as error:
        with suppress(OSError):
            traceback.print_exc()
        answers.tell(f"{type(error).__name__}: {error}")
        return 1
    return 0


def check_dataset(dataset: Dataset, expected: str, path: Path) -> None:
    """Refuse to go on under other data.

    Args:
        dataset: from the file `path`.
        expected: content hash of the rows that the run began with.

    Raises:
        RunError: the rows are not those that the run began with.
    """
    if dataset.content_sha256 != expected:
        raise RunError(
            f"{path} holds other rows than the run began with (content hash "
            f"{dataset.content_sha256[:12]}, expected {expected:.12}): its trials would not "
            "belong together. Name the dataset with --data, or start a new run."
        )


class Carrier:
    """Carries a run out with a pool of workers.

    Args:
        run: that this process owns.
        me: this process.
        begun: called when the run has begun, or goes on.
        pool: makes the pool, as `WorkerPool`.
    """

    def __init__(
        self,
        run: RunDirectory,
        me: Owner,
        begun: Callable[[], None] = lambda: None,
        pool: Callable[..., Any] = WorkerPool,
    ) -> None:
        self._run, self._me, self._begun, self._make_pool = run, me, begun, pool
        self._log: EventWriter | None = None

    def begin(self, request: Request) -> None:
        """Plan a run, write its run.json and carry it out.

        Raises:
            DataError, RunError: it cannot be begun, or not be carried out.
        """
        study, asked = request.study, request.computing
        if request.search is not None:
            require_optuna()
        dataset = hdf5.load(request.dataset)
        dataset.features(request.features, "train")  # refuse before anything is written
        with self._pool(asked.threads) as pool:
            probed = pool.submit(probe, asked.device, asked.threads, asked.precision)
            pool.submit(import_engine)
            machine: Machine = probed.result()
            plan = make_plan(study, request.options, dataset.content_sha256, machine.devices)
            classes = len(dataset.genres)
            begun = None
            if request.search is None:
                cohorts = plan_cohorts(plan.trials, machine.device, classes, machine.free_memory)
            else:
                from experiments.execution.search_loop import begin_search
                from experiments.search.storage import add_generation

                begun = begin_search(request.search, plan, dataset, machine)
                plan, cohorts = begun.plan, begun.generation.cohorts
            networks = {trial.network for _, trial in plan.trials}
            own = [network for network in networks if isinstance(network, CustomConfig)]
            if own:
                pool.submit(check_functions, own, classes).result()
            rows = len(dataset.train)
            workers = worker_count(
                cohorts, machine.device, asked.workers, asked.threads, rows, classes
            )
            device = DeviceRecord(**machine.about, workers=workers)
            planned = cohorts if begun is None else ()
            search = None if begun is None else begun.search
            manifest = make_manifest(
                study, dataset, plan, planned, device, asked.checkpoint_seconds, search
            )
            self._run.write_run(manifest)
            if begun is not None:
                add_generation(self._run, begun.generation)
                manifest = self._run.read_manifest()
            self._carry_out(pool, manifest, request.dataset, resumed=False)

    def go_on(self, dataset: Path) -> None:
        """Carry on with a run that has begun before.

        Args:
            dataset: the file of its dataset.

        Raises:
            DataError, RunError: it cannot go on.
        """
        manifest = self._run.read_manifest()
        settings = settings_of(manifest)
        if manifest.search is not None:
            require_optuna()
        check_dataset(hdf5.load(dataset), manifest.dataset.content_sha256, dataset)
        self._run.clear_temporary()
        self._run.withdraw_stop()
        with self._pool(settings.threads) as pool:
            pool.submit(probe, settings.device, settings.threads, settings.precision).result()
            pool.submit(import_engine)
            self._carry_out(pool, manifest, dataset, resumed=True)

    def _pool(self, threads: int) -> Any:
        return self._make_pool(
            1,
            threads=threads,
            on_message=self._record,
            initializer=serve_owner,
            initargs=(self._run.path, self._me.pid),
        )

    @contextmanager
    def _fitting_baselines(
        self, work: Work, plan: Plan, cohorts: Sequence[Cohort]
    ) -> Iterator[None]:
        """Fit the baselines in a process of their own, as far as it gets inside the block.

        Not on a single core, nor where devices are compared and nothing may take their time.
        """
        if usable_cores() < 2 or any(cohort.device for cohort in cohorts):
            yield
            return
        pool = self._make_pool(
            1,
            threads=1,
            on_message=lambda message: None,  # failures are those of the record
            initializer=serve_owner,
            initargs=(self._run.path, self._me.pid),
        )
        try:
            pool.submit(fit_baselines, work, plan.seeds)
            yield
        finally:
            pool.terminate()

    def _carry_out(self, pool: Any, manifest: RunManifest, dataset: Path, *, resumed: bool) -> None:
        """Train and record all that is left, with events."""
        plan, search, workers = manifest.plan, manifest.search, manifest.device.workers
        settings = settings_of(manifest)
        cohorts = cohorts_of(manifest.cohorts, plan.trials)
        work = Work(self._run, dataset, manifest.dataset.content_sha256, settings)
        events = EventLog(self._run)
        asked = search.settings.trials if search is not None and not search.is_over else 0
        self._log = log = EventWriter(self._run, events, plan.trials, asked)
        try:
            log.began(asdict(self._me), versions(), resumed)
            for phrase in other_versions(manifest):
                log.record(Note(f"another version than this run began with: {phrase}"))
            log.planned(cohorts, workers)
            self._begun()
            pool.grow(workers)
            classes = len(manifest.dataset.genres)
            task: Runner | Searcher
            if search is None:
                task = Runner(work, plan, cohorts, pool, workers, log, classes)
            else:
                from experiments.execution.search_loop import Searcher

                task = Searcher(search.settings, work, pool, workers, log, classes)
            with self._fitting_baselines(work, plan, cohorts):
                finished = task.execute()
            if finished:
                self._learn(settings, workers)
            log.record(RunEnded("finished" if finished else "stopped"))
        except Exception as error:
            log.record(RunEnded("failed", str(error) or type(error).__name__))
            raise
        finally:
            self._log = None
            events.close()

    def _learn(self, settings: Settings, workers: int) -> None:
        """Correct forecasts of later runs by how long this one's epochs took."""
        manifest = self._run.read_manifest()  # with all that a search has drawn
        dataset = manifest.dataset
        results = (self._run.read_result(trial) for trial in manifest.trials)
        seconds = {result.trial: result.epoch_seconds for result in results if result}
        computing = Computing(settings.device, settings.threads, workers, settings.precision)
        with suppress(DataError):  # a cache that cannot be written is no reason to fail
            learn(
                cohorts_of(manifest.cohorts, manifest.plan.trials),
                seconds,
                computing,
                (dataset.rows["train"], dataset.rows["validation"]),
                len(dataset.genres),
            )

    def _record(self, *events: Event) -> None:
        if self._log is not None:
            self._log.record(*events)


class _Answers:
    """The way to whoever started this process, for one line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def begun(self) -> None:
        """The run has begun, or goes on."""
        self.tell(BEGUN)

    def tell(self, answer: str) -> None:
        """Say how it went; only the first time."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            line = " ".join(answer.split())[:_LONGEST_ANSWER]
            with suppress(OSError):  # it may have gone
                os.write(descriptor, f"{line}\n".encode())
            os.close(descriptor)


def _take_stdout() -> _Answers:
    """Keep standard output for the answer; what is printed goes where errors go."""
    answers = _Answers(os.dup(1))  # not inherited by workers
    os.dup2(2, 1)
    return answers


def _ask_to_stop(run: RunDirectory) -> None:
    try:
        run.ask_to_stop()
    except DataError as error:
        _say(str(error))


def _say(text: str) -> None:
    with suppress(OSError):  # the disk that holds console.log may be full
        echo(text, err=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
