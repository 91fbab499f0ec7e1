"""The panes of the screen Run: one trial in full, and the output of the run's processes."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from data.files.plain import plain_file
from experiments.design.config_paths import flatten_config
from experiments.design.trial import Trial
from experiments.runs.manifest import RunManifest
from experiments.runs.progress import TrialProgress
from genre_tui.core.background import in_background
from genre_tui.model.run_model import RunModel
from genre_tui.widgets.status_text import StatusText

_PARTS = ("network", "training")
_SCHEDULE = "training.schedule."
_LONGEST = 40  # characters of a value
_CONSOLE = 8192  # bytes at the end of console.log that are shown
_MOST_FAILURES = 50


class TrialSettings:
    """Settings of a run's trials by field path."""

    def __init__(self, manifest: RunManifest) -> None:
        self.manifest = manifest
        self._fields = {name: _fields(trial) for name, trial in manifest.trials.items()}
        names = dict.fromkeys(name for fields in self._fields.values() for name in fields)
        every = self._fields.values()
        self._unlike = {n for n in names if len({fields.get(n) for fields in every}) > 1}

    def of(self, trial: str) -> tuple[dict[str, str], dict[str, str]]:
        """A trial's settings: those in which trials differ, and those that all share."""
        known = self._fields.get(trial, {})
        fields = {name: value[:_LONGEST] for name, value in known.items()}
        unlike = {name: value for name, value in fields.items() if name in self._unlike}
        return unlike, {name: value for name, value in fields.items() if name not in unlike}


def figures_text(trial: TrialProgress) -> Text:
    """A trial's metrics and progress."""
    text = Text()
    text.append(f"{trial.variant} {trial.replicate}", "bold").append(f"  {trial.id}", "dim")
    if trial.reason:
        text.append(f"\n{trial.status}: {trial.reason}")
    if trial.best is not None:
        epoch, score = trial.best
        text.append(f"\nbest macro-F1 {100 * score:.1f} % on validation, epoch {epoch}")
    if trial.test is not None:
        accuracy, score = 100 * trial.test.accuracy, 100 * trial.test.macro_f1
        text.append(f"\ntest accuracy {accuracy:.1f} %, macro-F1 {score:.1f} %")
    if trial.length:
        each = trial.history.seconds / trial.length
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


class OutputPane(VerticalScroll):
    """Scrolls; stays at the end while output is added."""

    def compose(self) -> ComposeResult:
        """One text."""
        yield StatusText()

    def show(self, model: RunModel) -> None:
        """Show the current output; the file is read in a thread."""
        run = model.run

        def read() -> str:
            with open(run.console, "rb", opener=plain_file) as file:
                file.seek(max(0, file.seek(0, 2) - _CONSOLE))
                return file.read().decode(errors="replace")

        def handle(text: str) -> None:
            is_at_end = self.scroll_y >= self.max_scroll_y
            self.query_one(StatusText).set_text(output_text(model, text), layout=True)
            if is_at_end:
                self.scroll_end(animate=False)

        in_background(self, "console", read, handle, lambda reason: handle(""))


def output_text(model: RunModel, console: str) -> Text:
    """Notes, failures, and the text of console.log."""
    text = Text()
    for note in model.progress.notes:
        text.append(f"{note}\n", "bold")
    failures = [trial for trial in model.trials.values() if trial.reason]
    for trial in failures[:_MOST_FAILURES]:
        text.append(f"{trial.variant} {trial.replicate} {trial.status}: {trial.reason}\n")
    if len(failures) > _MOST_FAILURES:
        text.append(f"and {len(failures) - _MOST_FAILURES} more\n")
    lines = [line.rstrip() for line in console.splitlines()]
    if model.state == "crashed":
        text.append("Its process was killed, or the machine went down: the reason is not known.\n")
    text.append("console.log\n" if lines else "console.log is empty.", "dim")
    return text.append("\n".join(lines))
