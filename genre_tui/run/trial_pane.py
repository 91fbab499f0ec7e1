"""All there is to know of one trial."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from genre_tui.model.run_model import RunModel
from genre_tui.run.trial_details import TrialSettings, figures_text, settings_text
from genre_tui.widgets.status_text import Said


class TrialPane(VerticalScroll):
    """Scrolls; another trial begins at its top."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._settings: TrialSettings | None = None
        self._trial = ""

    def compose(self) -> ComposeResult:
        """What changes with each epoch, and what does not."""
        yield Said(id="figures")
        yield Said(id="settings")

    def show(self, model: RunModel, trial: str) -> None:
        """Show a trial of the run, unless the pane is out of sight."""
        if not self.display:
            return
        if self._settings is None or self._settings.facts is not model.facts:
            self._settings = TrialSettings(model.facts)
        _tell(self.query_one("#figures", Said), figures_text(model.trials[trial]))
        _tell(self.query_one("#settings", Said), settings_text(trial, self._settings))
        if trial != self._trial:
            self._trial = trial
            self.scroll_home(animate=False)


def _tell(said: Said, text: Text) -> None:
    """All is laid out anew only where the lines are other ones: that costs time and bytes."""
    lines = text.plain.count("\n") + 1
    wraps = any(len(line) > said.size.width for line in text.plain.splitlines())
    said.tell(text, grows=wraps or lines != said.size.height)
