"""Findings about rows that follow each other, inside splits and across their boundaries."""

from __future__ import annotations

from data.audit.findings import Finding, number
from data.audit.neighbours import Contiguity, boundaries, shared_share
from data.audit.rows import Rows
from data.datasets.dataset import SPLITS

# Measured without their tracks: 24 splits by whole tracks gave -0.13 to 0.28 in the demo music
# and -0.10 to 0.60 in gtzan_excerpt (some 9 tracks in validation); by rows, 0.67 to 1.32.
_SHARED_AT_LEAST = 0.65


def followers(rows: Rows, found: Contiguity | None) -> Finding:
    """Whether rows that follow each other are alike, so that chance must not part them."""
    kind = "contiguous-neighbours"
    if found is None or not found.found:
        if rows.tracks_known:
            return Finding(
                kind, "fine", "Rows that follow each other are no more alike than others."
            )
        return Finding(
            kind,
            "unknown",
            "Rows that follow each other are no more alike than others: their order does not tell "
            "which belong to one track.",
            "Find out where the rows come from before you believe a test figure.",
            {} if found is None else {"ratio": found.ratio, "p": found.p},
        )
    counts = {"ratio": found.ratio, "p": found.p, "reach_rows": found.reach}
    alike = (
        f"Rows that follow each other in a genre are {1 - found.ratio:.0%} nearer than rows of the "
        f"genre at random (p = {found.p:.3f}), for about {found.reach} rows"
    )
    if rows.tracks_known:
        return Finding(kind, "fine", f"{alike}: tracks, which are known.", counts=counts)
    return Finding(
        kind,
        "warning",
        f"{alike}: they are of one track, and a split of these rows by chance would leak.",
        "Never split these rows by chance, in cross-validation either: use long blocks of them.",
        counts,
    )


def shared_tracks(rows: Rows, reach: int) -> Finding:
    """Whether validation or test rows have nearest train rows as near as those of their track."""
    kind = "split-neighbours"
    shares = {
        SPLITS[split]: share
        for split in (1, 2)
        if (share := shared_share(rows, split, reach)) is not None
    }
    if not shares:
        return Finding(
            kind, "unknown", "There are too few rows to tell whether splits share tracks."
        )
    counts = {f"shared_{split}": share for split, share in shares.items()}
    shown = ", ".join(f"{split} {share:.2f}" for split, share in shares.items())
    scale = "0: as far from train as other tracks are, 1: as near as rows of one track"
    if max(shares.values()) >= _SHARED_AT_LEAST:
        return Finding(
            kind,
            "leak",
            f"Rows have their nearest train rows where rows of their own track would be ({shown}; "
            f"{scale}).",
            "Split again by whole tracks, or by long blocks of rows that follow each other.",
            counts,
        )
    return Finding(
        kind,
        "fine",
        f"The nearest train rows are about as far as those of other tracks ({shown}; {scale}).",
        counts=counts,
    )


def cut_tracks(rows: Rows, reach: int) -> Finding:
    """Whether the end of a split goes on in the beginning of another."""
    kind = "split-boundaries"
    found = boundaries(rows, reach)
    genres = rows.dataset.genres
    if not found:
        return Finding(
            kind,
            "fine",
            "No split is seen to go on where another ends; of tracks that are cut there, only some "
            "show.",
            counts={"boundaries": 0},
        )
    return Finding(
        kind,
        "leak",
        f"Rows of one track end one split and begin another, by their likeness, in "
        f"{number(len(found), 'place')}: the track is cut in two.",
        "Leave out the rows of that track on one side.",
        {"boundaries": len(found)},
        tuple(
            f"{genres[place.label]}: the end of {SPLITS[place.end_of]} goes on at the beginning of "
            f"{SPLITS[place.beginning_of]} (p = {place.p:.1g})"
            for place in found
        ),
    )
