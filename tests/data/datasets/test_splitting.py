import hashlib
import json
import random
from collections import Counter

import pytest

from data.datasets.dataset import SplitName
from data.datasets.splitting import (
    DEFAULT_SHARES,
    check_shares,
    split_by_share,
    validation_of_train,
)
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


def test_splits_of_single_tracks_are_those_that_datasets_have_had_so_far() -> None:
    tracks = _tracks(blues=20, rock=101, pop=7)
    split_of = split_by_share(tracks, SHARES, seed=3)
    text = json.dumps(split_of, sort_keys=True)
    assert (
        hashlib.sha256(text.encode()).hexdigest()
        == "a5cf15cc334ba840e3b1f32751d4ec497ed68a070ed79b1f54f4125710afd499"
    )
    alone = {name: name for names in tracks.values() for name in names}
    assert split_by_share(tracks, SHARES, seed=3, artist_of=alone) == split_of
    nobody = dict.fromkeys(alone, "")
    assert split_by_share(tracks, SHARES, seed=3, artist_of=nobody) == split_of


def _by_artists(
    rng: random.Random, genres: int, artists: int, most: int, genres_each: int
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Tracks of artists who play in some of the genres, 1 to `most` of each in each of theirs."""
    tracks: dict[str, list[str]] = {f"g{k}": [] for k in range(genres)}
    artist_of = {}
    for artist in range(artists):
        for genre in rng.sample(sorted(tracks), genres_each):
            for _ in range(rng.randint(1, most)):
                tracks[genre].append(f"{genre}/{len(tracks[genre]):04d}")
                artist_of[tracks[genre][-1]] = f"artist {artist}"
    return tracks, artist_of


@pytest.mark.parametrize("genres_each", [1, 2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_artists_are_in_one_split_each_and_shares_are_near(seed: int, genres_each: int) -> None:
    tracks, artist_of = _by_artists(random.Random(seed), 4, 60, 9, genres_each)
    split_of = split_by_share(tracks, SHARES, seed, artist_of)
    assert split_of.keys() == artist_of.keys()
    splits: dict[str, set[str]] = {}
    for name, split in split_of.items():
        splits.setdefault(artist_of[name], set()).add(split)
    assert {len(of) for of in splits.values()} == {1}
    for names in tracks.values():
        counts = Counter(split_of[name] for name in names)
        for split, share in SHARES.items():
            assert abs(counts[split] / len(names) - share) < 0.06
    turned = {genre: names[::-1] for genre, names in reversed(tracks.items())}
    assert split_by_share(turned, SHARES, seed, artist_of) == split_of
    assert split_by_share(tracks, SHARES, seed + 1, artist_of) != split_of


def test_few_artists_fill_all_splits() -> None:
    tracks = _tracks(a=90, b=10)
    artist_of = {name: ("most", "x", "y")[max(0, i - 87)] for i, name in enumerate(tracks["a"])}
    artist_of |= {name: ("most", "x", "z")[max(0, i - 7)] for i, name in enumerate(tracks["b"])}
    for seed in range(20):
        split_of = split_by_share(tracks, SHARES, seed, artist_of)
        for genre in "ab":
            assert {split_of[name] for name in tracks[genre]} == set(SHARES)


def test_tracks_without_artist_go_alone() -> None:
    tracks = _tracks(a=40, b=40)
    artist_of = dict.fromkeys(tracks["a"][:20], "A")
    split_of = split_by_share(tracks, SHARES, 0, artist_of)
    assert len({split_of[name] for name in tracks["a"][:20]}) == 1
    assert {split_of[name] for name in tracks["b"]} == set(SHARES)


@pytest.mark.parametrize(
    ("artists", "words"),
    [
        (
            ["x"] * 10,
            "b has 10 usable tracks by one artist: no split can validate and test it on other",
        ),
        (["x", "y"] * 5, "b has 10 usable tracks by 2 artists: no split"),
    ],
)
def test_artists_that_are_too_few(artists: list[str], words: str) -> None:
    tracks = _tracks(a=10, b=10)
    with pytest.raises(DataError, match=words):
        split_by_share(tracks, SHARES, 0, dict(zip(tracks["b"], artists, strict=True)))


def test_artists_who_tie_genres_together_too_tightly() -> None:
    tracks, artist_of = _tracks(a=3, b=3, c=3, d=3), {}
    for names, artists in zip(tracks.values(), ("123", "124", "134", "234"), strict=True):
        artist_of |= dict(zip(names, artists, strict=True))
    with pytest.raises(DataError, match="artists that play in several genres leave no way"):
        split_by_share(tracks, SHARES, 0, artist_of)
    del tracks["c"], tracks["d"]
    assert set(split_by_share(tracks, SHARES, 0, artist_of).values()) == set(SHARES)


def test_validation_is_drawn_from_train_genre_by_genre() -> None:
    tracks = _tracks(a=30, b=11, c=2, d=1)
    stated: dict[str, SplitName] = {
        name: "test" if name.endswith("0") else "train"
        for names in tracks.values()
        for name in names
    }
    stated["d/000"] = "train"
    split_of = validation_of_train(tracks, stated)
    for genre, drawn in (("a", 5), ("b", 2), ("c", 0), ("d", 0)):
        counts = Counter(split_of[name] for name in tracks[genre])
        assert counts["validation"] == drawn, genre
        assert counts["train"] >= 1
    assert all(split_of[name] == "test" for name, split in stated.items() if split == "test")
