"""Plans a run, trains it with a pool of workers, and writes its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.datasets.dataset import Dataset, check_there
from data.datasets.folds import assign_folds
from data.datasets.source_dataset import is_source
from data.errors import DataError
from data.processes import usable_cores
from data.storage import hdf5
from experiments.design.request import Computing, Request
from experiments.design.search_settings import Search, require_optuna
from experiments.errors import RunError, RunLostError
from experiments.execution.event_writer import EventWriter
from experiments.execution.scheduler import Scheduler, check_functions, import_engine
from experiments.forecasting import learn
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.events import Event, Note, RunEnded
from experiments.runs.lock import join_run
from experiments.runs.manifest import (
    DatasetRecord,
    DeviceRecord,
    RunManifest,
    SearchRecord,
    VariantRecord,
)
from experiments.runs.process_id import ProcessId
from experiments.training.baselines import fit_ahead
from experiments.training.cohorts import cohorts_of
from experiments.training.device import Machine, probe, versions
from experiments.training.planning import PlannedRun, check_memory, plan_run
from experiments.training.training_job import RunSettings, TrainingJob
from experiments.workers.pool import WorkerPool
from networks.models.custom import CustomConfig


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
        computing.check_cores()
        if search is not None:
            require_optuna()
        dataset = hdf5.load(request.dataset)
        check_there(request.features, dataset.shapes, dataset.name)  # before anything is written
        record = dataset_record(dataset)
        options, sha256 = request.options, record.content_sha256
        if options.folds is not None:
            assign_folds(dataset, options.folds, options.group or "track")  # likewise
        has_devices = any(variant.device for variant in request.study.variants)
        of = request.dataset, sha256, options.seed_numbers, options.tested_folds
        with self._pool(computing.threads) as pool, self._fitting_baselines(has_devices, *of):
            choice = computing.device, computing.threads, computing.precision, computing.anyway
            machine = _probe(pool, *choice)
            if search is None:
                size = record.size(options.folds)
                planned = plan_run(request.study, options, computing, machine, size, sha256)
                check_memory(planned.cohorts, machine.device, size)
                networks = {trial.network for _, trial in planned.plan.trials}
                custom = [network for network in networks if isinstance(network, CustomConfig)]
                if custom:
                    pool.submit(check_functions, custom, size).result()
                self._run.write_run(make_manifest(request, record, machine, planned))
            else:
                from experiments.execution.search_loop import plan_search
                from experiments.search.storage import add_generation

                planned, search, generation = plan_search(request, search, record, machine)
                self._run.write_run(make_manifest(request, record, machine, planned, search))
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
        has_devices = any(trial.device for trial in manifest.trials.values())
        of = path, found, manifest.seeds, manifest.folds
        with self._pool(settings.threads) as pool, self._fitting_baselines(has_devices, *of):
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
    def _fitting_baselines(self, has_devices: bool, *of: Any) -> Iterator[None]:
        """Fit the baselines in a process of their own, as far as it gets inside the block.

        Arguments after the first are those of `fit_ahead` after the run.

        Not on a single core, nor where devices are compared and nothing may slow them.
        """
        if usable_cores() < 2 or has_devices:
            yield
            return
        pool = self._pool(1, lambda *messages: None)  # failures are those of the record
        try:
            pool.submit(fit_ahead, self._run, *of)
            yield
        finally:
            pool.terminate()

    def _train(self, pool: Any, manifest: RunManifest, dataset: Path, *, resumed: bool) -> None:
        """Train and record all that is left, with events."""
        search, workers = manifest.search, manifest.device.workers
        if resumed:  # perhaps on a smaller machine, or of somebody else
            workers = min(workers, usable_cores())
        sha256 = manifest.dataset.content_sha256
        job = TrainingJob(self._run, dataset, sha256, RunSettings.of(manifest))
        events = EventLog(self._run)
        expected = search.settings.trials if search is not None and not search.is_over else 0
        self._log = log = EventWriter(
            self._run, events, manifest.plan.trials, expected, manifest.size
        )
        try:
            log.begin(self._me, resumed)
            before = manifest.versions
            for name, now in versions().items():
                if (then := before.get(name, "not known")) != now:
                    change = f"{name} {then:.40} then, {now} now"
                    log.record(Note(f"another version than this run began with: {change}"))
            log.plan(cohorts_of(manifest), workers)
            self._on_begin()
            pool.grow(workers)
            task: Scheduler | SearchLoop
            if search is None:
                task = Scheduler(job, manifest, pool, log)
            else:
                from experiments.execution.search_loop import SearchLoop

                task = SearchLoop(search.settings, job, pool, log)
            finished = task.execute()
            if finished:
                self._learn(log.cpu_seconds)
            log.record(RunEnded("finished" if finished else "stopped"))
        except Exception as error:
            if type(error) is not RunLostError:  # it is another process's run then
                log.record(RunEnded("failed", str(error) or type(error).__name__))
            raise
        finally:
            self._log = None
            events.close()

    def _learn(self, cpu_seconds: dict[str, tuple[float, float]]) -> None:
        """Correct forecasts of later runs by how long this one's epochs took."""
        manifest = self._run.read_manifest()  # with all that a search has drawn
        device = manifest.device
        computing = Computing(device.type, device.threads, device.workers, device.precision)
        found = (self._run.read_result(trial) for trial in manifest.trials)
        seconds = {result.trial: result.epoch_seconds for result in found if result is not None}
        with suppress(DataError):  # a cache that cannot be written is no reason to fail
            learn(cohorts_of(manifest), seconds, computing, manifest.size, cpu_seconds)

    def _record(self, *events: Event) -> None:
        if self._log is not None:
            self._log.record(*events)


def _probe(pool: Any, *choice: Any) -> Machine:
    """Describe the machine, and let the worker go on with what takes longer to import."""
    probed = pool.submit(probe, *choice)
    pool.submit(import_engine)
    machine: Machine = probed.result()
    return machine


def dataset_record(dataset: Dataset) -> DatasetRecord:
    """What a run's manifest holds of its dataset."""
    return DatasetRecord(
        dataset.name,
        dataset.content_sha256,
        dataset.genres,
        dataset.provenance.get("kind", "unknown"),
        is_source(dataset),
        {split: len(rows) for split, rows in dataset.splits()},
        dataset.shapes,
    )


def make_manifest(
    request: Request,
    dataset: DatasetRecord,
    machine: Machine,
    planned: PlannedRun,
    search: Search | None = None,
) -> RunManifest:
    """The manifest of a run that is about to begin.

    Args:
        request: of the run.
        dataset: to train and test on.
        machine: that trains.
        planned: what is trained; in a search, variants without candidates.
        search: with the settings that it has on this machine.
    """
    study, computing, plan = request.study, request.computing, planned.plan
    comparable = dataset.is_source and request.options.folds is None
    variants = {variant.name: variant for variant in study.variants}
    return RunManifest(
        study=study.name,
        question=study.question,
        about=study.about,
        protocol=plan.protocol,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        dataset=dataset,
        seeds=plan.seeds,
        epochs=plan.epochs,
        left_out=plan.left_out,
        baselines=True,
        variants=tuple(
            VariantRecord(
                variant.name,
                variant.candidates,
                # Figures that were measured on other rows compare with nothing here.
                variants[variant.name].published if comparable else (),
                variants[variant.name].note if plan.protocol == "documented" else "",
            )
            for variant in plan.variants
        ),
        trials={trial.id: trial for _, trial in plan.trials},
        cohorts=tuple(cohort.record for cohort in planned.cohorts),
        device=DeviceRecord(
            machine.device, machine.name, computing.threads, computing.precision, planned.workers
        ),
        checkpoint_seconds=computing.checkpoint_seconds,
        versions=versions(),
        search=None if search is None else SearchRecord(search),
    )
