"""A run's progress on standard error, from its events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data.terminal.progress import ProgressBar
from experiments.cli.result_tables import epoch_line, trial_line
from experiments.errors import MISSHAPEN
from experiments.runs.live_state import RunView


class RunProgress:
    """Shows events as they come: a bar on a terminal, plain lines elsewhere.

    Args:
        bar: of a total of 1.
    """

    def __init__(self, bar: ProgressBar) -> None:
        self._bar = bar
        self._share = 0.0

    def begin(self, view: RunView) -> None:
        """Show how far a run is that has begun before."""
        self._move(view, 0, "")

    def show(self, event: Mapping[str, Any], view: RunView) -> None:
        """Show an event that a view has taken in."""
        try:
            self._show(event, view)
        except MISSHAPEN:
            return  # foreign; the view has counted it

    def _show(self, event: Mapping[str, Any], view: RunView) -> None:
        match event["event"]:
            case "cohort_began":
                trials = [view.trials[name] for name in event["trials"]]
                names = ", ".join(dict.fromkeys(trial.variant for trial in trials))
                together = names if len(trials) == 1 else f"{len(trials)} in lockstep ({names})"
                epoch = int(event["epoch"]) + 1
                self._bar.note(f"{_so_far(view)}, {together}, epoch {epoch} begins")
            case "epoch":
                trial = view.trials[event["trial"]]
                about = f"{trial.variant} seed {trial.seed}, epoch {trial.epoch}/{trial.epochs}"
                self._move(view, 1, f"{_so_far(view)}, {about}, {epoch_line(trial.logs)}")
            case "trial":
                self._move(view, 0, "")
                self._bar.print(trial_line(event))
            case "note":
                self._bar.print(str(event["text"]))
            case "worker_died":
                self._bar.print(f"{event['reason']} (attempt {event['attempt']})")
            case "paused":
                self._bar.print(f"Paused: {event['reason']} The run goes on when there is room.")
            case "continued":
                self._bar.print("There is room again: the run goes on.")
            case "stopping":
                self._bar.print("Stopping at the end of the epoch.")

    def _move(self, view: RunView, count: int, note: str) -> None:
        self._bar.advance(max(view.share - self._share, 0), count, note, left=view.seconds_left)
        self._share = max(view.share, self._share)


def _so_far(view: RunView) -> str:
    return f"{view.ended}/{len(view.trials)} trials ended"
