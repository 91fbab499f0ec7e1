from dataclasses import replace

import numpy as np
import pytest

from data.datasets.dataset import Dataset
from data.errors import DataError
from tests.conftest import small_dataset, small_split


def _with(split: str, **changes: object) -> Dataset:
    dataset = small_dataset()
    return replace(dataset, **{split: replace(getattr(dataset, split), **changes)})


def test_the_hash_follows_the_content_alone() -> None:
    dataset = small_dataset()
    assert dataset.content_sha256 == small_dataset("other").content_sha256
    changed = dataset.test.mfcc.copy()
    changed[0, 0] += 1e-12
    assert _with("test", mfcc=changed).content_sha256 != dataset.content_sha256
    assert replace(dataset, genres=("blues", "jazz", "soul")).content_sha256 != (
        dataset.content_sha256
    )
    assert _with("test", start=None).content_sha256 != dataset.content_sha256


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mfcc": np.zeros((24, 25))}, "train mfcc (26,), mel (21, 128), validation mfcc (25,)"),
        ({"mfcc": np.zeros((24, 26, 1))}, "shape (n, statistics)"),
        ({"mfcc": np.zeros((24, 26), dtype=int)}, "floating point"),
        ({"mfcc": np.full((24, 26), np.nan)}, "Row 0 (counted from 0) holds nan"),
        ({"mfcc": np.diag(np.full(26, -1e300))[:24]}, "Row 0 (counted from 0) holds -1e+300"),
        ({"mel": np.zeros((24, 128, 21), np.float32)}, "validation mfcc (26,), mel (128, 21)"),
        ({"mel": np.zeros((24, 2**21, 0), np.float32)}, "shape (n, frames, bands)"),
        ({"mel": np.zeros((24, 2688), np.float32)}, "shape (n, frames, bands)"),
        ({"mel": np.full((24, 21, 128), np.inf, np.float32)}, "finite"),
        ({"mel": None}, "train mfcc (26,), mel (21, 128), validation mfcc (26,)."),
        ({"mel": None, "mfcc": None}, "must have mfcc or mel features, or both"),
        ({"mfcc": np.zeros((23, 26))}, "23 rows of mfcc, 24 labels"),
        ({"label": np.full(24, 3)}, "label must lie in 0 to 2"),
        ({"label": np.full(24, -1)}, "label must lie in 0 to 2"),
        ({"label": np.zeros(24)}, "whole numbers"),
        ({"track": np.full(24, 3)}, "track must lie in -1 to 2"),
        ({"track": np.zeros(24, dtype=np.int64)}, "track a is in train and validation"),
        ({"start": np.full(24, -1.0)}, "start must be finite seconds"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(DataError) as caught:
        _with("validation", **changes)
    assert words in str(caught.value)


def test_what_a_notebook_shows_is_short() -> None:
    dataset = replace(small_dataset(), genres=("blues", "jazz", "r<b"))
    assert repr(dataset) == (
        "<Dataset 'small': blues, jazz, r<b; segments: 48 train, 24 validation, 24 test>"
    )
    assert repr(dataset.test).startswith("<Split of 24 segments: mfcc (24, 26), mel (24, 21, 128),")
    html = dataset._repr_html_()
    assert "<tr><td>jazz</td><td>16</td><td>8</td><td>8</td></tr>" in html
    assert "<td>r&lt;b</td>" in html


def test_unknown_tracks_may_be_in_every_split() -> None:
    dataset = small_dataset()
    unknown = {name: replace(rows, track=np.full(len(rows), -1)) for name, rows in dataset.splits()}
    assert len(replace(dataset, **unknown).train) == 48


def test_every_genre_needs_train_rows() -> None:
    with pytest.raises(DataError, match="none of: rock"):
        replace(small_dataset(), train=small_split(48, 2, 0, 1))


def test_an_empty_split() -> None:
    with pytest.raises(DataError, match="at least one row"):
        replace(small_dataset(), test=small_split(0, 3, 2, 1))


def test_mel_where_there_is_none() -> None:
    with pytest.raises(DataError, match="has no mel-spectrograms"):
        small_dataset(mel=False).features("mel", "train")


@pytest.mark.parametrize(
    "genres", [("a",), ("a", "a"), ("a", " "), ("a", "b\x1b[2J"), ("a", "x" * 101)]
)
def test_names_that_cannot_be_genres(genres: tuple[str, ...]) -> None:
    with pytest.raises(DataError):
        replace(small_dataset(), genres=genres)
