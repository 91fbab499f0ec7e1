"""Looks for leaks between a dataset's splits, and for other faults.

`row_table` stacks all splits; `copies`, `row_order` and `balance` compare rows and make
findings; `random_split` measures how much a random split would add to a classifier's accuracy,
`artists` how much artists do that are in two splits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from data.auditing.artists import artists_apart
from data.auditing.balance import balance, class_sizes, clipping, silence, track_counts
from data.auditing.copies import (
    copied_tracks,
    equal_rows,
    find_matches,
    label_conflicts,
    near_rows,
    tracks_apart,
)
from data.auditing.findings import Audit, Finding, Severity
from data.auditing.random_split import FITS, random_split_gap
from data.auditing.row_order import contiguity, cut_tracks, followers, shared_tracks
from data.auditing.row_table import stack
from data.datasets.dataset import Dataset
from data.errors import DataError
from data.sources.open import dataset_path, load_dataset
from data.storage import hdf5

__all__ = ["Audit", "Finding", "Severity", "audit", "load_for_audit", "most_fits"]


def audit(dataset: Dataset | str | Path | None, on_fit: Callable[[], None] = lambda: None) -> Audit:
    """Look for leaks between a dataset's splits, and for what else spoils figures on it.

    Takes seconds for some thousands of rows, most of them for the classifiers that measure
    what a random split adds, and about a minute for 240,000. What is measured on some of the
    rows only, in more than 20,000, says so.

    Args:
        dataset: a dataset, or what `load_dataset` takes. A named one may have tracks in
            two splits, which `load_dataset` refuses.
        on_fit: called after each classifier, at most `most_fits` times.

    Returns:
        The findings: `.leaks` is True where there is a leak, `.findings` has all.

    Raises:
        DataError: there is no such dataset, or it is damaged.

    Example:
        >>> from data import audit
        >>> found = audit("demo")
        >>> found.leaks
        False
        >>> found.finding("tracks").sentence
        'No track is in two splits.'
    """
    if not isinstance(dataset, Dataset):
        dataset = load_for_audit(dataset)
    rows = stack(dataset)
    matches = find_matches(rows)
    likeness = contiguity(rows)
    reach = likeness.reach if likeness is not None and likeness.found else None
    classes = class_sizes(dataset, tracks_known=rows.tracks_known)
    measured: tuple[Finding, ...] = ()
    if not rows.tracks_known and reach is not None:
        measured = (shared_tracks(rows, reach), cut_tracks(rows, reach))
    findings = (
        tracks_apart(rows),
        copied_tracks(rows, matches),
        equal_rows(rows, matches),
        near_rows(rows, matches),
        label_conflicts(rows, matches),
        followers(rows, likeness),
        *measured,
        random_split_gap(rows, reach, on_fit),
        artists_apart(rows, on_fit),
        balance(classes),
        track_counts(classes),
        silence(rows),
        clipping(),
    )
    if dataset.parameters is None:
        findings = tuple(None if found is None else _of_imported(found) for found in findings)
    return Audit(
        dataset.name,
        dataset.content_sha256,
        classes,
        tuple(finding for finding in findings if finding is not None),
    )


def _of_imported(finding: Finding) -> Finding:
    """What a finding says of features that may be anything."""
    if finding.kind in ("silence", "clipping"):
        what = {"silence": "silent", "clipping": "clipped"}[finding.kind]
        sentence = f"Imported features do not tell whether a segment is {what}."
        return Finding(finding.kind, "unknown", sentence, "Look into the recordings themselves.")
    if finding.kind not in ("copied-tracks", "near-duplicates"):
        return finding
    severity: Severity = "warning" if finding.examples else "unknown"
    sentence = (
        f"{finding.sentence} What distance makes a copy was measured on MFCC statistics, not on "
        "imported features."
    )
    return replace(finding, severity=severity, sentence=sentence)


def most_fits(dataset: Dataset) -> int:
    """How many classifiers an audit fits at most."""
    return FITS * (1 + bool(dataset.track_artists))


class UncheckedDataset(Dataset):
    """A dataset that may have a track in several splits, for an audit to name."""

    def _check_tracks_apart(self) -> None:
        pass


def load_for_audit(name: str | Path | None) -> Dataset:
    """Load a dataset as `load_dataset` does, or one with a track in two splits."""
    try:
        return load_dataset(name)
    except DataError:
        path = dataset_path(name)
        if not path.is_file():
            raise
        return hdf5.load(path, dataset_type=UncheckedDataset)
