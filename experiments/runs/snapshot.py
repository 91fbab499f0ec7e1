"""How a run is at one moment, for programs and for any terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from data.terminal.console import table
from data.terminal.text import clean, duration
from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import EventReader
from experiments.runs.live_state import RunView
from experiments.runs.lock import owner_of
from experiments.runs.process_id import Owner
from experiments.runs.state import RunState, state_of

_SHOWN = 20  # trials in training, on a screen


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment.

    Args:
        run: its directory.
        facts: what run.json says.
        state: what it is in, with its trials' results.
        owner: who carries it out, or died while doing so.
        view: what its events say.
        damaged: lines of events that were not believed.
    """

    run: RunDirectory
    facts: Mapping[str, Any]
    state: RunState
    owner: Owner | None
    view: RunView
    damaged: int

    @property
    def counts(self) -> dict[str, int]:
        """Trials by what they are; waiting and training are those without a result."""
        done = {name: self.state.count(name) for name in ("finished", "diverged", "failed")}
        left = len(self.state.results) - sum(done.values())
        training = len(self.view.training) if self.state.is_alive else 0
        training = min(training, left)
        return {"trials": len(self.state.results), **done} | {
            "training": training,
            "waiting": left - training,
        }

    @property
    def share(self) -> float:
        """Of the work that is done, between 0 and 1."""
        return 1.0 if self.state.state == "finished" else self.view.share

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, apart from numbers that are not finite."""
        view, alive = self.view, self.state.is_alive
        return {
            "run": self.run.name,
            "path": str(self.run.path),
            "study": str(self.facts.get("study")),
            "protocol": str(self.facts.get("protocol")),
            "dataset": str(self.facts["dataset"]["name"]),
            "state": self.state.state,
            "reason": self.state.reason,
            "owner": None if self.owner is None else asdict(self.owner),
            **self.counts,
            "share": self.share,
            "seconds_left": view.seconds_left if alive else None,
            "paused": view.paused if alive else "",
            "workers": view.workers,
            "worker_deaths": view.deaths,
            "rows_per_second": view.rows_per_second,
            "memory": view.memory,
            "time": view.time,
            "epoch_events": view.epoch_events,
            "damaged_events": self.damaged + view.foreign,
            "notes": list(view.notes),
            "in_training": [trial.to_dict() for trial in view.training] if alive else [],
        }


def snapshot(run: RunDirectory) -> Snapshot:
    """How a run is now.

    Raises:
        RunError: its run.json is missing or damaged.
    """
    facts = run.read_run()
    reader, view = EventReader(run), RunView()
    state = state_of(run, facts)
    _, events = reader.read()
    for event in events:
        view.take(event)
    return Snapshot(run, facts, state, owner_of(run), view, reader.damaged)


def snapshot_view(seen: Snapshot) -> Group:
    """A snapshot as text."""
    view, counts, alive = seen.view, seen.counts, seen.state.is_alive
    headline = f"{seen.run.name}: {seen.state.state}"
    if seen.owner is not None and alive:
        headline += f" ({seen.owner})"
    parts = [f"{counts['finished']} of {counts['trials']} trials finished"]
    parts += [f"{counts[name]} {name}" for name in ("diverged", "failed") if counts[name]]
    parts.append(f"{100 * seen.share:.0f} % of the work done")
    if alive and view.seconds_left is not None:
        parts.append(f"{duration(view.seconds_left)} left")
    lines: list[RenderableType] = [
        Text(clean(headline), style="bold"),
        Text(clean(f"dataset {seen.facts['dataset']['name']}, {', '.join(parts)}")),
    ]
    if seen.state.reason:
        lines.append(Text(clean(f"Reason: {seen.state.reason}")))
    if alive and view.paused:
        lines.append(Text(clean(f"Paused: {view.paused}"), style="bold"))
    if alive and view.training:
        rates = f"{view.rows_per_second:.0f} train rows a second, {view.memory / 1e6:.0f} MB"
        lines += [Text(), _training(view), Text(f"{rates} in a worker", style="dim")]
    if view.notes:
        lines += [Text(), *(Text(clean(note), style="dim") for note in view.notes)]
    return Group(*lines)


def _training(view: RunView) -> RenderableType:
    rows = [
        [
            trial.variant,
            str(trial.seed),
            f"{trial.epoch}/{trial.epochs}",
            _figure(trial.logs, "loss"),
            _figure(trial.logs, "val_loss"),
            _figure(trial.logs, "val_macro_f1", 100, 1),
        ]
        for trial in view.training[:_SHOWN]
    ]
    columns = ["in training", "seed", "epoch", "loss", "validation loss", "macro-F1 %"]
    shown = table(columns, rows)
    more = len(view.training) - _SHOWN
    return Group(shown, Text(f"and {more} more", style="dim")) if more > 0 else shown


def _figure(logs: Mapping[str, float], name: str, factor: float = 1, digits: int = 3) -> str:
    return f"{logs[name] * factor:.{digits}f}" if name in logs else ""
