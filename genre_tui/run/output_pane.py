"""The pane with a run's output: notes, failures, the end of console.log."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from genre_tui.core.background import in_background
from genre_tui.model.run_model import RunModel
from genre_tui.widgets.status_text import StatusText

_CONSOLE = 8192  # bytes at the end of console.log that are shown
_MOST_FAILURES = 50


class OutputPane(VerticalScroll):
    """Scrolls; stays at the end while output is added."""

    def compose(self) -> ComposeResult:
        """One text."""
        yield StatusText()

    def show(self, model: RunModel) -> None:
        """Show the current output; the file is read in a thread."""
        run = model.run

        def read() -> str:
            with run.console.open("rb") as file:
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
        text.append(f"{trial.variant} seed {trial.seed} {trial.status}: {trial.reason}\n")
    if len(failures) > _MOST_FAILURES:
        text.append(f"and {len(failures) - _MOST_FAILURES} more\n")
    lines = [line.rstrip() for line in console.splitlines()]
    if model.state == "crashed":
        text.append("Its process was killed, or the machine went down: the reason is not known.\n")
    text.append("console.log\n" if lines else "console.log is empty.", "dim")
    return text.append("\n".join(lines))
