"""What the processes of a run had to say: notes, failures, the end of console.log."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from data.terminal.text import clean
from genre_tui.core.background import in_background
from genre_tui.model.run_model import RunModel
from genre_tui.widgets.status_text import Said

_CONSOLE = 8192  # bytes of its end that are shown
_MOST_FAILURES = 50


class Output(VerticalScroll):
    """Scrolls; stays at its end while more comes."""

    def compose(self) -> ComposeResult:
        """All of it as one text."""
        yield Said()

    def show(self, model: RunModel) -> None:
        """Show what there is now; the file is read in a thread."""
        run = model.run

        def read() -> str:
            with run.console.open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - _CONSOLE))
                return file.read().decode(errors="replace")

        def take(text: str) -> None:
            is_at_end = self.scroll_y >= self.max_scroll_y
            self.query_one(Said).tell(output_text(model, text), grows=True)
            if is_at_end:
                self.scroll_end(animate=False)

        in_background(self, "console", read, take, lambda reason: take(""))


def output_text(model: RunModel, console: str) -> Text:
    """Notes and failures as the events tell them, then what the processes printed."""
    text = Text()
    for note in model.progress.notes:
        text.append(f"{clean(note)}\n", "bold")
    failures = [trial for trial in model.trials.values() if trial.reason]
    for trial in failures[:_MOST_FAILURES]:
        text.append(f"{trial.variant} seed {trial.seed} {trial.status}: {trial.reason}\n")
    if len(failures) > _MOST_FAILURES:
        text.append(f"and {len(failures) - _MOST_FAILURES} more\n")
    lines = [clean(line).rstrip() for line in console.splitlines()]
    if model.state == "crashed":
        text.append("Its process was killed, or the machine went down: it could not say why.\n")
    text.append("console.log\n" if lines else "console.log is empty.", "dim")
    return text.append("\n".join(lines))
