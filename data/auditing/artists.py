"""Finding about artists: whether any is in two splits, and what that adds to accuracy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from data.auditing.findings import Finding, number, part_of
from data.auditing.random_split import FOLDS, SEEDS, held_out
from data.auditing.row_table import Int64, Rows
from data.datasets.dataset import SPLITS, UNKNOWN_TRACK

_MOST_ROWS = 4000  # an SVM's time grows with their square; the interval depends on artists
_FEWEST = 6  # artists of two tracks or more, for an interval over artists
_UNKNOWN = "What they add to accuracy cannot be measured"


def artists_apart(rows: Rows, on_fit: Callable[[], None]) -> Finding | None:
    """Whether an artist is in two splits, and if so what that adds to accuracy, see `_gap`.

    Args:
        on_fit: called after each fit of a classifier.

    Returns:
        None where rows name no tracks, or are synthesised.
    """
    dataset, kind = rows.dataset, "artists"
    made_of = dataset.provenance.get("kind")
    if not dataset.track_names or made_of == "demo":
        return None
    splits_of = dataset.artist_splits()
    if not splits_of:
        sentence = "Tracks name no artists, so whether an artist is in two splits is not known."
        advice = "Build it again with --group artist, or with --group tag:artist."
        return Finding(kind, "unknown", sentence, advice if made_of == "audio_folder" else "")
    shared = {name: splits for name, splits in splits_of.items() if len(splits) > 1}
    artists = dataset.track_artists
    tested = np.unique(
        rows.track[(rows.split == SPLITS.index("test")) & (rows.track != UNKNOWN_TRACK)]
    )
    counts: dict[str, float] = {
        "artists": len(splits_of),
        "artists_in_two_splits": len(shared),
        "tracks_without_artist": artists.count(""),
        "test_tracks": len(tested),
        "test_tracks_of_train_artists": sum(
            "train" in splits_of.get(artists[track], ()) for track in tested.tolist()
        ),
    }
    many = number(len(splits_of), "artist")
    unnamed = artists.count("")
    without = f" ({number(unnamed, 'track', 'names/name')} none)" if unnamed else ""
    if not shared:
        sentence = f"None of {many} is in two splits{without}."
        return Finding(kind, "unknown" if unnamed else "fine", sentence, counts=counts)
    places = {name: place for place, name in enumerate(splits_of)}
    of_track = np.array(  # a track without artist has a number of its own
        [places.get(name, len(places) + track) for track, name in enumerate(artists)]
    )
    named = np.flatnonzero(rows.track != UNKNOWN_TRACK)
    measured, gap = _gap(rows, named, of_track[rows.track[named]], on_fit)
    sentence = (
        f"{len(shared)} of {many}{without} {'is' if len(shared) == 1 else 'are'} in more than one "
        f"split; {counts['test_tracks_of_train_artists']} of "
        f"{number(int(counts['test_tracks']), 'test track')} are by artists of the train split. "
        f"{measured}"
    )
    examples = (f"{name}: {' and '.join(splits)}" for name, splits in shared.items())
    advice = "Build it again with --group artist, to test on artists that are not in train."
    return Finding(kind, "warning", sentence, advice, counts | gap, tuple(examples))


def _gap(
    rows: Rows, named: Int64, artist: Int64, on_fit: Callable[[], None]
) -> tuple[str, dict[str, float]]:
    """What it adds to accuracy that artists of held-out tracks are in train, as a sentence.

    Every row is predicted in cross-validation by tracks and in that by artists, with equal folds
    and `SEEDS` seeds, by the SVM of `random_split_gap`. The gap is the mean difference over rows.
    Its 95 % interval takes artists as clusters: Student's t of a ratio estimate (Cochran,
    Sampling Techniques, 3rd ed., 6.3). Genres of one artist are left out.

    Args:
        named: rows that name a track. [shape=(n,)]
        artist: of each of them. [shape=(n,)]
        on_fit: called after each fit.
    """
    thinned = slice(None, None, -(-len(named) // _MOST_ROWS))  # fewer segments of every track
    chosen, artist = named[thinned], artist[thinned]
    genres, artists_of = np.unique(
        np.unique(np.stack([rows.label[chosen], artist]), axis=1)[0], return_counts=True
    )
    enough = np.isin(rows.label[chosen], genres[artists_of > 1])
    chosen, artist = chosen[enough], artist[enough]
    label, track = rows.label[chosen], rows.track[chosen]
    tracks_of = np.unique(np.unique(np.stack([artist, track]), axis=1)[0], return_counts=True)[1]
    many = int((tracks_of > 1).sum())
    if len(np.unique(label)) < 2:
        return f"{_UNKNOWN}: fewer than two genres have two artists.", {}
    if many < _FEWEST:
        return f"{_UNKNOWN}: only {number(many, 'artist', 'has/have')} two tracks.", {}
    folds = min(FOLDS, artists_of[artists_of > 1].min())
    right = np.zeros((2, len(chosen)))  # by tracks, by artists: predictions that are right
    seen = np.zeros((2, len(chosen)))
    for seed in range(SEEDS):
        for by, groups in enumerate((track, artist)):
            for test, is_right in held_out(rows.z[chosen], label, groups, folds, seed, on_fit):
                right[by, test] += is_right
                seen[by, test] += 1
    whole = (seen == SEEDS).all(axis=0)
    by_tracks, by_artists = right[:, whole] / SEEDS
    gap = float((by_tracks - by_artists).mean())
    off = np.bincount(artist[whole], by_tracks - by_artists - gap)[np.unique(artist[whole])]
    half = _student(len(off)) * np.sqrt(len(off) / (len(off) - 1) * (off**2).sum()) / whole.sum()
    counts = {
        "accuracy_by_tracks": float(by_tracks.mean()),
        "accuracy_by_artists": float(by_artists.mean()),
        "gap": gap,
        "gap_low": gap - half,
        "gap_high": gap + half,
        "artists_measured": len(off),
        "rows": int(whole.sum()),
    }
    sentence = (
        f"An SVM reaches {100 * by_tracks.mean():.1f} % when whole tracks are split by chance, "
        f"{100 * by_artists.mean():.1f} % when whole artists are: known artists add "
        f"{100 * gap:.1f} points (95 % interval {100 * (gap - half):.1f} to "
        f"{100 * (gap + half):.1f}, over {number(len(off), 'artist')}"
        f"{part_of(int(whole.sum()), len(rows))})."
    )
    return sentence, counts


def _student(n: int) -> float:
    """Half the width of a 95 % interval over n clusters, in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 0.975))
