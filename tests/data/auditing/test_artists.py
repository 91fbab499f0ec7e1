"""What an audit says about artists in two splits, in datasets whose artists are alike or not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from data.auditing import Finding, artists, audit, most_fits
from data.auditing.artists import artists_apart
from data.auditing.row_table import stack
from data.datasets.dataset import SPLITS, Dataset, Split

GENRES = ("blues", "jazz", "rock")
SECONDS = 6
OF_SPLIT = (*(["train"] * 3), "validation", "test")  # of an artist's five tracks


def _dataset(
    *, likeness: float, artists_each: int = 6, apart: bool = False, seed: int = 0
) -> Dataset:
    """Artists of five tracks each.

    Args:
        likeness: how far artists of a genre are from each other.
        artists_each: of a genre.
        apart: whether each artist is in one split.
        seed: of the chance.
    """
    rng = np.random.default_rng(seed)
    rows: dict[str, list[tuple[np.ndarray, int, int]]] = {split: [] for split in SPLITS}
    names: list[str] = []
    by: list[str] = []
    for label, genre in enumerate(GENRES):
        for artist in range(artists_each):
            place = likeness * rng.standard_normal(26) + 0.4 * label
            for number in range(5):
                split = OF_SPLIT[artist % 5 if apart else number]
                track = place + 0.5 * rng.standard_normal(26)
                seconds = track + rng.standard_normal((SECONDS, 26))
                rows[split].append((seconds, label, len(names)))
                names.append(f"{genre}/{len(names):03d}")
                by.append(f"{genre} artist {artist}")
    return Dataset(
        "music",
        GENRES,
        **{split: _split(of) for split, of in rows.items()},
        track_names=tuple(names),
        track_artists=tuple(by),
    )


def _split(rows: list[tuple[np.ndarray, int, int]]) -> Split:
    return Split(
        mfcc=np.concatenate([mfcc for mfcc, _, _ in rows]),
        mel=None,
        label=np.repeat([label for _, label, _ in rows], SECONDS),
        track=np.repeat([track for _, _, track in rows], SECONDS),
        start=np.tile(np.arange(SECONDS, dtype=float), len(rows)),
    )


def _found(dataset: Dataset) -> Finding:
    found = artists_apart(stack(dataset), lambda: None)
    assert found is not None
    return found


def test_artists_whose_tracks_are_alike_add_what_the_interval_says() -> None:
    found = _found(_dataset(likeness=1.5))
    assert found.severity == "warning"
    assert found.counts["artists"] == found.counts["artists_in_two_splits"] == 18
    assert found.counts["test_tracks"] == found.counts["test_tracks_of_train_artists"] == 18
    assert found.counts["gap"] == pytest.approx(
        found.counts["accuracy_by_tracks"] - found.counts["accuracy_by_artists"]
    )
    assert found.counts["gap_low"] > 0.1
    assert found.counts["artists_measured"] == 18
    assert found.examples[0] == "blues artist 0: train and validation and test"
    assert "18 of 18 artists are in more than one split; 18 of 18 test tracks" in found.sentence
    assert "95 % interval" in found.sentence
    assert "over 18 artists" in found.sentence


def test_artists_who_are_no_more_alike_than_others_add_nothing() -> None:
    gaps = [_found(_dataset(likeness=0.0, seed=seed)).counts for seed in range(4)]
    assert sum(counts["gap_low"] <= 0 <= counts["gap_high"] for counts in gaps) >= 3
    assert abs(np.mean([counts["gap"] for counts in gaps])) < 0.05


def test_artists_apart_are_fine_and_nothing_is_fitted() -> None:
    fitted: list[int] = []
    found = artists_apart(stack(_dataset(likeness=1.5, apart=True)), lambda: fitted.append(1))
    assert found == Finding(
        "artists",
        "fine",
        "None of 18 artists is in two splits.",
        counts={
            "artists": 18,
            "artists_in_two_splits": 0,
            "tracks_without_artist": 0,
            "test_tracks": 15,
            "test_tracks_of_train_artists": 0,
        },
    )
    assert not fitted


def test_tracks_without_artist_are_counted_and_are_in_no_two_splits() -> None:
    dataset = _dataset(likeness=1.0)
    unknown = tuple(name if name.startswith("rock") else "" for name in dataset.track_artists)
    found = _found(replace(dataset, track_artists=unknown))
    assert found.sentence.startswith("6 of 6 artists (60 tracks name none) are in more than one")
    assert found.counts["test_tracks_of_train_artists"] == 6
    assert found.counts["artists_measured"] == 66


def _renamed(dataset: Dataset, name: Any) -> Dataset:
    return replace(dataset, track_artists=tuple(map(name, dataset.track_artists)))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (lambda artist: artist.split()[0], "fewer than two genres have two artists."),
        (lambda artist: "X", "fewer than two genres have two artists."),
        (lambda artist: " ".join((artist.split()[0], str(int(artist[-1]) % 2))), None),
    ],
)
def test_few_artists(name: Any, words: str | None) -> None:
    found = _found(_renamed(_dataset(likeness=1.0), name))
    assert found.severity == "warning"
    if words is None:
        assert found.counts["artists_measured"] == 6
        return
    assert f"cannot be measured: {words}" in found.sentence
    assert "gap" not in found.counts


def test_too_few_artists_for_an_interval() -> None:
    dataset = _dataset(likeness=1.0)
    two = tuple(
        artist if artist in ("jazz artist 0", "rock artist 1") else ""
        for artist in dataset.track_artists
    )
    found = _found(replace(dataset, track_artists=two))
    assert "cannot be measured: only 2 artists have two tracks." in found.sentence


def test_unknown_artists() -> None:
    dataset = replace(_dataset(likeness=1.0), track_artists=())
    assert _found(dataset).severity == "unknown"
    assert _found(dataset).advice == ""
    built = replace(dataset, provenance={"kind": "audio_folder"})
    assert "--group artist" in _found(built).advice
    assert artists_apart(stack(replace(dataset, provenance={"kind": "demo"})), lambda: None) is None
    assert artists_apart(stack(replace(dataset, track_names=())), lambda: None) is None


def test_many_rows_are_thinned_and_no_artist_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artists, "_MOST_ROWS", 200)
    found = _found(_dataset(likeness=1.5))
    assert found.counts["artists_measured"] == 18
    assert found.counts["rows"] == 180
    assert "on 180 of 540 rows" in found.sentence


def test_an_audit_has_it_and_fits_no_more_than_it_announces() -> None:
    dataset, fitted = _dataset(likeness=1.5), []
    found = audit(dataset, lambda: fitted.append(1))
    assert not found.leaks
    finding = found.finding("artists")
    assert finding is not None
    assert finding.severity == "warning"
    assert len(fitted) <= most_fits(dataset) == 40
    assert most_fits(replace(dataset, track_artists=())) == 20


def test_artists_apart_and_tracks_without_one_are_unknown() -> None:
    dataset = _dataset(likeness=1.0, apart=True)
    first = ("", *dataset.track_artists[1:])
    found = _found(replace(dataset, track_artists=first))
    assert found.severity == "unknown"
    assert found.sentence == "None of 18 artists is in two splits (1 track names none)."
