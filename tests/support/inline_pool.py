"""Runs in the test's own process, so that tests can reach into what is trained."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, TypeVar

from data.datasets.dataset import Dataset
from data.storage import hdf5
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing, Request
from experiments.design.study import Study
from experiments.execution.coordinator import RunCoordinator
from experiments.runs import listing
from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import EventReader
from experiments.runs.lock import hold_run_lock
from experiments.workers.worker_main import OnMessage, sending_to
from tests.conftest import small_dataset

T = TypeVar("T")


class InlinePool(Executor):
    """Runs each task in this process, while it is submitted; made like a `WorkerPool`."""

    def __init__(self, workers: int, *, on_message: OnMessage, **_: Any) -> None:
        self._on_message = on_message

    def grow(self, workers: int) -> None:
        """There is nothing to grow."""

    def terminate(self) -> None:
        """There is nothing to end."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run a task; its future is done."""
        future: Future[T] = Future()
        try:
            with sending_to(self._on_message):
                future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def run_inline(
    folder: Path,
    study: Study,
    protocol: Any = "documented",
    seeds: int | None = 2,
    epochs: int | None = None,
    dataset: Dataset | None = None,
    pool: Callable[..., Any] = InlinePool,
    folds: int | None = None,
    group: Any = None,
    **computing: Any,
) -> RunDirectory:
    """A whole run, in folder/runs; its dataset's file is in folder, too."""
    dataset = dataset or small_dataset()
    path = folder / f"{dataset.name}.h5"
    hdf5.save(dataset, path)
    asked = Computing(device="cpu", **computing)
    options = StudyOptions(protocol, seeds, epochs, folds=folds, group=group)
    request = Request(study, path, options, asked)
    run = listing.create(folder / "runs", study.name)
    with hold_run_lock(run, print) as me:
        RunCoordinator(run, me, pool=pool).begin(request)
    return run


def resume_inline(run: RunDirectory, path: Path, pool: Callable[..., Any] = InlinePool) -> None:
    """Let a run go on."""
    with hold_run_lock(run, print) as me:
        RunCoordinator(run, me, pool=pool).resume(path)


def events_of(run: RunDirectory, *kinds: str) -> list[dict[str, Any]]:
    """A run's events of some kinds, or all."""
    _, entries = EventReader(run).read()
    return [entry.to_dict() for entry in entries if not kinds or entry.event.KIND in kinds]
