"""The screen Data: the user's datasets, their contents and audits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from data.terminal.text import size_text
from genre_tui.core.background import in_background
from genre_tui.core.theme import STATE_GLYPH
from genre_tui.datasets.audits import AuditRunner
from genre_tui.datasets.dataset_build import BuildSource, DatasetBuild
from genre_tui.datasets.dataset_table import card_text, dataset_columns, datasets_csv
from genre_tui.model import dataset_rows
from genre_tui.model.dataset_rows import DatasetCard, DatasetLine, Datasets
from genre_tui.shell.base_page import BasePage
from genre_tui.widgets.row_table import RowTable


class DataPage(BasePage):
    """The table of datasets, and the card of the one under the cursor."""

    MODE: ClassVar[str] = "data"
    CHANGES = frozenset({"make", "use", "remove"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "audit", "Audit", tooltip="Look for leaks and copies; again ends it"),
        Binding("i", "make", "Import", tooltip="Make a dataset of a folder, or see it being made"),
        Binding("u", "use", "Use", tooltip="Make it the default"),
        Binding("x", "remove", "Remove", tooltip="Delete the dataset"),
    ]
    DEFAULT_CSS = """
    DataPage #status { height: 1; display: none; padding: 0 1; color: $text-accent; }
    DataPage #status.-shown { display: block; }
    DataPage #both { height: 1fr; }
    DataPage RowTable { height: auto; max-height: 40%; }
    DataPage #card { height: 1fr; border-top: solid $panel; padding: 0 1; }
    DataPage #card { scrollbar-size-vertical: 1; }
    DataPage.-wide #both { layout: horizontal; }
    DataPage.-wide RowTable { height: 1fr; max-height: 100%; width: 1fr; margin-right: 1; }
    DataPage.-wide #card { border-top: none; border-left: solid $panel; width: 64; height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._datasets = Datasets((), "")
        self._cards: dict[tuple[Path, str], DatasetCard | str] = {}  # or why it cannot be read
        self._audits = AuditRunner(partial(self.call_later, self._audit_updated))
        self._build: DatasetBuild | None = None
        self._wanted: str | None = None  # name of the dataset to select once it is there

    def body(self) -> Iterable[Widget]:
        """The table, and the card beside or below it."""
        with Vertical(id="body"):
            yield Static(id="status")
            with Container(id="both"):
                yield RowTable(dataset_columns(), lambda line: line.name, self._sign, id="datasets")
                with VerticalScroll(id="card"):
                    yield Static(id="text")

    def on_unmount(self) -> None:
        """Let a build go on; end an audit."""
        if self._build is not None:
            self._build.detach()
        self._audits.cancel()

    def activated(self) -> None:
        """Look up the datasets."""
        work = partial(dataset_rows.read_datasets, self.session.data)
        in_background(self, "datasets", work, self._show, self.show_problem)

    @property
    def line(self) -> DatasetLine | None:
        """The dataset under the cursor."""
        line: DatasetLine | None = self.table.item
        return line

    def action_audit(self) -> None:
        """Audit the dataset, or end the running audit."""
        line, current = self.line, self._audits.current
        if current is not None:
            self._audits.cancel()
            self.show_message(f"Ending the audit of {current.name}.")
        elif line is None or not line.is_made:
            self.show_message("There is nothing to audit before it is made.")
        else:
            self._audits.begin(line)
            self._show_card()

    def action_use(self) -> None:
        """Make the dataset the default of all commands."""
        line = self.line
        if line is None or not self.may_change("changed"):
            return
        if line.problem:
            self.show_problem(line.problem)
        else:
            self._change(
                lambda catalogue: catalogue.use(line.name), f"{line.name} is the default now."
            )

    def action_remove(self) -> None:
        """Delete the dataset, after a question."""
        from genre_tui.shell.dialogs import ConfirmDialog

        line = self.line
        if not self.may_change("removed"):
            return
        if line is None or not line.is_made:
            self.show_message("There is nothing to remove.")
            return
        try:
            seen = line.path.stat()
        except OSError as error:
            self.show_problem(f"{line.path} cannot be read: {error.strerror}.")
            return
        name = line.name

        def answered(yes: bool | None) -> None:
            if yes:
                self._change(lambda catalogue: catalogue.remove(name, seen), f"{name} is gone.")

        about = [f"{line.path} ({size_text(line.size)})", "Runs keep their results."]
        asked = ConfirmDialog(f"Delete the dataset {name}?", about, "delete it", "keep it")
        self.app.push_screen(asked, answered)

    def action_make(self) -> None:
        """Open the form that builds a dataset, or the output of a running build."""
        from genre_tui.datasets.build_dialogs import BuildDialog, BuildForm

        if self._build is not None and self._build.ended is None:
            self.app.push_screen(BuildDialog(self._build))
        elif self.may_change("made"):
            self.app.push_screen(BuildForm(), self._make)

    def _make(self, source: BuildSource | None) -> None:
        from genre_tui.datasets.build_dialogs import BuildDialog

        if source is not None:
            self._build = DatasetBuild(source, partial(self.call_later, self._build_updated))
            self.app.push_screen(BuildDialog(self._build))

    def _build_updated(self) -> None:
        """Show new output, and the outcome at the end."""
        from genre_tui.datasets.build_dialogs import BuildDialog

        build = self._build
        if build is None:
            return
        open_dialogs = [
            screen for screen in self.app.screen_stack if isinstance(screen, BuildDialog)
        ]
        for dialog in open_dialogs:
            dialog.show_output()
        if build.ended is not None:
            self._build, self._wanted = None, build.source.name
            failed = build.ended.status != 0 and not build.ended.cancelled
            if not open_dialogs:
                self.show_message(build.state, problem=failed)
            self.activated()
        self._show_status()

    @on(RowTable.Moved, "#datasets")
    def _another(self) -> None:
        self.query_one("#card").scroll_home(animate=False)
        self._show_card()

    @on(RowTable.Chosen, "#datasets")
    def _to_card(self) -> None:
        self.query_one("#card").focus()

    def _show(self, found: Datasets) -> None:
        wanted = self._wanted or (None if self._datasets.lines else found.default)
        self._datasets, self._wanted = found, None
        if found.problem:
            self.show_problem(found.problem)
        self.table.show(found.lines)
        if wanted is not None:
            self.table.move_to(wanted)
        self.table.refresh()  # another one may be the default
        self._show_card()

    def _show_card(self) -> None:
        """Show the card of the dataset under the cursor; read it first where that is needed."""
        line = self.line
        if line is None:
            return
        known = self._cards.get((line.path, line.sha256))
        if known is None and line.is_made and not line.problem:
            fail = partial(self._add_card, line)
            in_background(self, "card", partial(dataset_rows.card, line), fail, fail)
        if isinstance(known, str):
            line, known = replace(line, problem=known), None
        self.query_one("#text", Static).update(card_text(line, known, self._audits.of(line)))

    def _add_card(self, line: DatasetLine, card: DatasetCard | str) -> None:
        self._cards[line.path, line.sha256] = card
        if self.line == line:
            self._show_card()

    def _audit_updated(self, text: str) -> None:
        self._show_status(text)
        if not text:  # it has ended
            self._show_card()

    def _change(self, work: Callable[[Any], None], done: str) -> None:
        """Change the catalogue, which `work` receives, in a thread; then show a sentence."""

        def change() -> str:
            from data.storage import catalogue

            work(catalogue)
            return done

        def changed(text: str) -> None:
            self.show_message(text)
            self.activated()

        in_background(self, "change", change, changed, self.show_problem)

    def _show_status(self, text: str = "") -> None:
        """Show a running build or audit above the table."""
        if self._build is not None:
            text = f"{self._build.state} (i shows it)"
        status = self.query_one("#status", Static)
        status.set_class(bool(text), "-shown")
        status.update(Text(text, no_wrap=True, overflow="ellipsis"))

    def _sign(self, line: DatasetLine) -> str:
        if line.problem:
            return STATE_GLYPH["damaged"]
        return "*" if line.name == self._datasets.default else ""

    def exportable(self) -> dict[str, str]:
        """The table."""
        return {"datasets.csv": datasets_csv(self._datasets)}

    def copyable(self) -> str:
        """The dataset's name."""
        return self.line.name if self.line else ""
