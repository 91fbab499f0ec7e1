from collections import Counter
from pathlib import Path

import pytest

from data.datasets.splitting import DEFAULT_SHARES, check_shares, read_splits, split_by_share
from data.errors import DataError

SHARES = check_shares(DEFAULT_SHARES)


def _tracks(**counts: int) -> dict[str, list[str]]:
    return {genre: [f"{genre}/{i:03d}" for i in range(n)] for genre, n in counts.items()}


def test_shares_hold_in_each_genre_and_altogether() -> None:
    tracks = _tracks(blues=20, rock=100, pop=60)
    split_of = split_by_share(tracks, SHARES, seed=0)
    for genre, names in tracks.items():
        counts = Counter(split_of[name] for name in names)
        assert counts["train"] == len(names) * 60 // 100, genre
        assert counts["validation"] == len(names) * 15 // 100
        assert counts["test"] == len(names) * 25 // 100


def test_what_rounding_leaves_evens_out_over_genres() -> None:
    tracks = _tracks(**{f"g{i}": 10 for i in range(8)})
    counts = Counter(split_by_share(tracks, SHARES, seed=0).values())
    assert counts == {"train": 48, "validation": 12, "test": 20}


@pytest.mark.parametrize("n", [3, 4, 5, 7])
def test_every_split_gets_a_track_of_every_genre(n: int) -> None:
    split_of = split_by_share(_tracks(a=n, b=n), SHARES, seed=1)
    assert len(split_of) == 2 * n
    for genre in "ab":
        assert {split for name, split in split_of.items() if name.startswith(genre)} == {
            "train",
            "validation",
            "test",
        }


def test_lopsided_shares_leave_no_split_empty() -> None:
    shares = check_shares([0.98, 0.01, 0.01])
    for n in range(3, 12):
        split_of = split_by_share(_tracks(a=n, b=n + 1), shares, seed=0)
        for genre, tracks in (("a", n), ("b", n + 1)):
            counts = Counter(split for name, split in split_of.items() if name.startswith(genre))
            assert counts == {"train": tracks - 2, "validation": 1, "test": 1}


def test_the_seed_decides_and_the_order_of_files_does_not() -> None:
    tracks = _tracks(a=30, b=30)
    turned = {genre: names[::-1] for genre, names in reversed(tracks.items())}
    first = split_by_share(tracks, SHARES, seed=5)
    assert split_by_share(turned, SHARES, seed=5) == first
    assert split_by_share(tracks, SHARES, seed=6) != first


def test_two_tracks_are_too_few() -> None:
    with pytest.raises(DataError, match="genre b has 2 usable tracks"):
        split_by_share(_tracks(a=5, b=2), SHARES, seed=0)


TRACKS = ["a/1", "a/2", "b/x.y"]


def _read(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "splits.csv"
    path.write_text(text)
    return dict(read_splits(path, TRACKS))


def test_splits_are_read_with_and_without_suffix(tmp_path: Path) -> None:
    text = "split,track\ntrain,a/1.wav\nval,a/2\nTEST,b/x.y\n"
    assert _read(tmp_path, text) == {"a/1": "train", "a/2": "validation", "b/x.y": "test"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "columns track and split"),
        ("", "Received: none"),
        ("track,split\na/9,train\n", "line 2: there is no recording 'a/9'"),
        ("track,split\n\n\na/9,train\n", "line 4: there is no recording 'a/9'"),
        ("track,split\na/1,dev\n", "must be train, validation or test"),
        ("track,split\na/1,train\na/1.wav,test\n", "put into two splits"),
        ("track,split\na/1,train\n", "leaves out 2 of 3 tracks, such as a/2"),
    ],
)
def test_splits_that_cannot_be(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        _read(tmp_path, text)
    assert words in str(caught.value)
