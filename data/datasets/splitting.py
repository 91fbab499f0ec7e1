"""Assigns tracks to splits: whole tracks only, genre by genre."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from data.datasets.dataset import SPLITS, SplitName
from data.errors import DataError

DEFAULT_SHARES = (0.60, 0.15, 0.25)  # of the tracks in train, validation and test
_ATTEMPTS = 100  # random orders of artists, of which the nearest to the shares is kept
_FEWEST_ATTEMPTS, _MOST_PLACED = 3, 20_000  # of artists in several genres, which take longer
_NEAR = 0.01  # of a genre's tracks in other splits than the shares say: near enough
_OF_TRAIN: dict[SplitName, float] = {"validation": 0.2, "train": 0.8}
SPLIT_WORDS: dict[str, SplitName] = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "validate", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}

_Group = tuple[str, str]  # an artist, or a track without one


def check_shares(shares: Sequence[float]) -> dict[SplitName, float]:
    """The share of each split.

    Raises:
        DataError: they are not three positive numbers that add up to 1.
    """
    numbers = isinstance(shares, Sequence) and all(isinstance(n, (int, float)) for n in shares)
    positive = numbers and len(shares) == len(SPLITS) and all(share > 0 for share in shares)
    if not positive or not math.isclose(sum(shares), 1.0):
        raise DataError(
            "shares must be three positive numbers that add up to 1, for train, validation and "
            f"test, such as {DEFAULT_SHARES}. Received: {shares!r}."
        )
    return dict(zip(SPLITS, shares, strict=True))


def split_by_share(
    tracks: Mapping[str, Sequence[str]],
    shares: Mapping[SplitName, float],
    seed: int,
    artist_of: Mapping[str, str] | None = None,
) -> dict[str, SplitName]:
    """Split tracks at random, with the same shares in each genre, as near as artists allow.

    Every genre has at least one track in each split, and all tracks of an artist are in one. The
    result depends on the names and the seed alone, not on the order of the files.

    Args:
        tracks: the names of each genre's tracks.
        shares: of the tracks, adding up to 1.
        seed: of the random order.
        artist_of: the artist of each track that is to stay with the artist's others.

    Raises:
        DataError: a genre has fewer tracks, or artists, than there are splits, or artists of
            several genres leave no way to fill all splits.
    """
    if too_few := too_few_tracks(tracks, artist_of=artist_of):
        raise DataError(next(iter(too_few.values())))
    return _deal(tracks, shares, seed, artist_of)


def _deal(
    tracks: Mapping[str, Sequence[str]],
    shares: Mapping[SplitName, float],
    seed: int,
    artist_of: Mapping[str, str] | None,
    alone: SplitName | None = None,
) -> dict[str, SplitName]:
    """Deal tracks to the splits of `shares`; what cannot be divided goes to the split `alone`."""
    genres = {g: Counter(_group(name, artist_of) for name in tracks[g]) for g in sorted(tracks)}
    placed: dict[_Group, SplitName] = {}
    if alone is not None:
        placed = {g: alone for sizes in genres.values() if len(sizes) == 1 for g in sizes}
    placed |= _place_shared(list(genres.values()), placed, shares, seed)
    totals = dict.fromkeys(shares, 0)
    for number, sizes in enumerate(genres.values()):
        if sizes.keys() <= placed.keys():
            continue
        rng = np.random.default_rng([seed, number])
        targets = _counts(sizes.total(), shares, totals)
        attempts = []
        for _ in range(_ATTEMPTS):
            attempts.append(_place(sizes, targets, placed, rng))
            off = attempts[-1].off(targets)
            if off <= _NEAR * sizes.total():
                break
        best = min(attempts, key=lambda attempt: attempt.off(targets))
        placed |= best.placed
        totals = {split: totals[split] + best.filled[split] for split in shares}
    return {name: placed[_group(name, artist_of)] for names in tracks.values() for name in names}


def _group(name: str, artist_of: Mapping[str, str] | None) -> _Group:
    """What a track stays together with: its artist's others, or only itself."""
    artist = artist_of.get(name, "") if artist_of else ""
    return (artist, "") if artist else ("", name)


class _Genre:
    """The groups of a genre while they are placed in splits.

    Args:
        sizes: tracks of each group.
        placed: groups, of this and other genres, that have their splits already.
        splits: that there are.
    """

    def __init__(
        self,
        sizes: Mapping[_Group, int],
        placed: Mapping[_Group, SplitName],
        splits: Iterable[SplitName],
    ) -> None:
        self.sizes, self.tracks = sizes, sum(sizes.values())
        self.placed: dict[_Group, SplitName] = {}
        self.filled = dict.fromkeys(splits, 0)  # tracks
        for group in sizes.keys() & placed.keys():
            self.put(group, placed[group])

    def put(self, group: _Group, split: SplitName) -> None:
        """Place a group."""
        self.placed[group] = split
        self.filled[split] += self.sizes[group]

    @property
    def choice(self) -> list[SplitName]:
        """Splits that may take the next group: the empty ones once they need all that is left."""
        empty = [split for split, tracks in self.filled.items() if not tracks]
        return empty if len(self.sizes) - len(self.placed) <= len(empty) else list(self.filled)

    def over(self, shares: Mapping[SplitName, float]) -> float:
        """The share of the tracks that splits have beyond theirs."""
        beyond = (self.filled[split] / self.tracks - share for split, share in shares.items())
        return sum(max(0.0, share) for share in beyond) if self.tracks else 0.0

    def off(self, targets: Mapping[SplitName, int]) -> int:
        """How far the numbers of tracks are from those that there should be."""
        return sum(abs(self.filled[split] - target) for split, target in targets.items())


def _place(
    sizes: Mapping[_Group, int],
    targets: Mapping[SplitName, int],
    placed: Mapping[_Group, SplitName],
    rng: np.random.Generator,
) -> _Genre:
    """Place a genre's groups, in random order, each in the first split that has room for it."""
    genre = _Genre(sizes, placed, targets)
    for group in _shuffled(sizes, rng):
        if group not in genre.placed:
            room = {split: targets[split] - genre.filled[split] for split in genre.choice}
            fitting = (split for split, free in room.items() if free >= sizes[group])
            genre.put(group, next(fitting, max(room, key=room.__getitem__)))
    return genre


def _place_shared(
    sizes: Sequence[Mapping[_Group, int]],
    fixed: Mapping[_Group, SplitName],
    shares: Mapping[SplitName, float],
    seed: int,
) -> dict[_Group, SplitName]:
    """Place the groups of several genres, before all others."""
    genres_of = Counter(group for of_genre in sizes for group in of_genre)
    shared = [group for group, genres in genres_of.items() if genres > 1 and group not in fixed]
    rng = np.random.default_rng([seed, len(sizes)])
    best: dict[_Group, SplitName] | None = None
    least = math.inf
    for _ in range(max(_FEWEST_ATTEMPTS, min(_ATTEMPTS, _MOST_PLACED // (1 + len(shared))))):
        genres = [_Genre(of_genre, fixed, shares) for of_genre in sizes]
        placed = _shared_by_chance(genres, shared, shares, rng)
        over = max(genre.over(shares) for genre in genres)
        if placed is not None and over < least:
            best, least = placed, over
        if least <= _NEAR:
            break
    if best is None:
        raise DataError(
            "artists that play in several genres leave no way to have every genre in train, "
            "validation and test, each with other artists: leave genres out, or split by tracks "
            "(--group track)."
        )
    return best


def _shared_by_chance(
    genres: Sequence[_Genre],
    shared: Collection[_Group],
    shares: Mapping[SplitName, float],
    rng: np.random.Generator,
) -> dict[_Group, SplitName] | None:
    """Place groups in all their genres; None where that leaves a genre's split empty.

    The largest come first, each into a split by chance that has room for it in all its genres, or
    else where least is too much.
    """
    total = {group: sum(genre.sizes.get(group, 0) for genre in genres) for group in shared}
    placed: dict[_Group, SplitName] = {}
    for group in sorted(_shuffled(shared, rng), key=lambda one: -total[one].bit_length()):
        theirs = [genre for genre in genres if group in genre.sizes]
        choice = set(shares).intersection(*(genre.choice for genre in theirs))
        room = {  # the least over its genres, in tracks; below 0 where there is none
            split: min(
                share * genre.tracks - genre.filled[split] - genre.sizes[group] for genre in theirs
            )
            for split, share in shares.items()
            if split in choice
        }
        if not room:
            return None
        fitting = [split for split, tracks in room.items() if tracks >= 0]
        if fitting:
            weights = np.array([shares[split] for split in fitting])
            placed[group] = fitting[rng.choice(len(fitting), p=weights / weights.sum())]
        else:
            placed[group] = max(room, key=room.__getitem__)
        for genre in theirs:
            genre.put(group, placed[group])
    return placed


def _shuffled(groups: Collection[_Group], rng: np.random.Generator) -> list[_Group]:
    """Groups in a random order that does not depend on the one they come in."""
    names = sorted(groups)
    return [names[place] for place in rng.permutation(len(names)).tolist()]


def too_few_tracks(
    tracks: Mapping[str, Sequence[str]],
    split_of: Mapping[str, SplitName] | None = None,
    artist_of: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """A sentence on each genre that cannot be learned.

    Args:
        tracks: the names of each genre's tracks.
        split_of: the split of each track; None where chance decides, which needs a track, and
            an artist, for each.
        artist_of: the artist of each track that is to stay with the artist's others.
    """
    too_few: dict[str, str] = {}
    for genre, names in sorted(tracks.items()):
        have = f"the genre {genre} has {len(names)} usable track{'' if len(names) == 1 else 's'}"
        artists = len({_group(name, artist_of) for name in names})
        if split_of is not None:
            if not any(split_of[name] == "train" for name in names):
                too_few[genre] = f"{have}, none of them in the train split."
        elif len(names) < len(SPLITS):
            too_few[genre] = f"{have}; train, validation and test need at least one each."
        elif artists < len(SPLITS):
            many = "one artist" if artists == 1 else f"{artists} artists"
            too_few[genre] = (
                f"{have} by {many}: no split can validate and test it on other artists than it is "
                "trained on; add recordings of others, or split by tracks (--group track)."
            )
    return too_few


def validation_of_train(
    tracks: Mapping[str, Sequence[str]],
    split_of: Mapping[str, SplitName],
    artist_of: Mapping[str, str] | None = None,
) -> dict[str, SplitName]:
    """Splits with a validation split that is drawn from the train tracks, a fifth of each genre's.

    Args:
        tracks: the names of each genre's tracks.
        split_of: a split for each track, train or test.
        artist_of: the artist of each track that is to stay with the artist's others.

    Raises:
        DataError: as `split_by_share`.
    """
    of_train = {
        g: [name for name in names if split_of[name] == "train"] for g, names in tracks.items()
    }
    return {**split_of, **_deal(of_train, _OF_TRAIN, 0, artist_of, alone="train")}


def _counts(
    n: int, shares: Mapping[SplitName, float], totals: Mapping[SplitName, int]
) -> dict[SplitName, int]:
    counts = {split: max(1, int(n * share)) for split, share in shares.items()}
    while sum(counts.values()) > n:  # at least one each may be too many
        larger = [split for split in shares if counts[split] > 1]
        counts[max(larger, key=lambda split: counts[split] - n * shares[split])] -= 1
    so_far = sum(totals.values()) + n
    while sum(counts.values()) < n:  # rounding remainders go where most is missing so far
        lacking = {
            split: so_far * shares[split] - totals[split] - counts[split] for split in shares
        }
        counts[max(shares, key=lambda split: lacking[split])] += 1
    return counts
