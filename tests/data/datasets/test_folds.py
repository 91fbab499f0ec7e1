from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from data.datasets.dataset import Dataset, Split
from data.datasets.folds import assign_folds, fold_dataset, place_of_row
from data.errors import DataError
from tests.support.tracks import dataset_of_tracks


def _fold_of_track(dataset: Dataset, fold_of_row: np.ndarray) -> dict[str, int]:
    track = np.concatenate([rows.track for _, rows in dataset.splits()])
    found: dict[str, int] = {}
    for number, fold in zip(track.tolist(), fold_of_row.tolist(), strict=True):
        assert found.setdefault(dataset.track_names[number], fold) == fold, "a track in two folds"
    return found


def test_every_row_is_tested_once_and_validated_once() -> None:
    dataset = dataset_of_tracks(tracks=7)
    folds = assign_folds(dataset, 5)
    made = [fold_dataset(dataset, folds, number) for number in range(1, 6)]
    everything = range(sum(len(rows) for _, rows in dataset.splits()))
    for split in ("validation", "test"):
        rows = np.concatenate([getattr(fold, split).row for fold in made])
        assert sorted(rows.tolist()) == list(everything)
    for number, fold in enumerate(made):
        rows = np.concatenate([part.row for _, part in fold.splits()])
        assert sorted(rows.tolist()) == list(everything)
        assert fold.validation.row.tolist() == made[(number + 1) % 5].test.row.tolist()


def test_rows_are_those_of_the_dataset() -> None:
    dataset = dataset_of_tracks(tracks=5)
    counts = {split: len(rows) for split, rows in dataset.splits()}
    fold = fold_dataset(dataset, assign_folds(dataset, 3), 2)
    for _, rows in fold.splits():
        for place, row in enumerate(rows.row.tolist()):
            split, index = place_of_row(counts, row)
            source = getattr(dataset, split)
            for name, values in source.arrays():
                assert np.array_equal(getattr(rows, name)[place], values[index]), name
    with pytest.raises(DataError, match="no row"):
        place_of_row(counts, sum(counts.values()))


def test_no_track_is_in_two_folds_and_genres_are_spread_evenly() -> None:
    dataset = dataset_of_tracks(tracks=11, segments=(3, 9))
    folds = assign_folds(dataset, 5)
    _fold_of_track(dataset, folds)
    label = np.concatenate([rows.label for _, rows in dataset.splits()])
    for genre in range(3):
        rows = np.bincount(folds[label == genre], minlength=6)[1:]
        assert rows.max() - rows.min() <= 9  # the longest track


def test_as_even_as_scikit_learn_deals() -> None:
    from sklearn.model_selection import StratifiedGroupKFold

    dataset = dataset_of_tracks(tracks=23, segments=(1, 30), seed=3)
    label = np.concatenate([rows.label for _, rows in dataset.splits()])
    track = np.concatenate([rows.track for _, rows in dataset.splits()])
    theirs = np.zeros(len(label), dtype=int)
    dealer = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for number, (_, test) in enumerate(dealer.split(label, label, track), 1):
        theirs[test] = number

    def spread(folds: np.ndarray) -> float:
        counts = np.zeros((6, 3))
        np.add.at(counts, (folds, label), 1)
        return float(counts[1:].std(axis=0).mean())

    assert spread(assign_folds(dataset, 5)) <= spread(theirs) + 1e-9


def test_neither_the_order_of_rows_nor_the_splits_matter() -> None:
    dataset = dataset_of_tracks(tracks=8, segments=(2, 5))
    expected = _fold_of_track(dataset, assign_folds(dataset, 4))
    rng = np.random.default_rng(0)
    renamed = rng.permutation(len(dataset.track_names))  # new number of each track

    def shuffled(rows: Split) -> Split:
        order = rng.permutation(len(rows))
        arrays = {name: values[order] for name, values in rows.arrays()}
        return replace(rows, **arrays | {"track": renamed[arrays["track"]]})

    names = [""] * len(renamed)
    for old, new in enumerate(renamed.tolist()):
        names[new] = dataset.track_names[old]
    other = replace(
        dataset,
        # Splits change places, too.
        train=shuffled(dataset.test),
        validation=shuffled(dataset.train),
        test=shuffled(dataset.validation),
        track_names=tuple(names),
    )
    assert _fold_of_track(other, assign_folds(other, 4)) == expected
    assert _fold_of_track(dataset, assign_folds(dataset, 4, seed=43)) != expected


def test_tracks_without_names_have_numbers() -> None:
    dataset = replace(dataset_of_tracks(tracks=5), track_names=())
    folds = assign_folds(dataset, 3)
    assert Counter(folds.tolist()).keys() == {1, 2, 3}


@pytest.mark.parametrize(
    ("tracks", "folds", "words"),
    [
        (4, 5, "each of 5 folds needs tracks of every genre, and tracks has 4 tracks of blues: "
               "use --folds 4, or build the dataset with more recordings"),
        (3, 2, "there must be at least 3. Received: 2"),
        (3, 4, "use --folds 3, or build"),
    ],
)  # fmt: skip
def test_what_cannot_be_dealt_is_refused(tracks: int, folds: int, words: str) -> None:
    with pytest.raises(DataError) as caught:
        assign_folds(dataset_of_tracks(tracks=tracks), folds)
    assert words in str(caught.value)


def test_rows_without_tracks_are_never_shuffled() -> None:
    dataset = dataset_of_tracks(tracks=5)
    unknown = np.full(len(dataset.test), -1)
    dataset = replace(dataset, test=replace(dataset.test, track=unknown))
    with pytest.raises(DataError, match="does not name the track of every row") as caught:
        assign_folds(dataset, 3)
    assert "data build FOLDER" in str(caught.value)
    with pytest.raises(DataError, match="knows no artists: use --group track"):
        assign_folds(dataset_of_tracks(tracks=5), 3, "artist")


def test_a_fold_has_no_content_of_its_own() -> None:
    dataset = dataset_of_tracks(tracks=5)
    fold = fold_dataset(dataset, assign_folds(dataset, 3), 1)
    assert "row" not in dict(fold.test.arrays())
    without = replace(fold, **{s: replace(rows, row=None) for s, rows in fold.splits()})
    assert fold.content_sha256 == without.content_sha256 != dataset.content_sha256


def test_artists_are_kept_together_and_tracks_without_one_stand_alone() -> None:
    dataset = dataset_of_tracks(tracks=12)
    # Three tracks an artist, but for the last three of each genre; one is called as a track is.
    artists = tuple(
        "" if number % 12 > 8 else "blues/011" if number < 3 else f"artist {number // 3}"
        for number in range(36)
    )
    dataset = replace(dataset, track_artists=artists)
    folds = _fold_of_track(dataset, assign_folds(dataset, 6, "artist"))
    of_artist: dict[str, set[int]] = {}
    for name, artist in zip(dataset.track_names, artists, strict=True):
        of_artist.setdefault(artist, set()).add(folds[name])
    alone = of_artist.pop("")
    assert len(alone) >= 3
    assert all(len(found) == 1 for found in of_artist.values())
    groups = len(of_artist) // 3 + 3  # of each genre
    with pytest.raises(DataError, match=f"tracks has {groups} artists of blues: use --folds 6"):
        assign_folds(dataset, groups + 1, "artist")
    assert assign_folds(dataset, groups + 1).max() == groups + 1  # of tracks there are enough


def test_an_artist_of_several_genres_counts_for_each() -> None:
    dataset = dataset_of_tracks(tracks=9, segments=(2, 6))
    artists = tuple(f"artist {number % 9}" for number in range(27))  # one track of each genre
    dataset = replace(dataset, track_artists=artists)
    folds = assign_folds(dataset, 3, "artist")
    label = np.concatenate([rows.label for _, rows in dataset.splits()])
    for genre in range(3):
        rows = np.bincount(folds[label == genre], minlength=4)[1:]
        assert rows.min() > 0
    assert np.bincount(folds)[1:].max() < 2 * np.bincount(folds)[1:].min()
