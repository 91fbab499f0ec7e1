"""The process of a run: `python -m experiments.execution.run_process RUN [DATASET]`.

It holds the run's lock, sends cohorts to its workers and writes the events. It imports
neither Keras nor torch, so that what kills a worker leaves it alive. `launch` starts it.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.errors import DataError
from data.processes import usable_cores
from data.storage import hdf5
from data.terminal.commands import echo
from experiments.design.request import BEGUN, Computing, Request
from experiments.design.search_settings import require_optuna
from experiments.errors import RunError, RunLostError
from experiments.execution.event_writer import EventWriter
from experiments.execution.manifest import make_manifest
from experiments.execution.scheduler import Scheduler, check_functions, import_engine
from experiments.forecasting import learn
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.events import Event, Note, RunEnded
from experiments.runs.lock import hold_run_lock, join_run
from experiments.runs.manifest import RunManifest
from experiments.runs.process_id import ProcessId
from experiments.training.baselines import fit_ahead
from experiments.training.cohorts import cohorts_of
from experiments.training.device import Machine, probe, versions
from experiments.training.job import RunSettings, TrainingJob
from experiments.training.planning import plan_run
from experiments.workers.pool import WorkerPool
from networks.errors import ConfigError
from networks.models.custom import CustomConfig

_LONGEST_ANSWER = 8192  # characters


def main(arguments: list[str]) -> int:
    """Train a run; the exit status.

    Args:
        arguments: the run's directory, which holds the request of a run that begins;
            for one that resumes the dataset's file, too.
    """
    run = RunDirectory(Path(arguments[0]))
    answer = _Answer()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _ask_to_stop(run))
    try:
        run.refuse_links()
        with hold_run_lock(run, _print) as me:
            coordinator = RunCoordinator(run, me, lambda: answer.send(BEGUN))
            if len(arguments) == 1:
                coordinator.begin(run.read_request())
            else:
                coordinator.resume(Path(arguments[1]))
    except (DataError, RunError, ConfigError) as error:
        _print(f"Error: {error}")
        answer.send(str(error))
        return 2
    except Exception as error:
        with suppress(OSError):
            traceback.print_exc()
        answer.send(f"{type(error).__name__}: {error}")
        return 1
    return 0


class RunCoordinator:
    """Trains a run with a pool of workers.

    Args:
        run: locked by this process.
        me: this process, the run's owner.
        on_begin: called when training begins.
        pool: makes the pool, as `WorkerPool`.
    """

    def __init__(
        self,
        run: RunDirectory,
        me: ProcessId,
        on_begin: Callable[[], None] = lambda: None,
        pool: Callable[..., Any] = WorkerPool,
    ) -> None:
        self._run, self._me = replace(run, owner=me), me
        self._on_begin, self._make_pool = on_begin, pool
        self._log: EventWriter | None = None

    def begin(self, request: Request) -> None:
        """Plan a run, write its run.json and train it.

        Raises:
            DataError, RunError: it cannot be planned, or not be trained to its end.
        """
        self._run.withdraw_stop()
        computing, search = request.computing, request.search
        if search is not None:
            require_optuna()
        dataset = hdf5.load(request.dataset)
        dataset.features(request.features, "train")  # refuse before anything is written
        with self._pool(computing.threads) as pool:
            machine = _probe(pool, computing.device, computing.threads, computing.precision)
            if search is None:
                rows, classes = len(dataset.train), len(dataset.genres)
                sha256 = dataset.content_sha256
                planned = plan_run(
                    request.study, request.options, computing, machine, rows, classes, sha256
                )
                networks = {trial.network for _, trial in planned.plan.trials}
                custom = [network for network in networks if isinstance(network, CustomConfig)]
                if custom:
                    pool.submit(check_functions, custom, classes).result()
                self._run.write_run(make_manifest(request, dataset, machine, planned))
            else:
                from experiments.execution.search_loop import plan_search
                from experiments.search.storage import add_generation

                planned, search, generation = plan_search(request, search, dataset, machine)
                self._run.write_run(make_manifest(request, dataset, machine, planned, search))
                add_generation(self._run, generation)
            self._train(pool, self._run.read_manifest(), request.dataset, resumed=False)

    def resume(self, path: Path) -> None:
        """Train what is left of a run.

        Args:
            path: of its dataset's file.

        Raises:
            DataError, RunError: as `begin`; or the file holds other rows than before.
        """
        manifest = self._run.read_manifest()
        settings = RunSettings.of(manifest)
        if manifest.search is not None:
            require_optuna()
        found, expected = hdf5.load(path).content_sha256, manifest.dataset.content_sha256
        if found != expected:
            raise RunError(
                f"{path} holds other rows than the run began with (content hash {found[:12]}, "
                f"expected {expected:.12}): its trials would not belong together. Name the "
                "dataset with --data, or start a new run."
            )
        self._run.clear_temporary()
        self._run.withdraw_stop()
        with self._pool(settings.threads) as pool:
            _probe(pool, settings.device, settings.threads, settings.precision)
            self._train(pool, manifest, path, resumed=True)

    def _pool(self, threads: int, on_message: Callable[..., None] | None = None) -> Any:
        return self._make_pool(
            1,
            threads=threads,
            on_message=on_message or self._record,
            initializer=join_run,
            initargs=(self._run.path, self._me.pid),
        )

    @contextmanager
    def _fitting_baselines(self, job: TrainingJob, manifest: RunManifest) -> Iterator[None]:
        """Fit the baselines in a process of their own, as far as it gets inside the block.

        Not on a single core, nor where devices are compared and nothing may slow them.
        """
        if usable_cores() < 2 or any(trial.device for trial in manifest.trials.values()):
            yield
            return
        pool = self._pool(1, lambda *messages: None)  # failures are those of the record
        try:
            pool.submit(fit_ahead, job, manifest.seeds)
            yield
        finally:
            pool.terminate()

    def _train(self, pool: Any, manifest: RunManifest, dataset: Path, *, resumed: bool) -> None:
        """Train and record all that is left, with events."""
        plan, search, workers = manifest.plan, manifest.search, manifest.device.workers
        sha256, classes = manifest.dataset.content_sha256, len(manifest.dataset.genres)
        job = TrainingJob(self._run, dataset, sha256, RunSettings.of(manifest))
        cohorts = cohorts_of(manifest)
        events = EventLog(self._run)
        expected = search.settings.trials if search is not None and not search.is_over else 0
        self._log = log = EventWriter(self._run, events, plan.trials, expected)
        try:
            log.begin(self._me, resumed)
            before = manifest.versions
            for name, now in versions().items():
                if (then := before.get(name, "not known")) != now:
                    change = f"{name} {then:.40} then, {now} now"
                    log.record(Note(f"another version than this run began with: {change}"))
            log.plan(cohorts, workers)
            self._on_begin()
            pool.grow(workers)
            task: Scheduler | SearchLoop
            if search is None:
                task = Scheduler(job, plan, cohorts, pool, workers, log, classes)
            else:
                from experiments.execution.search_loop import SearchLoop

                task = SearchLoop(search.settings, job, pool, workers, log, classes)
            with self._fitting_baselines(job, manifest):
                finished = task.execute()
            if finished:
                self._learn()
            log.record(RunEnded("finished" if finished else "stopped"))
        except Exception as error:
            if type(error) is not RunLostError:  # it is another process's run then
                log.record(RunEnded("failed", str(error) or type(error).__name__))
            raise
        finally:
            self._log = None
            events.close()

    def _learn(self) -> None:
        """Correct forecasts of later runs by how long this one's epochs took."""
        manifest = self._run.read_manifest()  # with all that a search has drawn
        device, dataset = manifest.device, manifest.dataset
        computing = Computing(device.type, device.threads, device.workers, device.precision)
        found = (self._run.read_result(trial) for trial in manifest.trials)
        seconds = {result.trial: result.epoch_seconds for result in found if result is not None}
        rows = dataset.rows["train"], dataset.rows["validation"]
        with suppress(DataError):  # a cache that cannot be written is no reason to fail
            learn(cohorts_of(manifest), seconds, computing, rows, len(dataset.genres))

    def _record(self, *events: Event) -> None:
        if self._log is not None:
            self._log.record(*events)


def _probe(pool: Any, *choice: Any) -> Machine:
    """Describe the machine, and let the worker go on with what takes longer to import."""
    probed = pool.submit(probe, *choice)
    pool.submit(import_engine)
    machine: Machine = probed.result()
    return machine


class _Answer:
    """One line to the process that started this one, on what was its standard output.

    What is printed from now on goes where errors go.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = os.dup(1)  # not inherited by workers
        os.dup2(2, 1)

    def send(self, text: str) -> None:
        """Send a text; only the first one is sent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            line = " ".join(text.split())[:_LONGEST_ANSWER]
            with suppress(OSError):  # nobody may read it any more
                os.write(descriptor, f"{line}\n".encode())
            os.close(descriptor)


def _ask_to_stop(run: RunDirectory) -> None:
    """Stop cleanly, or at once where the request cannot be recorded for the workers."""
    try:
        run.ask_to_stop()
    except DataError as error:
        _print(f"{error} Training ends at once, and can be resumed from its checkpoints.")
        sys.exit(128 + signal.SIGTERM)


def _print(text: str) -> None:
    with suppress(OSError):  # the disk that holds console.log may be full
        echo(text, err=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
