"""The table of a run's trials: rows, columns, sort orders; trials and curves as CSV and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, NamedTuple

from experiments.export.csv_files import csv_text
from experiments.runs import checksums
from genre_tui.core.theme import state_text
from genre_tui.model.run_model import METRICS, RunModel
from genre_tui.widgets.columns import Column

_EPOCH = 7  # columns
_URGENCY = ("training", "failed", "diverged", "waiting", "finished")


class TrialEntry(NamedTuple):
    """A row of the table: a trial as it was when the row was made.

    Args:
        epoch, epochs: last finished epoch, and the most it trains for.
        best: epoch and value of the highest validation macro-F1 so far, or None.
        test: macro-F1 on the test rows; None where it was not tested.
        place: index in the plan.
    """

    id: str
    variant: str
    seed: int
    rate: float
    status: str
    epoch: int
    epochs: int
    best: tuple[int, float] | None
    test: float | None
    place: int
    fold: int | None = None


def rows(model: RunModel, order: int) -> list[TrialEntry]:
    """A row for each trial, in a sort order; equal ones in the order of the plan."""
    entries = [
        TrialEntry(
            trial.id,
            trial.variant,
            trial.seed,
            trial.learning_rate,
            trial.status,
            trial.length,
            trial.epochs,
            trial.best,
            None if trial.test is None else trial.test.macro_f1,
            place,
            trial.fold,
        )
        for place, trial in enumerate(model.trials.values())
    ]
    return sorted(entries, key=ORDERS[order][1])


def columns() -> list[Column[TrialEntry]]:
    """Columns from left to right."""
    return [
        Column("state", "state", 10, lambda row: state_text(row.status)),
        Column("variant", "variant", 10, lambda row: row.variant, grows=1, keeps_end=True),
        Column("seed", "seed", 5, _fold_and_seed, is_number=True),
        Column("rate", "rate", 8, lambda row: f"{row.rate:g}", is_number=True, rank=2),
        Column("epoch", "epoch", _EPOCH, _epochs, is_number=True),
        Column("best", "F1 %", 5, lambda row: _percent(row.best and row.best[1]), is_number=True),
        Column("at", "at", 4, lambda row: str(row.best[0]) if row.best else "", True, rank=3),
        Column("test", "test", 5, lambda row: _percent(row.test), is_number=True),
    ]


ORDERS: tuple[tuple[str, Callable[[TrialEntry], Any]], ...] = (
    ("place", lambda row: row.place),
    ("best", lambda row: -row.best[1] if row.best else 1.0),
    ("state", lambda row: _URGENCY.index(row.status)),
    ("variant", lambda row: row.variant),
    ("seed", lambda row: (row.seed, row.fold or 0)),
    ("rate", lambda row: row.rate),
    ("epoch", lambda row: -row.epoch),
    ("test", lambda row: -row.test if row.test is not None else 1.0),
)
CYCLE = 3  # number of orders that the sort key cycles through


def titles(order: int, *, has_folds: bool = False) -> dict[str, str]:
    """Column titles; that of the sort order has an arrow."""
    by, found = ORDERS[order][0], {one.key: one.title for one in columns()}
    found |= {"seed": "f/s"} if has_folds else {}
    return {key: f"{title}{'▼' if key == by else ''}" for key, title in found.items()}


def line_of(row: TrialEntry) -> str:
    """A trial in one line, for the clipboard."""
    parts = [row.id, row.variant, *([] if row.fold is None else [f"fold {row.fold}"])]
    parts += [f"seed {row.seed}", f"learning rate {row.rate:g}", row.status]
    parts.append(f"epoch {row.epoch}/{row.epochs}")
    if row.best:
        parts.append(f"best validation macro-F1 {_percent(row.best[1])} % at epoch {row.best[0]}")
    if row.test is not None:
        parts.append(f"test macro-F1 {_percent(row.test)} %")
    return ", ".join(parts)


def files(model: RunModel) -> dict[str, str]:
    """Trials and curves by the names of files, which say where not all epochs are there."""
    step = max((trial.history.step for trial in model.trials.values()), default=1)
    part = f"-1-epoch-in-{step}" if step > 1 else ""
    return {
        "trials.csv": trials_csv(model),
        f"curves{part}.csv": curves_csv(model),
        f"trials{part}.json": trials_json(model),
    }


def trials_csv(model: RunModel) -> str:
    """A line for each trial, in full precision."""
    names = [*_keys(model), "status", "epoch", "epochs"]
    names += ["best_epoch", "best_val_macro_f1", "test_accuracy", "test_macro_f1", "reason"]
    return csv_text(
        names,
        (
            [
                *(getattr(trial, name) for name in _keys(model).values()),
                *(trial.status, trial.length, trial.epochs, *(trial.best or (None, None))),
                *((trial.test.accuracy, trial.test.macro_f1) if trial.test else ("", "")),
                trial.reason,
            ]
            for trial in model.trials.values()
        ),
    )


def curves_csv(model: RunModel) -> str:
    """A line for each kept epoch and metric; values that are not finite are empty."""

    def lines() -> Iterator[list[object]]:
        for trial in model.trials.values():
            about = [getattr(trial, name) for name in _keys(model).values()]
            history = trial.history
            metrics = [name for name in METRICS if name in history.metrics]
            for epoch in history.epochs:
                seconds = round(history.at(epoch, "seconds"), 4)
                for metric in metrics:
                    value = history.at(epoch, metric)
                    finite = value if math.isfinite(value) else None
                    yield [*about, epoch, seconds, metric, finite]

    return csv_text([*_keys(model), "epoch", "seconds", "metric", "value"], lines())


def trials_json(model: RunModel) -> str:
    """All trials with their curves; numbers that are not finite are text.

    A curve without all epochs has their numbers as `history_epochs`.
    """
    trials = [
        {
            **{key: getattr(trial, name) for key, name in _keys(model).items()},
            "status": trial.status,
            "reason": trial.reason,
            "epochs": trial.epochs,
            "history": {name: trial.history.values(name) for name in trial.history.metrics},
            "seconds": trial.history.times(),
            "test": trial.test and asdict(trial.test),
        }
        | ({"history_epochs": trial.history.epochs} if trial.history.step > 1 else {})
        for trial in model.trials.values()
    ]
    about = {"run": model.run.name, "study": model.study, "protocol": model.protocol}
    about |= {"dataset": model.dataset, "state": model.state or ""}
    return json.dumps(checksums.stringify_nonfinite({**about, "trials": trials}), indent=1) + "\n"


def _keys(model: RunModel) -> dict[str, str]:
    """What names a trial in files, and the attributes that hold it."""
    fold = {} if model.manifest.folds == (None,) else {"fold": "fold"}
    names = {"trial": "id", "variant": "variant", **fold, "seed": "seed"}
    return names | {"learning_rate": "learning_rate"}


def _fold_and_seed(row: TrialEntry) -> str:
    return str(row.seed) if row.fold is None else f"{row.fold}/{row.seed}"


def _epochs(row: TrialEntry) -> str:
    """Such as 3/20; of many epochs 263/20k, or the first number only."""
    many = f"{row.epochs / 1000:.3g}k"
    texts = (f"{row.epoch}/{row.epochs}", f"{row.epoch}/{many}", f"{row.epoch}")
    return next((one for one in texts if len(one) <= _EPOCH), texts[-1])


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
