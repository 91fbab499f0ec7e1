"""A run's progress on standard error, from its events."""

from __future__ import annotations

from data.terminal.progress import ProgressBar
from experiments.display.result_tables import epoch_line, trial_line
from experiments.runs.events import (
    CohortBegan,
    Continued,
    EpochEnded,
    Event,
    Note,
    Paused,
    Stopping,
    TrialEnded,
    WorkerDied,
)
from experiments.runs.progress import RunProgress


class ProgressDisplay:
    """Shows events as they come: a bar on a terminal, plain lines elsewhere.

    Args:
        bar: of a total of 1.
    """

    def __init__(self, bar: ProgressBar) -> None:
        self._bar = bar
        self._share = 0.0

    def begin(self, progress: RunProgress) -> None:
        """Show how far a run is that has begun before."""
        self._move(progress, 0, "")

    def show(self, event: Event, progress: RunProgress) -> None:
        """Show an event that `progress` has handled."""
        match event:
            case CohortBegan(trials=names, epoch=epoch):
                trials = [progress.trials[name] for name in names if name in progress.trials]
                variants = ", ".join(dict.fromkeys(trial.variant for trial in trials))
                many = len(trials)
                together = variants if many == 1 else f"{many} in lockstep ({variants})"
                self._bar.note(f"{_so_far(progress)}, {together}, epoch {epoch + 1} begins")
            case EpochEnded(trial=name) if name in progress.trials:
                trial = progress.trials[name]
                about = f"{trial.variant} seed {trial.seed}, epoch {trial.epoch}/{trial.epochs}"
                self._move(progress, 1, f"{_so_far(progress)}, {about}, {epoch_line(trial.logs)}")
            case TrialEnded():
                self._move(progress, 0, "")
                self._bar.print(trial_line(event))
            case Note(text=text):
                self._bar.print(text)
            case WorkerDied(reason=reason, attempt=attempt):
                self._bar.print(f"{reason} (attempt {attempt})")
            case Paused(reason=reason):
                self._bar.print(f"Paused: {reason} The run goes on when there is room.")
            case Continued():
                self._bar.print("There is room again: the run goes on.")
            case Stopping():
                self._bar.print("Stopping at the end of the epoch.")

    def _move(self, progress: RunProgress, count: int, note: str) -> None:
        new = max(progress.share - self._share, 0)
        self._bar.advance(new, count, note, left=progress.seconds_left)
        self._share = max(progress.share, self._share)


def _so_far(progress: RunProgress) -> str:
    return f"{progress.ended}/{len(progress.trials)} trials ended"
