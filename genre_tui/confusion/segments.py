"""The test segments in a cell of a confusion matrix, and their features.

For use in threads: it imports NumPy and HDF5, and files may be large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.errors import DataError
from experiments.errors import RunError
from experiments.export.csv_files import csv_text
from experiments.runs.directory import RunDirectory
from genre_tui.model.run_model import RunModel

if TYPE_CHECKING:
    from data.storage.hdf5 import RowReader
    from experiments.runs.predictions import Predictions


@dataclass(frozen=True)
class Segment:
    """A test segment.

    Args:
        row: index in the test split.
        track: name or number of its track, or "" where it is unknown.
        start: second of the track at which it begins, or None.
        predicted: class of the cell; of a single segment, the class that most trials predict.
        trials: number of trials that predict that class.
        probability: of each genre: mean over those trials; of a single segment, over all.
    """

    row: int
    track: str
    start: float | None
    true: int
    predicted: int
    trials: int
    probability: tuple[float, ...]


@dataclass(frozen=True)
class SegmentSources:
    """Sources of segments and their features.

    Args:
        predictions: of each trial, all of the same rows.
        reader: of the dataset's file; None where it cannot be read.
        lacking: why not, a sentence.
    """

    predictions: tuple[Predictions, ...]
    reader: RowReader | None
    lacking: str = ""

    @property
    def rows(self) -> int:
        """Number of test rows."""
        return len(self.predictions[0].label)


@dataclass(frozen=True)
class SegmentFeatures:
    """A segment's features.

    Args:
        mfcc: 13 means of MFCCs, then their standard deviations.
        mel: mel-spectrogram in dB, by frame and band, low bands first; None where the dataset
            has none.
    """

    mfcc: tuple[float, ...]
    mel: tuple[tuple[float, ...], ...] | None


def open_sources(run: RunDirectory, model: RunModel, trials: Sequence[str]) -> SegmentSources:
    """Open the predictions of some trials and their dataset.

    Raises:
        RunError: the predictions are missing or damaged.
    """
    import numpy as np

    from experiments.runs.predictions import predictions_of

    read = (predictions_of(run, trial, len(model.genres)) for trial in trials)
    found = tuple(one for one in read if one is not None)
    if not found:
        raise RunError(
            f"the predictions of the test rows are not in {run.path} any more: their segments "
            "cannot be listed."
        )
    first = found[0]
    same = tuple(one for one in found if np.array_equal(one.label, first.label))
    try:
        return SegmentSources(same, _reader(model, len(first.label)))
    except (RunError, DataError, OSError) as error:
        lacking = f"No track names and spectrograms: {error!s}"
        return SegmentSources(same, None, lacking)


def _reader(model: RunModel, rows: int) -> RowReader:
    from data.storage.catalogue import find_dataset
    from data.storage.hdf5 import RowReader

    dataset = model.manifest.dataset
    reader = RowReader.of(find_dataset(dataset.name, dataset.content_sha256))
    reader.read("test", rows - 1, rows)  # raises where it has fewer rows
    return reader


def in_cell(sources: SegmentSources, true: int, predicted: int) -> tuple[Segment, ...]:
    """The segments of a cell, those of the highest probability of the predicted class first."""
    import numpy as np

    label = sources.predictions[0].label
    hits = np.stack([one.predicted == predicted for one in sources.predictions])
    hits &= label == true
    votes = hits.sum(axis=0)
    weight = hits / np.maximum(votes, 1)
    mean = sum(
        part[:, None] * np.asarray(one.probability, np.float64)
        for part, one in zip(weight, sources.predictions, strict=True)
    )
    rows = np.flatnonzero(votes)
    order = rows[np.lexsort((rows, -mean[rows, predicted], -votes[rows]))]
    return tuple(
        _segment(sources, int(row), predicted, int(votes[row]), mean[row].tolist()) for row in order
    )


def at_row(sources: SegmentSources, row: int) -> Segment:
    """The segment of a test row, with the prediction of most trials."""
    import numpy as np

    votes = np.bincount([int(one.predicted[row]) for one in sources.predictions])
    mean = np.mean([one.probability[row] for one in sources.predictions], axis=0)
    predicted = int(votes.argmax())
    return _segment(sources, row, predicted, int(votes[predicted]), mean.tolist())


def neighbours(sources: SegmentSources, row: int) -> tuple[int | None, int | None]:
    """The test rows before and after one in its track; None at the track's ends.

    Rows of unknown tracks are neighbours in the order of storage.
    """
    import numpy as np

    first = sources.predictions[0]
    track = int(first.track[row])
    if track < 0:
        before, after = row - 1, row + 1
        ends = before >= 0 and first.track[before] < 0, after < sources.rows
        return before if ends[0] else None, after if ends[1] and first.track[after] < 0 else None
    rows = np.flatnonzero(first.track == track)
    if first.start is not None:
        rows = rows[np.argsort(first.start[rows], kind="stable")]
    place = int(np.flatnonzero(rows == row)[0])
    before_row = int(rows[place - 1]) if place else None
    return before_row, int(rows[place + 1]) if place + 1 < len(rows) else None


def features_of(sources: SegmentSources, row: int) -> SegmentFeatures:
    """The features of a test row.

    Raises:
        RunError: the dataset is missing or another one.
        DataError: it cannot be read.
    """
    if sources.reader is None:
        raise RunError(sources.lacking)
    rows = sources.reader.read("test", row, row + 1)
    if int(rows.label[0]) != int(sources.predictions[0].label[row]):
        raise RunError(f"{sources.reader.path} has another genre at test row {row}.")
    mel = None if rows.mel is None else tuple(map(tuple, rows.mel[0].tolist()))
    return SegmentFeatures(tuple(rows.mfcc[0].tolist()), mel)


def segments_csv(genres: Sequence[str], segments: Sequence[Segment]) -> str:
    """A line for each segment."""
    return csv_text(
        ["row", "track", "second", "true", "predicted", "trials", *(f"p {g}" for g in genres)],
        (
            [
                *(one.row, one.track, one.start, genres[one.true], genres[one.predicted]),
                *(one.trials, *one.probability),
            ]
            for one in segments
        ),
    )


def _segment(
    sources: SegmentSources, row: int, predicted: int, trials: int, probability: list[float]
) -> Segment:
    first, names = sources.predictions[0], sources.reader.track_names if sources.reader else ()
    track = int(first.track[row])
    name = "" if track < 0 else names[track] if track < len(names) else f"track {track}"
    start = None if first.start is None else float(first.start[row])
    return Segment(row, name, start, int(first.label[row]), predicted, trials, tuple(probability))
