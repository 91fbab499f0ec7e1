"""Reads what the networks and baselines of a run predict of the test rows.

The files may be somebody else's: nothing is read that leads to another file, or that
announces more than it stores.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.design.trial import Trial
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Int64 = npt.NDArray[np.int64]
    Float64 = npt.NDArray[np.float64]

_ARRAYS = {
    "label": "iu",
    "track": "iu",
    "predicted": "iu",
    "row": "iu",
    "start": "f",
    "probability": "f",
}


@dataclass(frozen=True)
class Predictions:
    """Test rows in stored order, and what one trial predicts of them.

    Args:
        label: true classes. [shape=(n,)]
        track: numbers of tracks, -1 where unknown. [shape=(n,)]
        start: seconds in their tracks, or None. [shape=(n,)]
        predicted: classes. [shape=(n,)]
        probability: of each genre. [shape=(n, genres)]
        row: of a fold, places among all rows of the dataset; else None. [shape=(n,)]
    """

    label: Int64
    track: Int64
    start: Float64 | None
    predicted: Int64
    probability: Float64
    row: Int64 | None = None


def predictions_of(run: RunDirectory, trial: str, classes: int) -> Predictions | None:
    """What a trial predicts; None where it has not been tested.

    Args:
        run: its directory.
        trial: its id.
        classes: number of genres.

    Raises:
        RunError: the file is damaged, or none that a run of ours has.
    """
    path = run.trial_path(trial) / "predictions.h5"
    arrays = _read(path)
    if arrays is None:
        return None
    try:
        found = Predictions(
            arrays["label"],
            arrays["track"],
            arrays.get("start"),
            arrays["predicted"],
            arrays["probability"],
            arrays.get("row"),
        )
    except KeyError as error:
        raise RunError(f"{path} is damaged: it lacks {error}.") from error
    n = len(found.label)
    rows = (found.label, found.track, found.predicted)
    right = all(array.shape == (n,) for array in rows) and found.probability.shape == (n, classes)
    others = [array for array in (found.start, found.row) if array is not None]
    if not right or any(array.shape != (n,) for array in others):
        raise RunError(f"{path} is damaged: its arrays do not belong together.")
    if n and not all(part.min() >= 0 and part.max() < classes for part in (rows[0], rows[2])):
        raise RunError(f"{path} is damaged: it holds classes that the run has not.")
    return found


def predictions_by_seed(
    run: RunDirectory, trials: Iterable[Trial], classes: int
) -> list[Predictions]:
    """What trials of one config predict, all of the same rows; without those not tested.

    In cross-validation those of the folds of a seed are joined, in the order of the dataset's
    rows. Seeds that lack folds that others have are left out.

    Args:
        run: its directory.
        trials: that differ in seeds and folds only.
        classes: number of genres.

    Raises:
        RunError: as `predictions_of`.
    """
    of_seed: dict[int, list[Predictions]] = {}
    for trial in trials:
        found = predictions_of(run, trial.id, classes)
        if found is not None:
            of_seed.setdefault(trial.seed, []).append(found)
    joined = [_joined(parts) for parts in of_seed.values()]
    fullest = max(joined, key=lambda one: len(one.label), default=None)
    return [one for one in joined if fullest and _same_rows(one, fullest)]


def _joined(folds: list[Predictions]) -> Predictions:
    """Predictions of several folds in the order of the dataset's rows."""
    import numpy as np

    if any(part.row is None for part in folds):
        return folds[0]  # of no fold
    order = np.concatenate([part.row for part in folds]).argsort(kind="stable")

    def joined(name: str) -> Any:
        parts = [getattr(part, name) for part in folds]
        return None if any(one is None for one in parts) else np.concatenate(parts)[order]

    return Predictions(*(joined(field.name) for field in fields(Predictions)))


def _same_rows(one: Predictions, other: Predictions) -> bool:
    import numpy as np

    return np.array_equal(one.label, other.label) and (
        one.row is None or other.row is None or np.array_equal(one.row, other.row)
    )


def baselines_of(run: RunDirectory) -> dict[str, Int64]:
    """Predicted classes by baseline, one row a fit; empty without. [shape=(fits, n)]

    Raises:
        RunError: as `predictions_of`.
    """
    arrays = _read(run.path / "baselines" / "predictions.h5") or {}
    begin = "predicted/"
    return {name[len(begin) :]: a for name, a in arrays.items() if name.startswith(begin)}


def _read(path: Path) -> dict[str, Any] | None:
    import h5py

    if not path.is_file():
        return None
    arrays: dict[str, Any] = {}
    try:
        with h5py.File(path) as file:
            for name in file:
                _take(file, name, arrays, path)
    except RunError:
        raise
    except Exception as error:  # of any kind: HDF5 says little about damage
        raise RunError(f"{path} is damaged: {error!s:.80}.") from error
    return arrays


def _take(group: Any, name: str, arrays: dict[str, Any], path: Path) -> None:
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise RunError(f"{path} links {name!r:.40} to another place; links are not followed.")
    item = group[name]
    if isinstance(item, h5py.Group) and group.name == "/" and name == "predicted":
        for baseline in item:
            _take(item, baseline, arrays, path)
        return
    kind = _ARRAYS.get(name if group.name == "/" else "predicted")
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in (kind or ""):
        raise RunError(f"{path} holds {name!r:.40}, which no predictions of ours have.")
    stored, announced = item.id.get_storage_size(), item.size * item.dtype.itemsize
    if item.is_virtual or item.external or stored != announced:
        raise RunError(f"{path} keeps {name!r:.40} elsewhere, or announces more than it holds.")
    arrays[item.name[1:]] = item[()]
