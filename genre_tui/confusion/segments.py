"""The test segments in a cell of a confusion matrix, and their features.

It imports NumPy, and reads files that may be large: import and call it in threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.datasets.dataset import Split, SplitName
from data.datasets.folds import place_of_row
from data.errors import DataError
from data.storage.catalogue import find_dataset
from data.storage.hdf5 import RowReader
from experiments.errors import RunError
from experiments.export.csv_files import csv_text
from experiments.runs.directory import RunDirectory
from experiments.runs.predictions import Predictions, predictions_by_seed
from genre_tui.model.run_model import RunModel


@dataclass(frozen=True)
class Segment:
    """A test segment.

    Args:
        row: index among the rows that were tested.
        place: its split in the dataset's file, and its index there.
        track: name or number of its track, or "" where it is unknown.
        start: second of the track at which it begins, or None.
        predicted: class of the cell; of a single segment, the class that most trials predict.
        trials: number of trials that predict that class.
        probability: of each genre: mean over those trials; of a single segment, over all.
    """

    row: int
    place: tuple[SplitName, int]
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
        predictions: of each seed, all of the same rows.
        rows: number of rows of each split of the dataset.
        reader: of the dataset's file; None where it cannot be read.
        lacking: why not, a sentence.
    """

    predictions: tuple[Predictions, ...]
    rows: Mapping[str, int]
    reader: RowReader | None
    lacking: str = ""

    def place(self, row: int) -> tuple[SplitName, int]:
        """Where in the dataset's file a tested row is."""
        rows = self.predictions[0].row
        return ("test", row) if rows is None else place_of_row(self.rows, int(rows[row]))


def open_sources(run: RunDirectory, model: RunModel, trials: Sequence[str]) -> SegmentSources:
    """Open the predictions of some trials and their dataset.

    Raises:
        RunError: the predictions are missing or damaged.
    """
    dataset = model.manifest.dataset
    wanted = [model.manifest.trials[trial] for trial in trials]
    found = tuple(predictions_by_seed(run, wanted, len(model.genres)))
    if not found:
        raise RunError(
            f"the predictions of the test rows are not in {run.path} any more: their segments "
            "cannot be listed."
        )
    sources = SegmentSources(found, dataset.rows, None)
    try:
        split, last = sources.place(len(found[0].label) - 1)
        reader = RowReader.of(find_dataset(dataset.name, dataset.content_sha256))
        reader.read(split, last, last + 1)  # raises where it has fewer rows
    except (RunError, DataError, OSError) as error:
        return replace(sources, lacking=f"No track names and spectrograms: {error!s}")
    return replace(sources, reader=reader)


def in_cell(sources: SegmentSources, true: int, predicted: int) -> tuple[Segment, ...]:
    """The segments of a cell, those of the highest probability of the predicted class first."""
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
    votes = np.bincount([int(one.predicted[row]) for one in sources.predictions])
    mean = np.mean([one.probability[row] for one in sources.predictions], axis=0)
    predicted = int(votes.argmax())
    return _segment(sources, row, predicted, int(votes[predicted]), mean.tolist())


def neighbours(sources: SegmentSources, row: int) -> tuple[int | None, int | None]:
    """The test rows before and after one in its track; None at the track's ends.

    Rows of unknown tracks are neighbours in the order of storage.
    """
    first = sources.predictions[0]
    rows = np.flatnonzero(first.track == first.track[row])
    if first.track[row] >= 0 and first.start is not None:
        rows = rows[np.argsort(first.start[rows], kind="stable")]
    around = [None, *rows.tolist(), None]
    place = around.index(row)
    return around[place - 1], around[place + 1]


def features_of(sources: SegmentSources, row: int) -> Split:
    """The row of the dataset that has this index among those that were tested.

    Raises:
        RunError: the dataset is missing or another one.
        DataError: it cannot be read.
    """
    if sources.reader is None:
        raise RunError(sources.lacking)
    split, index = sources.place(row)
    found = sources.reader.read(split, index, index + 1)
    if found.label[0] != sources.predictions[0].label[row]:
        raise RunError(f"{sources.reader.path} has another genre at {split} row {index}.")
    return found


def segments_csv(
    genres: Sequence[str], segments: Sequence[Segment], *, with_split: bool = False
) -> str:
    """A line for each segment, with its row in the test split, or in the split that is named."""
    columns = ["row", "track", "second", "true", "predicted", "trials", *(f"p {g}" for g in genres)]
    return csv_text(
        ["split", *columns] if with_split else columns,
        (
            [
                *(one.place if with_split else one.place[1:]),
                *(one.track, one.start, genres[one.true], genres[one.predicted]),
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
    true, place = int(first.label[row]), sources.place(row)
    return Segment(row, place, name, start, true, predicted, trials, tuple(probability))
