"""How far can a dataset's splits be trusted?

`audit` compares rows (`matches`, `neighbours`), makes findings of what it sees (`copies`,
`order`, `balance`) and measures what a split by chance would add (`gap`).
"""

from __future__ import annotations

from collections.abc import Callable

from data.audit.balance import balance, class_sizes, clipping, silence, track_counts
from data.audit.copies import copied_tracks, equal_rows, label_conflicts, near_rows, tracks_apart
from data.audit.findings import Audit, Finding, Severity
from data.audit.gap import FITS, random_split_gap
from data.audit.matches import find_matches
from data.audit.neighbours import contiguity
from data.audit.order import cut_tracks, followers, shared_tracks
from data.audit.rows import stack
from data.datasets.dataset import Dataset

__all__ = ["FITS", "Audit", "Finding", "Severity", "audit"]


def audit(dataset: Dataset, fitted: Callable[[], None] = lambda: None) -> Audit:
    """Look for leaks between a dataset's splits, and for what else spoils figures on it.

    Takes seconds for some thousands of rows, most of them for the classifiers that measure
    what a split by chance adds; comparing rows takes time in the square of their number.

    Args:
        dataset: whose tracks may also be in two splits (see `data.audit.reading`).
        fitted: called after each classifier, at most `FITS` times.
    """
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
        random_split_gap(rows, reach, fitted),
        balance(classes),
        track_counts(classes),
        silence(rows),
        clipping(),
    )
    return Audit(
        dataset.name,
        dataset.content_sha256,
        classes,
        tuple(finding for finding in findings if finding is not None),
    )
