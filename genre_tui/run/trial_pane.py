"""The pane with one trial: its metrics and all its settings."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from experiments.design.config_paths import flatten_config
from experiments.design.trial import Trial
from experiments.runs.manifest import RunManifest
from experiments.runs.progress import TrialProgress
from genre_tui.model.run_model import RunModel
from genre_tui.widgets.status_text import StatusText

_PARTS = ("network", "training")
_SCHEDULE = "training.schedule."
_LONGEST = 40  # characters of a value


class TrialSettings:
    """Settings of a run's trials by field path.

    Args:
        manifest: of the run.
    """

    def __init__(self, manifest: RunManifest) -> None:
        self.manifest = manifest
        self._fields = {name: _fields(trial) for name, trial in manifest.trials.items()}
        names = dict.fromkeys(name for fields in self._fields.values() for name in fields)
        self._unlike = {
            name
            for name in names
            if len({fields.get(name) for fields in self._fields.values()}) > 1
        }

    def of(self, trial: str) -> tuple[dict[str, str], dict[str, str]]:
        """A trial's settings: those in which trials differ, and those that all share."""
        known = self._fields.get(trial, {})
        fields = {name: value[:_LONGEST] for name, value in known.items()}
        unlike = {name: value for name, value in fields.items() if name in self._unlike}
        return unlike, {name: value for name, value in fields.items() if name not in unlike}


def figures_text(trial: TrialProgress) -> Text:
    """A trial's metrics and progress."""
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
    """A trial's settings, those in which trials differ first."""
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


def _fields(trial: Trial) -> dict[str, str]:
    plain = trial.to_dict()
    fields = dict(flatten_config({part: plain[part] for part in _PARTS}))
    if fields.get(f"{_SCHEDULE}kind") == "none":  # its other fields are not used
        fields = {
            name: value
            for name, value in fields.items()
            if not name.startswith(_SCHEDULE) or name == f"{_SCHEDULE}kind"
        }
    return fields


class TrialPane(VerticalScroll):
    """Scrolls; another trial is shown from its top."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._settings: TrialSettings | None = None
        self._trial = ""

    def compose(self) -> ComposeResult:
        """Metrics, which change with each epoch, and settings."""
        yield StatusText(id="figures")
        yield StatusText(id="settings")

    def show(self, model: RunModel, trial: str) -> None:
        """Show a trial, if the pane is visible."""
        if not self.display:
            return
        if self._settings is None or self._settings.manifest is not model.manifest:
            self._settings = TrialSettings(model.manifest)
        _set_text(self.query_one("#figures", StatusText), figures_text(model.trials[trial]))
        _set_text(self.query_one("#settings", StatusText), settings_text(trial, self._settings))
        if trial != self._trial:
            self._trial = trial
            self.scroll_home(animate=False)


def _set_text(widget: StatusText, text: Text) -> None:
    """Set a text; with a new layout, which costs time and bytes, only if its height may change."""
    lines = text.plain.count("\n") + 1
    wraps = any(len(line) > widget.size.width for line in text.plain.splitlines())
    widget.set_text(text, layout=wraps or lines != widget.size.height)
