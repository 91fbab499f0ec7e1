"""The events of a run: what workers send, what the event log holds and what readers get.

In the log an event is a JSON object: its class's `KIND` as `event`, then its fields
under their own names. Fields that are None or "" are left out. `parse` checks every
field, so that whoever gets an event may rely on its types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from functools import cache, partial
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, get_args, get_type_hints

from experiments.runs import validation
from experiments.runs.trial_result import Scores, Status, TrialResult
from experiments.runs.validation import of_type

RunEnd = Literal["finished", "stopped", "failed"]
_ALWAYS_WRITTEN = ("seconds_left",)  # null where it is not known


def _optional(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else check(value)


def _one_of(names: tuple[str, ...]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in names:
            raise ValueError(f"{value!r:.60} should be one of {', '.join(names)}")
        return str(value)

    return check


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(of_type(str, value) for value in of_type(list, values))


def _logs(values: Any) -> dict[str, float]:
    """Metrics, which may be "nan", "inf" or "-inf"."""
    return {name: float(value) for name, value in of_type(dict, values).items()}


def _matrix(rows: Any) -> list[list[int]]:
    for row in of_type(list, rows):
        if not set(map(type, of_type(list, row))) <= {int} or min(row, default=0) < 0:
            raise ValueError(f"{row!r:.60} should hold counts")
        validation.count(max(row, default=0))
    matrix: list[list[int]] = rows
    return matrix


Text: TypeAlias = Annotated[str, partial(of_type, str)]
Count: TypeAlias = Annotated[int, validation.count]
Amount: TypeAlias = Annotated[float, validation.amount]
Share: TypeAlias = Annotated[float, validation.share]
Seconds: TypeAlias = Annotated[float, validation.seconds]
Object: TypeAlias = Annotated[Mapping[str, Any], partial(of_type, dict)]
CountOrNone: TypeAlias = Annotated[int | None, _optional(validation.count)]
AmountOrNone: TypeAlias = Annotated[float | None, _optional(validation.amount)]
SecondsOrNone: TypeAlias = Annotated[float | None, _optional(validation.seconds)]


@dataclass(frozen=True)
class _Checked:
    """A dataclass whose fields' annotations hold the functions that check their values."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, apart from numbers that are not finite."""
        return {
            name: _plain(value)
            for name, value in vars(self).items()
            if value not in (None, "") or name in _ALWAYS_WRITTEN
        }


def _plain(value: Any) -> Any:
    if isinstance(value, _Checked):
        return value.to_dict()
    if isinstance(value, Scores):
        return asdict(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _checks(cls: Any) -> list[tuple[str, Callable[[Any], Any], bool]]:
    """Name of each field, the function that checks it, and whether it must be there."""
    hints = get_type_hints(cls, include_extras=True)
    return [
        (
            one.name,
            hints[one.name].__metadata__[0],
            one.default is MISSING and one.default_factory is MISSING,
        )
        for one in fields(cls)
    ]


def _read(cls: Any, plain: Any) -> Any:
    """An object of a class from what the log holds of it."""
    of_type(dict, plain)
    return cls(
        **{
            name: check(plain[name])
            for name, check, is_required in _checks(cls)
            if is_required or name in plain
        }
    )


def _all_of(cls: Any) -> Callable[[Any], tuple[Any, ...]]:
    return lambda values: tuple(_read(cls, value) for value in of_type(list, values))


@dataclass(frozen=True)
class TrialCohort(_Checked):
    """The cohort that a trial belongs to, and the number of its trials."""

    id: Text
    size: Count


@dataclass(frozen=True)
class PlannedTrial(_Checked):
    """A trial that is to be trained.

    Args:
        id, variant, seed: that name it.
        epochs: that it trains for, at most.
        work: multiplications of a row, forward.
    """

    id: Text
    variant: Text
    seed: Count
    epochs: Count
    work: Count = 0


@dataclass(frozen=True)
class PlannedCohort(_Checked):
    """Trials that train in lockstep."""

    id: Text
    trials: Annotated[tuple[PlannedTrial, ...], _all_of(PlannedTrial)]


@dataclass(frozen=True)
class Event(_Checked):
    """Something that happened in a run."""

    KIND: ClassVar[str] = ""


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
    resumed: Annotated[bool, partial(of_type, bool)] = False
    versions: Object = field(default_factory=dict)


@dataclass(frozen=True)
class PlanMade(Event):
    """What is about to be trained, by how many processes."""

    KIND = "plan"
    workers: Count
    cohorts: Annotated[tuple[PlannedCohort, ...], _all_of(PlannedCohort)]


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
    trials: Annotated[tuple[str, ...], _texts]
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
    logs: Annotated[dict[str, float], _logs]
    confusion: Annotated[list[list[int]], _matrix]
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
    learning_rate: Annotated[float, validation.number]
    status: Annotated[Status, _one_of(get_args(Status))]
    share: Share = 0.0
    reason: Text = ""
    epochs: CountOrNone = None
    best_epoch: CountOrNone = None
    seconds: SecondsOrNone = None
    validation: Annotated[Scores | None, _optional(Scores.from_dict)] = None
    test: Annotated[Scores | None, _optional(Scores.from_dict)] = None
    cohort: Annotated[TrialCohort | None, _optional(partial(_read, TrialCohort))] = None

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
            cohort=TrialCohort(result.cohort, result.cohort_size),
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
    how: Annotated[RunEnd, _one_of(get_args(RunEnd))]
    reason: Text = ""


_KINDS = {cls.KIND: cls for cls in Event.__subclasses__()}


@dataclass(frozen=True)
class LogEntry:
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
    number, time = validation.count(plain["n"]), validation.seconds(plain["time"])
    return None if kind is None else LogEntry(number, time, _read(kind, plain))
