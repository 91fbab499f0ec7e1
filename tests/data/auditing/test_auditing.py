"""What an audit finds in small datasets with planted faults, and that it finds nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.audio.features import mfcc_statistics
from data.audio.parameters import DOCUMENTED
from data.auditing import Audit, audit, copies, neighbours, random_split, row_order
from data.auditing.copies import NEAR, find_matches
from data.auditing.neighbours import apart, comparisons, distances
from data.auditing.row_order import boundaries, contiguity
from data.auditing.row_table import SILENT_MFCC, stack
from data.datasets.dataset import SPLITS, Dataset, Split

GENRES = ("blues", "jazz", "rock")
SECONDS = 12  # of a track
TRACKS = {"train": 6, "validation": 3, "test": 3}  # of a genre


def _dataset(*, known: bool = True, likeness: float = 1.0, seed: int = 0) -> Dataset:
    """Tracks whose seconds scatter around a place of the track's own.

    Args:
        known: whether rows name their tracks.
        likeness: how far the tracks of a genre are from each other.
        seed: of the chance.
    """
    rng = np.random.default_rng(seed)
    splits = {}
    names: list[str] = []
    for split in SPLITS:
        rows = []
        for label, genre in enumerate(GENRES):
            for _ in range(TRACKS[split]):
                place = likeness * rng.standard_normal(26) + 0.7 * label
                rows.append((place + rng.standard_normal((SECONDS, 26)), label, len(names)))
                names.append(f"{genre}/{len(names):02d}")
        splits[split] = Split(
            mfcc=np.concatenate([mfcc for mfcc, _, _ in rows]),
            mel=None,
            label=np.repeat([label for _, label, _ in rows], SECONDS),
            track=np.repeat([track if known else -1 for _, _, track in rows], SECONDS),
            start=np.tile(np.arange(SECONDS, dtype=float), len(rows)) if known else None,
        )
    named = tuple(names) if known else ()
    return Dataset("small", GENRES, **splits, track_names=named, parameters=DOCUMENTED)


def _with(dataset: Dataset, split: str, row: int | slice, mfcc: np.ndarray) -> Dataset:
    """The dataset with other features in some rows."""
    rows = getattr(dataset, split)
    values = rows.mfcc.copy()
    values[row] = mfcc
    return replace(dataset, **{split: replace(rows, mfcc=values)})


def _only(rows: Split, kept: np.ndarray) -> Split:
    """Some rows of a split."""
    return Split(**{"mel": None} | {name: values[kept] for name, values in rows.arrays()})


def _by_kind(found: Audit) -> dict[str, str]:
    return {finding.kind: finding.severity for finding in found.findings}


@pytest.fixture(autouse=True)
def one_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_split, "SEEDS", 1)


def test_a_clean_dataset_gets_nothing_but_what_features_cannot_tell() -> None:
    found = audit(_dataset())
    assert not found.leaks
    assert {kind for kind, severity in _by_kind(found).items() if severity != "fine"} == {
        "artists",
        "clipping",
    }
    assert found.classes["jazz"]["train"].segments == 72
    assert found.classes["jazz"]["train"].tracks == 6
    assert found.classes["rock"]["test"].tracks == 3


def test_equal_rows_of_two_splits_leak() -> None:
    dataset = _dataset()
    found = audit(_with(dataset, "test", 5, dataset.train.mfcc[7]))
    assert found.leaks
    finding = found.finding("exact-duplicates")
    assert finding is not None
    assert finding.severity == "leak"
    assert finding.counts == {"rows_equal_across_splits": 2, "rows_repeated_inside_a_split": 0}
    assert finding.examples == ("train row 7 (blues/00) = test row 5 (blues/27)",)
    assert _by_kind(found)["near-duplicates"] == "fine"  # it was said already


def test_equal_rows_of_one_split_are_a_warning() -> None:
    dataset = _dataset()
    found = audit(_with(dataset, "train", slice(5, 7), dataset.train.mfcc[9]))
    finding = found.finding("exact-duplicates")
    assert finding is not None
    assert finding.severity == "warning"
    assert finding.counts == {"rows_equal_across_splits": 0, "rows_repeated_inside_a_split": 2}
    assert not found.leaks


def test_rows_with_equal_mfccs_and_other_mels_are_not_equal() -> None:
    dataset = _dataset()
    mels = {
        split: np.random.default_rng(len(rows)).uniform(-80, 0, (len(rows), 21, 128))
        for split, rows in dataset.splits()
    }
    dataset = replace(
        dataset,
        **{
            split: replace(rows, mel=mels[split].astype(np.float32))
            for split, rows in dataset.splits()
        },
    )
    found = audit(_with(dataset, "test", 5, dataset.train.mfcc[7]))
    assert _by_kind(found)["exact-duplicates"] == "fine"
    assert _by_kind(found)["near-duplicates"] == "warning"


def test_one_nearly_equal_row_is_a_warning_and_three_leak_where_tracks_are_unknown() -> None:
    noise = 0.02 * np.random.default_rng(1).standard_normal((3, 26))
    for known, rows, expected in ((True, 1, "warning"), (False, 1, "warning"), (False, 3, "leak")):
        dataset = _dataset(known=known)
        copy = dataset.train.mfcc[7 : 7 + rows] + noise[:rows]
        found = audit(_with(dataset, "test", slice(5, 5 + rows), copy))
        finding = found.finding("near-duplicates")
        assert finding is not None
        assert finding.severity == expected
        assert finding.counts == {"rows_near_another_split": 2 * rows, "distance": NEAR}
        assert found.leaks == (expected == "leak")


def test_a_copy_of_a_track_with_noise_leaks() -> None:
    dataset = _dataset()
    noise = 0.05 * np.random.default_rng(1).standard_normal((SECONDS, 26))
    found = audit(_with(dataset, "test", slice(12, 24), dataset.train.mfcc[24:36] + noise))
    finding = found.finding("copied-tracks")
    assert finding is not None
    assert finding.severity == "leak"
    assert finding.counts == {"pairs_across_splits": 1, "pairs": 1}
    assert finding.examples == ("blues/02 (train) ~ blues/28 (test): 100% of its seconds",)


def test_a_copy_is_found_among_tracks_of_nearly_equal_seconds() -> None:
    # Each second of a loop is like every other: nothing runs along anything.
    dataset = _dataset()
    rng = np.random.default_rng(1)
    loop = dataset.train.mfcc[24] + 0.05 * rng.standard_normal((2 * SECONDS, 26))
    dataset = _with(dataset, "train", slice(24, 36), loop[:SECONDS])
    found = audit(_with(dataset, "test", slice(12, 24), loop[SECONDS:]))
    finding = found.finding("copied-tracks")
    assert finding is not None
    assert finding.counts == {"pairs_across_splits": 1, "pairs": 1}


def test_a_copy_that_is_cut_elsewhere_is_found_by_its_order() -> None:
    dataset = _dataset()
    # Between two seconds: too far from both to be nearly equal, but nearer than others.
    original = dataset.train.mfcc[24:36]
    between = 0.6 * original[1:] + 0.4 * original[:-1]
    found = audit(_with(dataset, "test", slice(12, 23), between))
    assert _by_kind(found)["near-duplicates"] == "fine"
    finding = found.finding("copied-tracks")
    assert finding is not None
    assert finding.severity == "leak"
    assert "blues/28" in finding.examples[0]
    assert "blues/02" in finding.examples[0]


def test_copies_inside_a_split_are_a_warning() -> None:
    dataset = _dataset()
    noise = 0.05 * np.random.default_rng(1).standard_normal((SECONDS, 26))
    found = audit(_with(dataset, "train", slice(12, 24), dataset.train.mfcc[24:36] + noise))
    assert _by_kind(found)["copied-tracks"] == "warning"
    assert not found.leaks


def test_equal_rows_with_two_labels_conflict() -> None:
    dataset = _dataset()
    rock = int(np.flatnonzero(dataset.train.label == 2)[0])
    found = audit(_with(dataset, "train", 3, dataset.train.mfcc[rock]))
    finding = found.finding("label-conflicts")
    assert finding is not None
    assert finding.severity == "warning"
    assert finding.counts == {"rows": 2}
    assert finding.examples == (
        f"train row 3 (blues/00) is blues, train row {rock} (rock/12) is rock",
    )


def test_silent_rows_are_counted_and_match_nothing() -> None:
    dataset = _dataset()
    silence = mfcc_statistics(np.zeros((1, DOCUMENTED.segment_samples), dtype=np.int16))[0]
    assert silence[0] == pytest.approx(SILENT_MFCC, abs=1e-6)
    dataset = _with(dataset, "train", slice(0, 3), silence)
    found = audit(_with(dataset, "test", 0, silence))
    finding = found.finding("silence")
    assert finding is not None
    assert finding.counts == {"rows": 4}
    assert finding.examples[0] == "train row 0 (blues/00)"
    assert _by_kind(found)["exact-duplicates"] == "fine"
    assert not found.leaks


def test_a_mel_of_zeros_is_silence() -> None:
    dataset = _dataset()
    mels = {
        split: np.full((len(rows), 21, 128), -40, dtype=np.float32)
        for split, rows in dataset.splits()
    }
    mels["test"][4] = 0
    changed = {split: replace(rows, mel=mels[split]) for split, rows in dataset.splits()}
    assert np.flatnonzero(stack(replace(dataset, **changed)).silent).tolist() == [
        len(dataset.train) + len(dataset.validation) + 4
    ]


def test_rows_of_tracks_in_a_row_are_found_and_reach_a_track() -> None:
    found = contiguity(stack(_dataset(known=False, likeness=2.0)))
    assert found is not None
    assert found.found
    assert found.p == 1 / 200
    assert 8 <= found.reach <= 15


def test_rows_in_random_order_are_not() -> None:
    found = contiguity(stack(_dataset(known=False, likeness=0.0)))
    assert found is not None
    assert not found.found
    assert found.ratio == pytest.approx(1, abs=0.03)


def test_rows_that_name_their_tracks_may_be_in_any_order() -> None:
    dataset = _dataset(likeness=2.0)
    rng = np.random.default_rng(0)
    mixed = {split: _only(rows, rng.permutation(len(rows))) for split, rows in dataset.splits()}
    found, expected = contiguity(stack(replace(dataset, **mixed))), contiguity(stack(dataset))
    assert found is not None
    assert expected is not None
    assert found.ratio == pytest.approx(expected.ratio, abs=1e-9)
    assert found.reach == expected.reach


def test_no_boundary_is_seen_among_rows_that_are_all_alike() -> None:
    assert boundaries(stack(_dataset(known=False, likeness=0.0)), reach=3) == []


def test_splits_by_whole_tracks_without_their_names_do_not_leak() -> None:
    kinds = _by_kind(audit(_dataset(known=False, likeness=2.0)))
    assert kinds["tracks"] == "unknown"
    assert kinds["contiguous-neighbours"] == "warning"
    assert kinds["split-neighbours"] == "fine"
    assert kinds["split-boundaries"] == "fine"
    assert kinds["random-split-gap"] == "warning"
    assert "copied-tracks" not in kinds
    assert "leak" not in kinds.values()


def test_a_split_by_chance_of_rows_in_order_leaks() -> None:
    dataset = _dataset(known=False, likeness=2.0)
    mfcc = np.concatenate([rows.mfcc for _, rows in dataset.splits()])
    label = np.concatenate([rows.label for _, rows in dataset.splits()])
    order = np.argsort(label, kind="stable")
    chosen = np.random.default_rng(0).choice(3, len(order), p=[0.5, 0.25, 0.25])
    splits = {
        split: Split(
            mfcc[order][chosen == k],
            None,
            label[order][chosen == k],
            np.full(np.count_nonzero(chosen == k), -1),
        )
        for k, split in enumerate(SPLITS)
    }
    finding = audit(Dataset("chance", GENRES, **splits)).finding("split-neighbours")
    assert finding is not None
    assert finding.severity == "leak"
    assert finding.counts["shared_validation"] > 0.65


def test_a_track_that_is_cut_by_a_boundary_leaks() -> None:
    dataset = _dataset(known=False, likeness=4.0)
    # The last jazz track of train goes on where jazz begins in validation.
    jazz = [np.flatnonzero(rows.label == 1) for _, rows in dataset.splits()]
    place = dataset.train.mfcc[jazz[0][-SECONDS:]].mean(axis=0)
    goes_on = place + np.random.default_rng(1).standard_normal((6, 26))
    found = audit(_with(dataset, "validation", slice(jazz[1][0], jazz[1][0] + 6), goes_on))
    finding = found.finding("split-boundaries")
    assert finding is not None
    assert finding.severity == "leak"
    assert len(finding.examples) == 1
    assert finding.examples[0].startswith(
        "jazz: the end of train goes on at the beginning of validation"
    )


def test_without_tracks_and_order_nothing_is_claimed() -> None:
    dataset = _dataset(known=False, likeness=2.0)
    rng = np.random.default_rng(0)
    mixed = {}
    for split, rows in dataset.splits():
        order = rng.permutation(len(rows))
        mixed[split] = replace(rows, mfcc=rows.mfcc[order], label=rows.label[order])
    kinds = _by_kind(audit(replace(dataset, **mixed)))
    assert kinds["contiguous-neighbours"] == "unknown"
    assert kinds["random-split-gap"] == "unknown"
    assert "split-neighbours" not in kinds


def test_the_gap_is_that_of_rows_and_tracks() -> None:
    calls: list[int] = []
    found = audit(_dataset(likeness=2.0), lambda: calls.append(1))
    finding = found.finding("random-split-gap")
    assert finding is not None
    assert finding.severity == "fine"  # tracks are known and apart
    counts = finding.counts
    assert counts["gap"] == counts["accuracy_by_rows"] - counts["accuracy_by_groups"] > 0.1
    assert counts["groups"] == 36
    assert counts["fits_each"] == 5
    assert len(calls) == 10


def test_the_gap_of_many_rows_is_measured_on_whole_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_split, "_MOST_ROWS", 200)
    finding = audit(_dataset()).finding("random-split-gap")
    assert finding is not None
    assert finding.counts["rows"] == 16 * SECONDS
    assert finding.counts["groups"] == 16
    assert "on 192 of 432 rows" in finding.sentence


def test_few_tracks_of_a_genre_are_a_warning() -> None:
    dataset = _dataset()
    changed = {
        split: replace(rows, track=rows.label + 3 * k)
        for k, (split, rows) in enumerate(dataset.splits())
    }
    found = audit(replace(dataset, **changed))
    finding = found.finding("track-counts")
    assert finding is not None
    assert finding.severity == "warning"
    assert finding.examples[0] == "blues in train: 1 track"
    assert len(finding.examples) == 9
    assert len(finding.to_dict()["examples"]) == 5
    gap = found.finding("random-split-gap")
    assert gap is not None
    assert gap.counts["fits_each"] == 3  # folds, as many as tracks of each genre


def test_a_genre_of_one_track_leaves_the_gap_unknown() -> None:
    dataset = _dataset()
    track = np.where(dataset.train.label == 2, 12, dataset.train.track)
    changed = {"train": replace(dataset.train, track=track)} | {
        split: _only(rows, rows.label != 2) for split, rows in dataset.splits() if split != "train"
    }
    assert _by_kind(audit(replace(dataset, **changed)))["random-split-gap"] == "unknown"


def test_missing_and_unequal_classes() -> None:
    dataset = _dataset()
    test = _only(dataset.test, dataset.test.label != 2)
    finding = audit(replace(dataset, test=test)).finding("class-balance")
    assert finding is not None
    assert finding.severity == "warning"
    assert finding.examples == ("rock: no rows in test",)

    few = np.concatenate([np.flatnonzero(dataset.test.label != 2), [72]])
    finding = audit(replace(dataset, test=_only(dataset.test, few))).finding("class-balance")
    assert finding is not None
    assert finding.counts["largest_to_smallest_test"] == 36
    assert finding.severity == "warning"


def test_distances_are_root_mean_squares() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((700, 26)), rng.standard_normal((30, 26))
    found = np.concatenate([block for _, block in distances(a, b)])
    np.testing.assert_allclose(
        found, np.sqrt(((a[:, None] - b) ** 2).mean(axis=2)), rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(apart(a[:30], b), found[np.arange(30), np.arange(30)], atol=1e-9)


def test_matches_do_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = _dataset()
    rows = stack(_with(dataset, "test", 5, dataset.train.mfcc[7] + 0.01))
    whole = find_matches(rows)
    monkeypatch.setattr(neighbours, "_VALUES_AT_ONCE", 17 * len(rows))
    parts = find_matches(rows)
    assert whole.near_in_other_split.tolist() == parts.near_in_other_split.tolist()
    assert whole.copies == parts.copies
    assert np.count_nonzero(whole.near_in_other_split >= 0) == 2


def _with_copies() -> Dataset:
    """A row of two splits, a noisy copy of a track, and one that is cut elsewhere."""
    dataset = _dataset(likeness=3.0)
    noise = 0.03 * np.random.default_rng(1).standard_normal((SECONDS, 26))
    original = dataset.train.mfcc[24:36]
    dataset = _with(dataset, "test", 5, dataset.train.mfcc[7])
    dataset = _with(dataset, "validation", slice(12, 24), dataset.train.mfcc[12:24] + noise)
    return _with(dataset, "test", slice(12, 23), 0.6 * original[1:] + 0.4 * original[:-1])


def test_many_rows_are_compared_with_few_and_no_near_one_is_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = stack(_with_copies())
    exact = find_matches(rows)
    assert len(exact.copies) == 2
    for module in (neighbours, copies):
        monkeypatch.setattr(module, "EXACT_ROWS", 100)
    monkeypatch.setattr(neighbours, "_ROWS_A_CELL", SECONDS)
    pairs = np.zeros((len(rows), len(rows)), dtype=np.int64)
    for some, others in comparisons(rows.z, NEAR):
        pairs[np.ix_(some, others)] += 1
    assert pairs.max() == 1
    assert pairs.mean() < 0.2
    near = np.concatenate([block for _, block in distances(rows.z, rows.z)]) < NEAR
    assert pairs[near].all()
    found = find_matches(rows)
    assert found.equal == exact.equal
    assert found.near_in_other_split.tolist() == exact.near_in_other_split.tolist()
    assert found.near_with_other_label.tolist() == exact.near_with_other_label.tolist()
    assert found.copies == exact.copies


def test_what_is_measured_on_some_rows_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = _dataset(known=False, likeness=2.0)
    whole = contiguity(stack(dataset))
    monkeypatch.setattr(row_order, "EXACT_ROWS", 200)
    monkeypatch.setattr(row_order, "_PIECE", 2 * SECONDS)
    monkeypatch.setattr(row_order, "_MOST_COMPARED", 50)
    found = audit(dataset)
    sentences = {finding.kind: finding.sentence for finding in found.findings}
    assert "on 192 of 432 rows)" in sentences["contiguous-neighbours"]
    assert "on 150 of 432 rows;" in sentences["split-neighbours"]
    assert _by_kind(found)["split-neighbours"] == "fine"
    part = contiguity(stack(dataset))
    assert whole is not None
    assert part is not None
    assert whole.rows == 432
    assert part.ratio == pytest.approx(whole.ratio, abs=0.1)


def test_imported_features_are_not_called_what_they_may_not_be() -> None:
    """A column may hold what the first MFCC is in silence, and copies may lie further apart."""
    dataset = replace(_dataset(), parameters=None)
    silent = dataset.train.mfcc[:9].copy()
    silent[:, 0] = SILENT_MFCC
    dataset = _with(dataset, "train", slice(0, 9), silent)
    severities = {finding.kind: finding.severity for finding in audit(dataset).findings}
    for kind in ("copied-tracks", "near-duplicates", "silence", "clipping"):
        assert severities[kind] == "unknown"
    dataset = _with(dataset, "test", slice(0, 20), dataset.train.mfcc[20:40] + 1e-3)
    found = audit(dataset)
    finding = found.finding("near-duplicates")
    assert finding is not None
    assert finding.severity == "warning"
    assert "not on imported features" in finding.sentence
    assert not found.leaks
