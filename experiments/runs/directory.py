"""A run's directory: what is in it, how it is written and read back.

runs/<study>/<utc>-<id>/
  request.json               the request; written first
  run.json                   the manifest; written once
  optuna.journal             of a search: its trials, as Optuna keeps them (see `search`)
  lock                       which process trains it (see `lock`)
  control/running            becomes control/stop to request a clean stop
  events/<writer>.jsonl      (see `events`)
  events/summary.json        what a long log comes to, so that it need not be read (see `event_log`)
  cohorts/<id>/              checkpoints (see `checkpoints`), split.json
  trials/<id>/result.json    the commit of a finished trial
  trials/<id>/model.keras    its network
  trials/<id>/predictions.h5 its probabilities on the test rows
  baselines/result.json      the commit of the baselines: their figures
  baselines/predictions.h5   the classes that they predict of the test rows
  console.log                what the run's processes printed
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import DataError
from data.files.atomic import TEMPORARY, commit, writing
from data.files.plain import plain_file
from experiments.design.request import Request
from experiments.errors import DamagedRecordError, RunError, RunLostError, RunMovedError
from experiments.runs import checksums
from experiments.runs.baseline_results import BaselineResult
from experiments.runs.manifest import SCHEMA_VERSION, RunManifest
from experiments.runs.process_id import ProcessId
from experiments.runs.search_journal import read_draws
from experiments.runs.trial_result import TrialResult
from experiments.runs.validation import each, parsing, texts

if TYPE_CHECKING:
    import numpy.typing as npt

LOCK = "lock"
_LARGEST_LOCK = 4096  # bytes
_LARGEST_SUMMARY = 2**26  # bytes; that of 64 long trials with ten genres has half of it
_LARGEST_JSON = 2**28  # bytes; the manifest of 100,000 trials has about a third of it


@dataclass(frozen=True)
class RunDirectory:
    """One run's files.

    Args:
        path: runs/<study>/<utc>-<id>.
        owner: the process that trains it; None where this does not write what training does.
            Nothing is written once the run has another owner, or another place.
    """

    path: Path
    owner: ProcessId | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """<study>/<utc>-<id>."""
        return f"{self.path.parent.name}/{self.path.name}"

    def read_owner(self) -> ProcessId | None:
        """The process that has written the lock last; None where it was released.

        Raises:
            OSError: there is no lock, or it cannot be read.
            ValueError, KeyError: it is damaged, or being written.
        """
        with open(self.path / LOCK, "rb", opener=plain_file) as file:
            text = file.read(_LARGEST_LOCK)
        return ProcessId.from_dict(checksums.loads(text)) if text else None

    def require_owner(self) -> None:
        """Raise `RunLostError` unless the run is where it was, and the owner's."""
        if self.owner is None:
            return
        try:
            found = self.read_owner()
        except (FileNotFoundError, NotADirectoryError):
            raise RunMovedError(
                f"the folder {self.path} was moved or removed while the run was being trained, so "
                "training has ended. Where it was moved, resume it there: it goes on from its "
                "checkpoints."
            ) from None
        except (OSError, ValueError, KeyError):
            return  # of a file system that is out of reach, or in the middle of writing
        if found != self.owner:
            raise RunLostError(
                f"{self.name} was resumed by {found or 'another process'}, so this process, "
                f"{self.owner}, has ended."
            )

    @contextmanager
    def commit(self, path: Path) -> Iterator[Path]:
        """`data.files.atomic.commit` of one of the run's files, as long as it is the owner's."""
        self.require_owner()
        try:
            with commit(path, below=self.path if self.owner else None) as temporary:
                yield temporary
                self.require_owner()
        except DataError:
            self.require_owner()  # a folder that was moved in the middle of it says so
            raise

    def write_run(self, manifest: RunManifest) -> None:
        """Write run.json.

        Raises:
            DataError: the disk is full or the folder cannot be written.
        """
        self._write(self.path / "run.json", manifest.to_dict())

    def read_manifest(self) -> RunManifest:
        """The run's manifest; of a search, with all that was drawn since.

        Raises:
            RunError: it is missing, damaged or of another schema; so is a search's journal.
        """
        path = self.path / "run.json"
        plain = _read(path)
        version = plain.get("schema_version")
        if version != SCHEMA_VERSION:
            raise RunError(
                f"{path} has schema version {version!r:.20}; this program knows "
                f"{SCHEMA_VERSION}. Use the version of genre-tui that made it."
            )
        with parsing(str(path)):
            manifest = RunManifest.from_dict(plain)
            if manifest.search is None:
                return manifest
            settings, sha256 = manifest.search.settings, manifest.dataset.content_sha256
            return manifest.with_draws(*read_draws(self.path, settings, sha256))

    def write_request(self, request: Request) -> None:
        """Write request.json.

        Raises:
            DataError: as `write_run`.
        """
        self._write(self.path / "request.json", request.to_dict())

    def read_request(self) -> Request:
        """The request that the run began with.

        Raises:
            RunError: it is missing or damaged.
        """
        path = self.path / "request.json"
        with parsing(str(path)):
            return Request.from_dict(_read(path))

    def trial_path(self, trial: str) -> Path:
        """The folder of a trial.

        Raises:
            RunError: the id is none, such as one that leads out of the run.
        """
        return self.path.joinpath("trials", _checked(trial, "trial"))

    def cohort_path(self, cohort: str) -> Path:
        """The folder of a cohort.

        Raises:
            RunError: as `trial_path`.
        """
        return self.path / "cohorts" / _checked(cohort, "cohort")

    def write_model(self, trial: str, save: Callable[[Path], None]) -> None:
        """Let `save` write a trial's model.keras."""
        target = self.trial_path(trial) / "model.keras"
        with self.commit(target) as temporary:
            save(temporary)

    def write_predictions(self, trial: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write a trial's predictions.h5."""
        self._write_arrays(self.trial_path(trial) / "predictions.h5", arrays)

    def write_result(self, result: TrialResult) -> None:
        """Commit a trial: it is done once its result.json is there."""
        self._write(self.trial_path(result.trial) / "result.json", result.to_dict())

    def read_result(self, trial: str, classes: int | None = None) -> TrialResult | None:
        """A trial's result, or None where it has none yet.

        Args:
            trial: its id.
            classes: number of genres; None where it is not known.

        Raises:
            RunError: it is damaged.
        """
        path = self.trial_path(trial) / "result.json"
        if not path.exists():
            return None
        advice = f"python -m experiments resume {self.path.name} trains that trial again."
        with parsing(str(path), advice):
            result = TrialResult.from_dict(_read(path))
            if result.trial != trial:
                raise ValueError(f"the result of the trial {result.trial!r:.20}")
            if result.test is not None:
                result.test.check_classes(classes)
            return result

    def discard_result(self, trial: str) -> None:
        """Delete a trial's result: it is trained again when the run resumes."""
        self.require_owner()
        (self.trial_path(trial) / "result.json").unlink(missing_ok=True)

    def is_done(self, trial: str) -> bool:
        """Whether a trial has a valid result; one that is damaged is trained again."""
        try:
            return self.read_result(trial) is not None
        except RunError:
            return False

    def write_baselines(
        self, results: Sequence[BaselineResult], predictions: Mapping[str, npt.NDArray[Any]]
    ) -> None:
        """Commit the baselines: their predictions first, then their figures."""
        self._write_arrays(self.path / "baselines" / "predictions.h5", predictions)
        plain = {"baselines": [result.to_dict() for result in results]}
        self._write(self.path / "baselines" / "result.json", plain)

    def read_baselines(self, classes: int | None = None) -> tuple[BaselineResult, ...]:
        """Figures of the baselines; none where none are recorded yet.

        Args:
            classes: number of genres; None where it is not known.

        Raises:
            RunError: the record is damaged.
        """
        if self.lacks_baselines:
            return ()
        path = self.path / "baselines" / "result.json"
        advice = f"python -m experiments resume {self.path.name} fits the baselines again."
        with parsing(str(path), advice):
            results = each(BaselineResult.from_dict)(_read(path)["baselines"])
            for fit in (fit for result in results for fit in result.fits):
                fit.test.check_classes(classes)
            return results

    @property
    def lacks_baselines(self) -> bool:
        """Whether nothing is recorded of them."""
        return not (self.path / "baselines" / "result.json").exists()

    def write_split(self, cohort: str, parts: Sequence[Sequence[str]], reason: str) -> None:
        """Record that a cohort trains in parts from now on: lists of trials' ids."""
        split = {"parts": [list(part) for part in parts], "reason": reason}
        self._write(self.cohort_path(cohort) / "split.json", split)

    def read_split(self, cohort: str) -> list[tuple[str, ...]] | None:
        """The parts that a cohort trains in, or None where it trains whole.

        Raises:
            RunError: the record is damaged.
        """
        path = self.cohort_path(cohort) / "split.json"
        if not path.exists():
            return None
        with parsing(str(path)):
            return list(each(texts)(_read(path)["parts"]))

    def write_log_summary(self, summary: Mapping[str, Any]) -> int:
        """Write events/summary.json, unless it is too large; its size in bytes.

        Raises:
            DataError, RunError: it cannot be written.
        """
        content = checksums.dumps(summary)
        if len(content) <= _LARGEST_SUMMARY:
            with self.commit(self.path / "events" / "summary.json") as temporary:
                temporary.write_bytes(content)
        return len(content)

    def read_log_summary(self) -> dict[str, Any]:
        """What events/summary.json holds, unchecked.

        Raises:
            RunError: it is missing or damaged.
        """
        return _read(self.path / "events" / "summary.json", _LARGEST_SUMMARY)

    def _write(self, path: Path, value: Mapping[str, Any]) -> None:
        content = checksums.dumps(value)
        if len(content) > _LARGEST_JSON:
            raise RunError(
                f"{path} would be larger than {_LARGEST_JSON // 2**20} MB, and not be read again: "
                "train fewer trials at once."
            )
        with self.commit(path) as temporary:
            temporary.write_bytes(content)

    def _write_arrays(self, path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        import h5py

        with self.commit(path) as temporary, h5py.File(temporary, "w") as file:
            for name, value in arrays.items():
                file[name] = value

    @property
    def console(self) -> Path:
        """Where the run's processes print."""
        return self.path / "console.log"

    @property
    def stop_is_asked(self) -> bool:
        """Whether a clean stop is requested."""
        return (self.path / "control" / "stop").exists()

    def ask_to_stop(self) -> None:
        """Request a clean stop at the next epoch's end.

        Raises:
            DataError: the folder cannot be written.
        """
        path = self.path / "control" / "stop"
        with writing(path):
            try:
                # A new name takes no room: a run on a full disk can be stopped.
                path.with_name("running").rename(path)
            except FileNotFoundError:  # asked already, or of a version before
                path.parent.mkdir(exist_ok=True)
                path.touch()

    def withdraw_stop(self) -> None:
        """Withdraw the request for a stop, and prepare the next one."""
        path = self.path / "control" / "stop"
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            path.unlink(missing_ok=True)
            path.with_name("running").touch()

    def refuse_links(self) -> None:
        """Refuse a run whose files are elsewhere: whoever writes would write there.

        Raises:
            RunError: one is a link, such as in a run of somebody else.
        """
        for folder, names, files in os.walk(self.path):
            for name in (*names, *files):
                if os.path.islink(os.path.join(folder, name)):
                    raise RunError(
                        f"{os.path.join(folder, name)} is a link: a run's files must be in its "
                        "folder. Copy the run without links, or start a new one."
                    )

    def clear_temporary(self) -> None:
        """Remove the temporary files of killed writers; for the process that holds the lock."""
        self.require_owner()
        for path in self.path.glob(f"**/.*{TEMPORARY}*"):
            path.unlink(missing_ok=True)


def _checked(name: str, what: str) -> str:
    if not (isinstance(name, str) and name.isascii() and name.isalnum()):
        raise RunError(f"a {what}'s id has letters and digits only. Received: {name!r:.60}.")
    return name


def _read(path: Path, largest: int | None = None) -> dict[str, Any]:
    largest = largest or _LARGEST_JSON
    try:
        with open(path, "rb", opener=plain_file) as file:
            # Not as much as is allowed: that would be allocated first.
            text = file.read(min(os.fstat(file.fileno()).st_size, largest) + 1)
        if len(text) > largest:
            raise RunError(f"{path} is larger than any record of ours: it is not read.")
        return checksums.loads(text)
    except FileNotFoundError as error:
        raise RunError(
            f"{path} is missing: this is no run's directory, or a damaged one."
        ) from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    except RunError:
        raise
    except ValueError as error:
        raise DamagedRecordError(f"{path} is damaged: {error!s:.80}.") from error
