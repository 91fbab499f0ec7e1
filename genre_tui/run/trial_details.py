"""What there is to know of one trial: how it did, and all its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from data.terminal.text import clean
from experiments.design.config_paths import flatten_config
from experiments.errors import MISSHAPEN
from experiments.runs.progress import TrialProgress

_PARTS = ("network", "training")
_SCHEDULE = "training.schedule."
_LONGEST = 40  # characters of a value


class TrialSettings:
    """Settings of a run's trials, field by field.

    Args:
        facts: what run.json says; a trial whose settings cannot be read has none.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts
        self._fields = {name: _fields(plain) for name, plain in facts["trials"].items()}
        names = dict.fromkeys(name for fields in self._fields.values() for name in fields)
        self._unlike = {
            name
            for name in names
            if len({fields.get(name) for fields in self._fields.values()}) > 1
        }

    def of(self, trial: str) -> tuple[dict[str, str], dict[str, str]]:
        """By their paths: those in which the run's trials differ, and those they share."""
        told = self._fields.get(trial, {})
        fields = {name: clean(value)[:_LONGEST] for name, value in told.items()}
        unlike = {name: value for name, value in fields.items() if name in self._unlike}
        return (
            {clean(name): value for name, value in unlike.items()},
            {clean(name): value for name, value in fields.items() if name not in unlike},
        )


def figures_text(trial: TrialProgress) -> Text:
    """How a trial did, and how far it is."""
    text = Text()
    text.append(f"{trial.variant} seed {trial.seed}", "bold").append(f"  {trial.id}", "dim")
    if trial.reason:
        text.append(f"\n{trial.status}: {trial.reason}")
    if trial.best is not None:
        epoch, score = trial.best
        text.append(f"\nbest macro-F1 {100 * score:.1f} % on validation, epoch {epoch}")
    if trial.test is not None:
        accuracy, score = 100 * trial.test.accuracy, 100 * trial.test.macro_f1
        text.append(f"\ntest accuracy {accuracy:.1f} %, macro-F1 {score:.1f} %")
    if trial.length:
        each = trial.seconds[-1] / trial.length
        text.append(f"\nepoch {trial.length} of {trial.epochs}, {each:.3g} s each")
    return text


def settings_text(trial: str, settings: TrialSettings) -> Text:
    """A trial's settings: those that other trials do not share come first."""
    text = Text()
    unlike, shared = settings.of(trial)
    same = "The same in all trials" if unlike else "Settings"
    for title, fields in (("Not the same in all trials", unlike), (same, shared)):
        if fields:
            text.append(f"\n{title}\n", "bold")
            width = max(map(len, fields))
            for name, value in fields.items():
                text.append(f"{name:<{width}}  ", "dim").append(f"{value}\n")
    text.rstrip()
    return text


def _fields(plain: Any) -> dict[str, str]:
    try:
        config = {part: plain[part] for part in _PARTS}
        fields = dict(flatten_config(config))
    except MISSHAPEN:
        return {}
    if fields.get(f"{_SCHEDULE}kind") == "none":  # the rest of it means nothing
        fields = {
            name: value
            for name, value in fields.items()
            if not name.startswith(_SCHEDULE) or name == f"{_SCHEDULE}kind"
        }
    return fields
