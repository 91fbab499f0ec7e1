"""A run's state as a table."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.text import Text

from data.terminal.console import table
from data.terminal.text import duration
from experiments.runs.progress import RunProgress
from experiments.runs.state import Snapshot

_SHOWN = 20  # trials in training, on a screen


def snapshot_view(seen: Snapshot) -> Group:
    """A snapshot as text."""
    progress, counts, alive = seen.progress, seen.counts, seen.state.is_alive
    headline = f"{seen.run.name}: {seen.state.state}"
    if seen.holder is not None and alive:
        headline += f" ({seen.holder})"
    parts = [f"{counts['finished']} of {counts['trials']} trials finished"]
    parts += [f"{counts[name]} {name}" for name in ("diverged", "failed") if counts[name]]
    parts.append(f"{100 * seen.share:.0f} % of the work done")
    if alive and progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    lines: list[RenderableType] = [
        Text(headline, style="bold"),
        Text(f"dataset {seen.manifest.dataset.name}, {', '.join(parts)}"),
    ]
    if seen.state.reason:
        lines.append(Text(f"Reason: {seen.state.reason}"))
    if alive and progress.paused:
        lines.append(Text(f"Paused: {progress.paused}", style="bold"))
    if alive and progress.training:
        worker = progress.last_worker
        rates = f"{worker.rows_per_second:.0f} train rows a second, {worker.memory / 1e6:.0f} MB"
        lines += [Text(), _training(progress), Text(f"{rates} in a worker", style="dim")]
    if progress.notes:
        lines += [Text(), *(Text(note, style="dim") for note in progress.notes)]
    return Group(*lines)


def _training(progress: RunProgress) -> RenderableType:
    rows = [
        [
            trial.variant,
            *(() if trial.fold is None else (str(trial.fold),)),
            str(trial.seed),
            f"{trial.epoch}/{trial.epochs}",
            _figure(trial.logs, "loss"),
            _figure(trial.logs, "val_loss"),
            _figure(trial.logs, "val_macro_f1", 100, 1),
        ]
        for trial in progress.training[:_SHOWN]
    ]
    fold = ["fold"] if any(trial.fold is not None for trial in progress.training) else []
    columns = ["in training", *fold, "seed", "epoch", "loss", "validation loss", "macro-F1 %"]
    shown = table(columns, rows)
    more = len(progress.training) - _SHOWN
    return Group(shown, Text(f"and {more} more", style="dim")) if more > 0 else shown


def _figure(logs: Mapping[str, float], name: str, factor: float = 1, digits: int = 3) -> str:
    return f"{logs[name] * factor:.{digits}f}" if name in logs else ""
