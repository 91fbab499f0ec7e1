"""How old a run is; clocks may be wrong, and may jump."""

from __future__ import annotations

from datetime import UTC, datetime

from genre_tui.watch.run_summary import RunSummary

_UNITS = ((86400 * 7 * 9, 86400 * 7, "w"), (86400 * 2, 86400, "d"), (3600 * 2, 3600, "h"))


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def created_at(run: RunSummary) -> datetime | None:
    """When a run was created; None where its name does not tell."""
    try:
        return datetime.strptime(run.created, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def age_of(run: RunSummary, at: datetime) -> float | None:
    """Seconds since a run was created; 0 where the clock was set back since."""
    created = created_at(run)
    return None if created is None else max(0.0, (at - created).total_seconds())


def age_words(seconds: float | None) -> str:
    """An age in its largest unit, such as "3 min"; "" for None."""
    if seconds is None:
        return ""
    for least, unit, name in _UNITS:
        if seconds >= least:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds // 60:.0f} min" if seconds >= 60 else "<1 min"
