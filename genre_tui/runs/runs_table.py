"""The table of runs: columns with sparklines and ages, sort orders, details of a run, CSV."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.text import Text

from experiments.export.csv_files import csv_text
from genre_tui.core.theme import MARKS, state_text
from genre_tui.plots.curve import Curve
from genre_tui.watch.run_summary import RunSummary
from genre_tui.widgets.columns import Column

_BLOCKS = "▁▂▃▄▅▆▇█"
_CURVE = 10  # columns of a sparkline
_URGENCY = ("running", "stopping", "crashed", "failed", "damaged", "stopped", "finished")
_UNITS = ((86400 * 7 * 9, 86400 * 7, "w"), (86400 * 2, 86400, "d"), (3600 * 2, 3600, "h"))


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def created_at(run: RunSummary) -> datetime | None:
    """When a run was created; None where its name has no time."""
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


def sparkline(values: Sequence[float], width: int) -> str:
    """A curve in at most `width` block characters, scaled from its lowest to its highest value.

    NaN is a gap; of more values than characters each character shows the mean of several.
    """
    if width < 1:
        return ""
    if len(values) > width:
        values = [
            _mean(values[number * len(values) // width : (number + 1) * len(values) // width])
            for number in range(width)
        ]
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    return "".join(
        _BLOCKS[round((value - low) / span * (len(_BLOCKS) - 1)) if span else 3]
        if math.isfinite(value)
        else " "
        for value in values
    )


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


def share_text(run: RunSummary) -> str:
    """The share of the work done, or "" where it is finished."""
    return "" if run.state in ("finished", "damaged") else f"{100 * run.share:.0f}%"


def columns() -> list[Column[RunSummary]]:
    """Columns from left to right."""
    return [
        Column("state", "state", 10, lambda run: state_text(run.state)),
        Column("study", "study", 18, lambda run: run.study, grows=2, keeps_end=True),
        Column("protocol", "protocol", 10, lambda run: run.protocol, rank=3),
        Column("dataset", "dataset", 8, lambda run: run.dataset, grows=1, rank=1),
        Column("done", "trials", 7, _done, is_number=True),
        Column("share", "", 4, share_text, is_number=True),
        Column("best", "F1 %", 5, _best, is_number=True),
        Column("curve", "by epoch", _CURVE, _sparkline, rank=2),
        Column("age", "age", 7, lambda run: age_words(age_of(run, now())), is_number=True),
        Column("host", "host", 12, lambda run: run.host, rank=4),
    ]


def _sparkline(run: RunSummary) -> Text:
    return Text(sparkline(run.curve, _CURVE), "dim")


def _done(run: RunSummary) -> str:
    return "" if run.state == "damaged" else f"{run.done}/{run.trials}"


def _best(run: RunSummary) -> str:
    return "" if run.best is None else f"{100 * run.best:.1f}"


@dataclass(frozen=True)
class SortOrder:
    """A sort order of the table, by a column; `is_falling`: the largest comes first."""

    column: str
    key: Callable[[RunSummary], object]
    is_falling: bool = False


ORDERS: tuple[SortOrder, ...] = (
    SortOrder("age", lambda run: run.created, True),
    SortOrder("state", lambda run: _URGENCY.index(run.state)),
    SortOrder("best", lambda run: -1.0 if run.best is None else run.best, True),
    SortOrder("study", lambda run: run.study),
    SortOrder("dataset", lambda run: run.dataset),
    SortOrder("done", lambda run: run.share, True),
    SortOrder("protocol", lambda run: run.protocol),
    SortOrder("host", lambda run: run.host),
)
CYCLE = 6  # number of orders that the sort key cycles through


def ordered(
    runs: Sequence[RunSummary], order: SortOrder, *, turned: bool = False
) -> list[RunSummary]:
    """Runs in a sort order; equal ones by age, the newest first."""
    newest = sorted(runs, key=lambda run: run.created, reverse=True)
    return sorted(newest, key=order.key, reverse=order.is_falling != turned)  # type: ignore[arg-type]


def titles(order: SortOrder, *, turned: bool) -> dict[str, str]:
    """Column titles; that of the sort order has an arrow."""
    arrow = "▼" if order.is_falling != turned else "▲"
    return {
        column.key: f"{column.title}{arrow}" if column.key == order.column else column.title
        for column in columns()
    }


def about(run: RunSummary) -> Text:
    """A run in two lines."""
    parts = [f"{run.protocol} on {run.dataset}"] if run.dataset else []
    parts += [f"trained on {run.host}"] if run.host else []
    line = ": ".join(part for part in (", ".join(parts), run.reason) if part)
    return Text().append(run.run.name, "bold").append(f"\n{line}")


def details(run: RunSummary) -> Text:
    """A run in full, beside the table."""
    text = Text().append(run.run.name, "bold").append("\n\n")
    text.append_text(state_text(run.state)).append(f" {share_text(run)}\n")
    text.append(f"{run.reason}\n" if run.reason else "").append("\n")
    created = created_at(run)
    when = f"{created:%Y-%m-%d %H:%M} UTC" if created else run.created
    rows = [("protocol", run.protocol), ("dataset", run.dataset), ("host", run.host)]
    rows.append(("created", when))
    if run.state != "damaged":
        rows.append(("trials", f"{run.done} of {run.trials} have ended"))
    if run.best is not None:
        rows.append(("best", f"{_best(run)} % validation macro-F1"))
    for name, value in rows:
        if value:
            text.append(f"{name:<9}", "dim").append(f"{value}\n")
    return text.append("folder\n", "dim").append(str(run.run.path))


def curve_of(run: RunSummary) -> Curve:
    """Validation macro-F1 of the best trial, in per cent."""
    epochs = [1 + run.step * place for place in range(len(run.curve))]
    return Curve("", 0, MARKS[0], epochs, [100 * value for value in run.curve])


def runs_csv(runs: Sequence[RunSummary]) -> str:
    """The table as CSV, with numbers in full precision."""
    names = ["run", "state", "study", "protocol", "dataset", "done", "trials", "share"]
    return csv_text(
        [*names, "best_val_macro_f1", "created", "host", "reason"],
        (
            [
                *(run.run.name, run.state, run.study, run.protocol, run.dataset),
                *(run.done, run.trials, run.share, run.best, run.created, run.host, run.reason),
            ]
            for run in runs
        ),
    )
