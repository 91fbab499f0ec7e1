"""All there is to know of one trial."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from genre_tui.model import RunModel
from genre_tui.trial_text import TrialSettings, trial_text
from genre_tui.widgets.said import Said


class TrialPane(VerticalScroll):
    """Scrolls; another trial begins at its top."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._settings: TrialSettings | None = None
        self._trial = ""

    def compose(self) -> ComposeResult:
        """All of it as one text."""
        yield Said()

    def show(self, model: RunModel, trial: str) -> None:
        """Show a trial of the run, unless the pane is out of sight."""
        if not self.display:
            return
        if self._settings is None or self._settings.facts is not model.facts:
            self._settings = TrialSettings(model.facts)
        self.query_one(Said).tell(trial_text(model.trials[trial], self._settings), grows=True)
        if trial != self._trial:
            self._trial = trial
            self.scroll_home(animate=False)
