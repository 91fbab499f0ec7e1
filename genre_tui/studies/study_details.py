"""A study in full: question, cost, last result, variants; as text and as a dialog."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from data.terminal.console import table
from experiments.design.study import PROTOCOLS, Study, Variant
from genre_tui.core.theme import state_text
from genre_tui.shell.dialogs import Dialog
from genre_tui.studies.study_rows import StudyLine

_HEADS = ("Cost", "What the source found", "What to look for")


def about_text(line: StudyLine) -> Text:
    """Question, cost, last result, and the study's description."""
    text = Text()
    text.append(f"{line.question}\n", "bold" if line.study else "bold red")
    if line.study is None:
        return text
    text.append(f"{cost_sentence(line)}\n", "dim")
    if line.now is not None:
        # Without its share done, so that it is not redrawn with each epoch.
        text.append("Now: ", "bold").append_text(state_text(line.now.state))
        text.append(f", {line.now.protocol} protocol on {line.now.dataset}\n")
    if line.last is not None:
        text.append("Last here: ", "bold")
        text.append(f"{line.last.sentence}\n")
    for paragraph in paragraphs(line.study):
        text.append("\n")
        head = next((head for head in _HEADS if paragraph.startswith(f"{head}:")), "")
        text.append(head, "bold")
        text.append(f"{paragraph.removeprefix(head)}\n")
    return text


def paragraphs(study: Study) -> list[str]:
    """Paragraphs of the description, a line each, without the question at its beginning."""
    found = [" ".join(part.split()) for part in study.about.split("\n\n")]
    return [part for part in found if part and part != study.question]


def cost_sentence(line: StudyLine) -> str:
    """Trials and times of both protocols."""
    costs = []
    for protocol in PROTOCOLS:
        cost = line.costs.get(protocol)
        if cost is not None:
            many = f"{cost.trials} trial{'s' if cost.trials > 1 else ''}"
            costs.append(f"{protocol}: {many}, {cost.text} here")
    return "; ".join(costs) or "Looking what it takes here ..."


def variants_table(study: Study) -> Table:
    """The variants with the accuracies that the sources published."""
    rows = [
        [variant.name, _belongs(variant), _figure(variant, "A"), _figure(variant, "B")]
        for variant in study.variants
    ]
    columns = ["variant", "only in", "A %", "B %"]
    if any(row[1] for row in rows):
        return table(columns, rows, left=2)
    return table([columns[0], *columns[2:]], [[row[0], *row[2:]] for row in rows])


def _figure(variant: Variant, source: str) -> str:
    return next((f"{f.accuracy:.2f}" for f in variant.published if f.source == source), "")


def _belongs(variant: Variant) -> str:
    words = ["extended"] if variant.extended else []
    if len(variant.protocols) < len(PROTOCOLS):
        words += variant.protocols
    return ", ".join(words)


class StudyDialog(Dialog[bool]):
    """A study in full; the result is whether to start it."""

    DEFAULT_CSS = """
    StudyDialog > #box { width: 90; max-width: 100%; }
    StudyDialog .dim { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "start", "New run"),
        Binding("enter", "close", "Close"),
    ]

    def __init__(self, line: StudyLine) -> None:
        super().__init__()
        self._line = line

    def compose(self) -> ComposeResult:
        """Text and variants, scrollable."""
        with VerticalScroll(id="box"):
            yield Static(Text(self._line.name), classes="title")
            yield Static(about_text(self._line))
            if self._line.study is not None:
                yield Static(variants_table(self._line.study))
            yield Static(Text("n starts it, Esc closes"), classes="dim")

    def action_start(self) -> None:
        """Close it with the result that the study is to be started."""
        self.dismiss(True)
