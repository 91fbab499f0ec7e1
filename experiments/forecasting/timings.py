"""How long training takes on this machine, as it was measured: a file in the user's cache.

What was measured with other versions, on another processor or otherwise than now is
kept in the file, and not used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import platformdirs

from data.files.atomic import commit
from experiments.errors import MISSHAPEN
from experiments.forecasting.timing_keys import Conditions, kind_of
from experiments.runs import checksums
from experiments.training.cohorts import Cohort

__all__ = ["Company", "Conditions", "Timing", "Timings", "cache_folder", "rows_of_epoch"]

_SCHEMA_VERSION = 1
_LARGEST_FILE = 16 * 2**20
_FOREVER = 1e9  # seconds


@dataclass(frozen=True)
class Timing:
    """Seconds that a cohort of some kind takes.

    Args:
        row: for each train row of an epoch, all members together, validation included;
            see `rows_of_epoch`.
        set_up: to build, trace and lay out, before the first epoch.
        finish: to keep the network of each trial at its end.
        members: of the cohort that was measured.
        repeats: epochs that were timed.
        measured: when, in UTC.
    """

    row: float
    set_up: float
    finish: float
    members: int
    repeats: int
    measured: str

    def __post_init__(self) -> None:
        _check_seconds(self.row, self.set_up, self.finish)
        _check_count(self.members, self.repeats)

    def seconds(self, members: int, epochs: int, rows: tuple[int, int]) -> float:
        """Of a whole cohort.

        Args:
            members: that train together, about as many as were measured.
            epochs: that they train.
            rows: train and validation rows.
        """
        training = epochs * self.row * rows_of_epoch(*rows)
        return (training + self.set_up) * members / self.members + self.finish * members


@dataclass(frozen=True)
class Company:
    """What processes that train at once cost each other.

    Args:
        workers: how many there were.
        factor: by which each took longer than alone, with a core of its own.
        measured: when, in UTC.
    """

    workers: int
    factor: float
    measured: str

    def __post_init__(self) -> None:
        _check_seconds(self.factor)
        _check_count(self.workers)


@dataclass(frozen=True)
class _Record:
    """All that is known of one machine.

    Args:
        start_up: seconds until a process can train.
        company: of the largest number of processes that was measured.
        kinds: a timing for each kind of cohort.
    """

    start_up: float | None = None
    company: Company | None = None
    kinds: Mapping[str, Timing] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.start_up is not None:
            _check_seconds(self.start_up)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> _Record:
        company = plain["company"]
        return cls(
            plain["start_up"],
            None if company is None else Company(**company),
            {str(kind): Timing(**timing) for kind, timing in plain["kinds"].items()},
        )


class Timings:
    """What is known of this machine.

    Args:
        conditions: under which trials will train.
        path: of the file; None means the user's. Where it is missing, damaged or none
            of ours nothing is known yet.
    """

    def __init__(self, conditions: Conditions, path: Path | None = None) -> None:
        self.conditions = conditions
        self._path = path or cache_folder() / "timings.json"
        self._machine = conditions.machine
        self._record = self._own(self._read())

    @property
    def start_up(self) -> float | None:
        """Seconds until a process can train, or None."""
        return self._record.start_up

    @property
    def company(self) -> Company | None:
        """The largest number of processes at once that was measured, or None."""
        return self._record.company

    def of(self, cohort: Cohort) -> Timing | None:
        """That of the cohort's kind, or None."""
        return self._record.kinds.get(kind_of(cohort, self.conditions.device))

    def missing(self, cohorts: Iterable[Cohort]) -> tuple[Cohort, ...]:
        """One cohort of each kind that was not measured."""
        device = self.conditions.device
        kinds: dict[str, Cohort] = {}
        for cohort in cohorts:
            kinds.setdefault(kind_of(cohort, device), cohort)
        return tuple(one for kind, one in kinds.items() if kind not in self._record.kinds)

    def slowdown(self, workers: int) -> float:
        """By what factor each of some processes takes longer than one alone; 1 if unknown.

        It is taken to grow evenly with each process beside the first.
        """
        if self.company is None or self.company.workers < 2:
            return 1.0
        beside = (workers - 1) / (self.company.workers - 1)
        return max(1.0, 1.0 + (self.company.factor - 1.0) * beside)

    def keep(self, cohort: Cohort, timing: Timing) -> None:
        """Keep what was measured of a cohort, for all of its kind.

        Raises:
            DataError: it cannot be written; it is known here all the same.
        """
        kind = kind_of(cohort, self.conditions.device)
        self._change(lambda record: replace(record, kinds={**record.kinds, kind: timing}))

    def keep_start_up(self, seconds: float) -> None:
        """Keep how long a process takes until it can train; raises as `keep`."""
        self._change(lambda record: replace(record, start_up=seconds))

    def keep_company(self, company: Company) -> None:
        """Keep what processes at once cost each other; raises as `keep`."""
        self._change(lambda record: replace(record, company=company))

    def _change(self, change: Callable[[_Record], _Record]) -> None:
        self._record = change(self._record)
        machines = self._read()  # another process may have measured meanwhile
        record = change(self._own(machines))
        machines[self._machine] = asdict(record)
        with commit(self._path) as temporary:
            temporary.write_bytes(
                checksums.dumps({"schema_version": _SCHEMA_VERSION, "machines": machines})
            )

    def _own(self, machines: Mapping[str, Any]) -> _Record:
        try:
            return _Record.from_dict(machines[self._machine])
        except MISSHAPEN:
            return _Record()

    def _read(self) -> dict[str, Any]:
        """The records of all machines."""
        try:
            with self._path.open("rb") as file:
                content = checksums.loads(file.read(_LARGEST_FILE))
        except (OSError, ValueError):
            return {}
        machines = content.get("machines")
        if content.get("schema_version") != _SCHEMA_VERSION or not isinstance(machines, dict):
            return {}
        return machines


def cache_folder() -> Path:
    """Where to keep what can be measured again: GENRE_TUI_CACHE, else the user's cache."""
    chosen = os.environ.get("GENRE_TUI_CACHE")
    if chosen:
        return Path(os.path.expanduser(chosen))
    return Path(platformdirs.user_cache_dir("genre-tui", appauthor=False))


def rows_of_epoch(train: int, validation: int) -> float:
    """Train rows that cost as much as an epoch's.

    A validation row is a third of a train row: a product of each layer instead of three.
    """
    return train + validation / 3


def _check_seconds(*values: object) -> None:
    for value in values:
        if type(value) not in (int, float) or not 0 <= value < _FOREVER:  # type: ignore[operator]
            raise ValueError(f"{value!r:.40} is no number of seconds")


def _check_count(*values: object) -> None:
    for value in values:
        if type(value) is not int or value < 1:
            raise ValueError(f"{value!r:.40} is no count")
