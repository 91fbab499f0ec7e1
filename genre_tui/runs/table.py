"""The columns and orders of the table of all runs, and what is said of one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from data.terminal.text import clean
from experiments.export.csv_files import csv_text
from genre_tui.core.theme import MARKS, STATE_GLYPH, STATE_STYLE
from genre_tui.plots.curve import Curve
from genre_tui.runs.ages import age_of, age_words, now
from genre_tui.runs.sparkline import sparkline
from genre_tui.watch.run_summary import RunSummary
from genre_tui.widgets.columns import Column

_CURVE = 10  # columns of a sparkline
_URGENCY = {
    state: number
    for number, state in enumerate(
        ("running", "stopping", "crashed", "failed", "damaged", "stopped", "finished")
    )
}


def state_text(state: str) -> Text:
    """A state's glyph and word."""
    return Text(f"{STATE_GLYPH.get(state, '?')} {state}", STATE_STYLE.get(state, ""))


def share_text(run: RunSummary) -> str:
    """How much of the work is done, where that is not all."""
    return "" if run.state in ("finished", "damaged") else f"{100 * run.share:.0f}%"


def columns() -> list[Column[RunSummary]]:
    """Those of the table, from left to right."""
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
class Order:
    """An order of the table.

    Args:
        column: by which.
        key: that is compared.
        is_falling: whether the largest comes first, unless it is turned round.
    """

    column: str
    key: Callable[[RunSummary], object]
    is_falling: bool = False


ORDERS: tuple[Order, ...] = (
    Order("age", lambda run: run.created, True),
    Order("state", lambda run: _URGENCY[run.state]),
    Order("best", lambda run: -1.0 if run.best is None else run.best, True),
    Order("study", lambda run: run.study),
    Order("dataset", lambda run: run.dataset),
    Order("done", lambda run: run.share, True),
    Order("protocol", lambda run: run.protocol),
    Order("host", lambda run: run.host),
)
CYCLE = 6  # so many of them are reached with the key


def ordered(runs: Sequence[RunSummary], order: Order, *, turned: bool = False) -> list[RunSummary]:
    """Runs in an order; of equals the newest comes first."""
    newest = sorted(runs, key=lambda run: run.created, reverse=True)
    return sorted(newest, key=order.key, reverse=order.is_falling != turned)  # type: ignore[arg-type]


def titles(order: Order, *, turned: bool) -> dict[str, str]:
    """The columns' titles: that of the order has an arrow."""
    arrow = "▼" if order.is_falling != turned else "▲"
    return {
        column.key: f"{column.title}{arrow}" if column.key == order.column else column.title
        for column in columns()
    }


def about(run: RunSummary) -> Text:
    """What a run is, in two lines."""
    parts = [f"{run.protocol} on {run.dataset}"] if run.dataset else []
    parts += [f"carried out on {run.host}"] if run.host else []
    said = ": ".join(part for part in (", ".join(parts), run.reason) if part)
    return Text().append(clean(run.run.name), "bold").append(f"\n{said}")


def details(run: RunSummary) -> Text:
    """What a run is, beside the table."""
    text = Text().append(clean(run.run.name), "bold").append("\n\n")
    text.append_text(state_text(run.state)).append(f" {share_text(run)}\n")
    text.append(f"{run.reason}\n" if run.reason else "").append("\n")
    rows = [("protocol", run.protocol), ("dataset", run.dataset), ("host", run.host)]
    rows += [("created", _created(run.created))]
    if run.state != "damaged":
        rows.append(("trials", f"{run.done} of {run.trials} have ended"))
    if run.best is not None:
        rows.append(("best", f"{_best(run)} % validation macro-F1"))
    for name, value in rows:
        if value:
            text.append(f"{name:<9}", "dim").append(f"{value}\n")
    return text.append("folder\n", "dim").append(clean(str(run.run.path)))


def curve_of(run: RunSummary) -> Curve:
    """The curve of its best trial, in per cent."""
    epochs = [1 + run.step * place for place in range(len(run.curve))]
    return Curve("", 0, MARKS[0], epochs, [100 * value for value in run.curve])


def _created(created: str) -> str:
    try:
        return f"{datetime.strptime(created, '%Y%m%dT%H%M%SZ'):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return created


def runs_csv(runs: Sequence[RunSummary]) -> str:
    """The table as a file, figures in full."""
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
