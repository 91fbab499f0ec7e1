"""What the workers of a run are doing, as their epochs tell."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.runs import validation

_WINDOW = 60.0  # seconds that a rate is measured over
_MOST = 2000  # events of them that are kept


@dataclass
class Worker:
    """A process that trains.

    Args:
        memory: bytes in use; on the GPU, where that trains.
        rows: train rows a second.
        cpu: cores that it keeps busy; None where that is not told.
        gpu: part of the time that the GPU computes, between 0 and 1; None as `cpu`.
    """

    memory: int = 0
    rows: float = 0.0
    cpu: float | None = None
    gpu: float | None = None


class Activity:
    """Sums up what a run's workers tell."""

    def __init__(self) -> None:
        self.workers: dict[int, Worker] = {}
        self._pids: dict[str, int] = {}  # of the cohorts that train
        self._ended: deque[tuple[float, str]] = deque(maxlen=_MOST)

    def take(self, event: Mapping[str, Any]) -> None:
        """Take an event in.

        Raises:
            MISSHAPEN: it makes no sense; see `experiments.errors`.
        """
        match event["event"]:
            case "run_began" | "run_ended":
                self.workers, self._pids = {}, {}
                self._ended.clear()
            case "cohort_began":
                pid = int(event["pid"])
                self._pids[str(event["cohort"])] = pid
                self.workers[pid] = Worker()
            case "worker_died":
                self.workers.pop(self._pids.pop(str(event["cohort"]), 0), None)
            case "epoch":
                self._epoch(event)

    def _epoch(self, event: Mapping[str, Any]) -> None:
        pid = self._pids.get(str(event["cohort"]), 0)
        worker = self.workers.setdefault(pid, Worker())
        worker.memory = int(validation.amount(event["memory"]))
        worker.rows = validation.amount(event["rows_per_second"])
        worker.cpu, worker.gpu = _share(event, "cpu"), _share(event, "gpu")
        now, step = validation.seconds(event["time"]), f"{event['cohort']} {event['epoch']}"
        if self._ended and now < self._ended[-1][0]:  # the clock was set back
            self._ended.clear()
        self._ended.append((now, step))
        while self._ended[0][0] < now - _WINDOW:
            self._ended.popleft()

    @property
    def epochs_per_second(self) -> float | None:
        """Epochs of single trials a second, over the last minute; None before two ended."""
        if not self._ended:
            return None
        began, first = self._ended[0]
        seconds = self._ended[-1][0] - began
        # Trials in lockstep end an epoch together: those of the first one took no time here.
        counted = sum(step != first for _, step in self._ended)
        return counted / seconds if counted and seconds > 0 else None

    @property
    def memory(self) -> int:
        """Bytes in use by all workers."""
        return sum(worker.memory for worker in self.workers.values())

    @property
    def rows(self) -> float:
        """Train rows a second, of all workers."""
        return sum(worker.rows for worker in self.workers.values())

    @property
    def cpu(self) -> float | None:
        """Cores that all workers keep busy; None where none tells."""
        told = [worker.cpu for worker in self.workers.values() if worker.cpu is not None]
        return sum(told) if told else None

    @property
    def gpu(self) -> float | None:
        """Part of the time that the busiest GPU computes; None where none tells."""
        told = [worker.gpu for worker in self.workers.values() if worker.gpu is not None]
        return max(told, default=None)


def _share(event: Mapping[str, Any], name: str) -> float | None:
    value = event.get(name)
    return None if value is None else validation.amount(value)
