"""The events of a run: what workers send, what the event log holds and what readers get.

In the log an event is a JSON object: its class's `KIND` as `event`, then its fields
under their own names. Fields that are None or "" are left out. `parse` checks every
field, so that whoever gets an event may rely on its types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, get_args

from experiments.runs.trial_result import Scores, Status, TrialCohort, TrialResult
from experiments.runs.validation import (
    Amount,
    AmountOrNone,
    Count,
    CountOrNone,
    Flag,
    Matrix,
    Number,
    Object,
    Record,
    Seconds,
    SecondsOrNone,
    Share,
    Text,
    Texts,
    as_plain,
    count,
    each,
    of_type,
    one_of,
    or_none,
    seconds,
)

RunEnd = Literal["finished", "stopped", "failed"]
_ALWAYS_WRITTEN = ("seconds_left",)  # null where it is not known


def logs(values: Any) -> dict[str, float]:
    """Metrics, which may be "nan", "inf" or "-inf"."""
    found: dict[str, float] = of_type(dict, values)
    if {*map(type, found.values())} <= {float}:
        return found  # nearly all are
    return {name: float(value) for name, value in found.items()}


@dataclass(frozen=True)
class PlannedTrial(Record):
    """A trial that is to be trained.

    Args:
        id, variant, seed: that name it.
        epochs: that it trains for, at most.
        work: multiplications of a row, forward.
        fold: that it is tested on, from 1; None without folds, and then not written.
    """

    id: Text
    variant: Text
    seed: Count
    epochs: Count
    work: Count = 0
    fold: CountOrNone = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        plain = super().to_dict()
        return plain if self.fold else {k: v for k, v in plain.items() if k != "fold"}


@dataclass(frozen=True)
class PlannedCohort(Record):
    """Trials that train in lockstep."""

    id: Text
    trials: Annotated[tuple[PlannedTrial, ...], each(PlannedTrial.from_dict)]


@dataclass(frozen=True)
class Event(Record):
    """Something that happened in a run."""

    KIND: ClassVar[str] = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, apart from numbers that are not finite."""
        return {
            name: as_plain(value)
            for name, value in vars(self).items()
            if value not in (None, "") or name in _ALWAYS_WRITTEN
        }


@dataclass(frozen=True)
class RunBegan(Event):
    """A process begins to train a run, or goes on with it.

    Args:
        trials: of the run.
        done: those of them that have a result.
        owner: the process: host, boot id, pid and start time.
        resumed: whether another process had begun before.
        versions: of packages, by their names.
    """

    KIND = "run_began"
    trials: Count = 0
    done: Count = 0
    owner: Object = field(default_factory=dict)
    resumed: Flag = False
    versions: Object = field(default_factory=dict)


@dataclass(frozen=True)
class PlanMade(Event):
    """What is about to be trained, by how many processes."""

    KIND = "plan"
    workers: Count
    cohorts: Annotated[tuple[PlannedCohort, ...], each(PlannedCohort.from_dict)]


@dataclass(frozen=True)
class CohortBegan(Event):
    """A cohort begins to train, or goes on.

    Args:
        cohort: its id.
        trials: ids of those that are not done.
        epoch: epochs that were done before.
        pid: of the process.
    """

    KIND = "cohort_began"
    cohort: Text
    trials: Texts
    epoch: Count
    pid: Count = 0


@dataclass(frozen=True)
class EpochEnded(Event):
    """A trial has trained for an epoch.

    Args:
        trial, cohort: their ids.
        epoch: counted from 1.
        seconds: that it took the cohort, validation included.
        rows_per_second: train rows, those of all trials of the cohort together.
        memory: bytes that the process has in use; of the GPU, where that trains.
        logs: metrics by their names in Keras.
        confusion: matrix of the validation rows, rows true.
        cpu: cores that the process kept busy; None where that is not known.
        gpu: share of the time that the GPU computed, between 0 and 1; None likewise.
        share: of the run's work that is done, between 0 and 1; the run process knows.
        seconds_left: of the run, likewise; None before it can be estimated.
    """

    KIND = "epoch"
    trial: Text
    cohort: Text
    epoch: Count
    seconds: Seconds
    rows_per_second: Amount
    memory: Count
    logs: Annotated[dict[str, float], logs]
    confusion: Matrix
    cpu: AmountOrNone = None
    gpu: AmountOrNone = None
    share: Share = 0.0
    seconds_left: SecondsOrNone = None


@dataclass(frozen=True)
class TrialEnded(Event):
    """A trial's result is recorded; result.json says more.

    Args:
        trial, variant, seed: that name it.
        learning_rate: at its beginning.
        status: how it ended.
        share: of the run's work that is done, between 0 and 1; the run process knows.
        reason: of a failure.
        epochs: that it trained for.
        best_epoch: with the highest validation macro-F1, counted from 1.
        seconds: that it took.
        validation, test: its figures on those rows; None where there are none.
        cohort: that it trained in.
    """

    KIND = "trial"
    trial: Text
    variant: Text
    seed: Count
    learning_rate: Number
    status: Annotated[Status, one_of(get_args(Status))]
    share: Share = 0.0
    reason: Text = ""
    epochs: CountOrNone = None
    best_epoch: CountOrNone = None
    seconds: SecondsOrNone = None
    validation: Annotated[Scores | None, or_none(Scores.from_dict)] = None
    test: Annotated[Scores | None, or_none(Scores.from_dict)] = None
    cohort: Annotated[TrialCohort | None, or_none(TrialCohort.from_dict)] = None

    @classmethod
    def from_result(cls, result: TrialResult, learning_rate: float) -> TrialEnded:
        """From a trial's result."""
        trained, test = result.validation is not None, result.test
        return cls(
            result.trial,
            result.variant,
            result.seed,
            learning_rate,
            result.status,
            reason=result.reason,
            epochs=result.epochs if trained else None,
            best_epoch=result.best_epoch,
            seconds=result.seconds,
            validation=result.validation,
            test=None if test is None else Scores(test.accuracy, test.macro_f1),
            cohort=result.cohort,
        )


@dataclass(frozen=True)
class CheckpointWritten(Event):
    """A cohort can go on from here.

    Args:
        cohort: its id.
        epoch: epochs that are done.
        bytes: of the file.
        seconds: that writing it took.
    """

    KIND = "checkpoint"
    cohort: Text
    epoch: Count
    bytes: Count
    seconds: Seconds


@dataclass(frozen=True)
class Paused(Event):
    """Nothing goes on until there is room on the disk again."""

    KIND = "paused"
    reason: Text


@dataclass(frozen=True)
class Continued(Event):
    """There is room again."""

    KIND = "continued"


@dataclass(frozen=True)
class Note(Event):
    """Something that a reader of the records should know; `cohort` where it is about one."""

    KIND = "note"
    text: Text
    cohort: Text = ""


@dataclass(frozen=True)
class WorkerDied(Event):
    """A worker process has died on a cohort, for the `attempt`-th time."""

    KIND = "worker_died"
    cohort: Text
    reason: Text
    attempt: Count


@dataclass(frozen=True)
class Stopping(Event):
    """A stop was asked for: the run ends with the current epoch."""

    KIND = "stopping"


@dataclass(frozen=True)
class RunEnded(Event):
    """The process that trains the run ends; `reason` of a failure."""

    KIND = "run_ended"
    how: Annotated[RunEnd, one_of(get_args(RunEnd))]
    reason: Text = ""


_KINDS = {cls.KIND: cls for cls in Event.__subclasses__()}


class LogEntry(NamedTuple):
    """A line of the event log.

    Args:
        number: of the line, counted from 1 in each file.
        time: of writing, seconds since 1970.
        event: what happened.
    """

    number: int
    time: float
    event: Event

    def to_dict(self) -> dict[str, Any]:
        """As the log has it, but for numbers that are not finite and the checksum."""
        head = {"n": self.number, "time": self.time, "event": self.event.KIND}
        return head | self.event.to_dict()


def parse(plain: Mapping[str, Any]) -> LogEntry | None:
    """The log entry of a line's JSON object; None for a kind of event of a later version.

    Raises:
        KeyError: a field is missing.
        TypeError, ValueError, OverflowError: one holds what it cannot.
    """
    kind = _KINDS.get(of_type(str, plain["event"]))
    number, time = count(plain["n"]), seconds(plain["time"])
    return None if kind is None else LogEntry(number, time, kind.from_dict(plain))
