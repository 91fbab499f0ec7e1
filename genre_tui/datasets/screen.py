"""The screen Data: the user's datasets, what is in them, and whether to trust them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from data.terminal.text import clean
from genre_tui.core.background import in_background
from genre_tui.core.theme import STATE_GLYPH
from genre_tui.datasets.audits import Audits
from genre_tui.datasets.dataset_build import Making, Source
from genre_tui.datasets.dataset_table import dataset_columns, datasets_csv
from genre_tui.datasets.dataset_text import card_text, size_text
from genre_tui.model import dataset_rows
from genre_tui.model.dataset_rows import DatasetCard, DatasetLine, Datasets
from genre_tui.shell.page import Page
from genre_tui.widgets.row_table import RowTable

_READ_ONLY = "Started with --read-only: nothing is {} here."


class DataPage(Page):
    """All datasets, and the card of the one under the cursor."""

    MODE: ClassVar[str] = "data"
    CHANGES = frozenset({"make", "use", "remove"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "audit", "Audit", tooltip="Look for leaks and copies; again ends it"),
        Binding("i", "make", "Import", tooltip="Make a dataset of a folder, or see it being made"),
        Binding("u", "use", "Use", tooltip="Make it the default"),
        Binding("x", "remove", "Remove", tooltip="Delete the dataset"),
    ]
    DEFAULT_CSS = """
    DataPage #doing { height: 1; display: none; padding: 0 1; color: $text-accent; }
    DataPage #doing.-said { display: block; }
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
        self._cards: dict[tuple[Path, str], DatasetCard | str] = {}  # a sentence if damaged
        self._audits = Audits(partial(self.call_later, self._audit_told))
        self._making: Making | None = None
        self._wanted: str | None = None  # that the cursor goes to when it is there

    def body(self) -> Iterable[Widget]:
        """The table, and beside or below it the card."""
        with Vertical(id="body"):
            yield Static(id="doing")
            with Container(id="both"):
                yield RowTable(dataset_columns(), lambda line: line.name, self._sign, id="datasets")
                with VerticalScroll(id="card"):
                    yield Static(id="text")

    def on_unmount(self) -> None:
        """What is being made goes on; an audit that nobody reads ends."""
        if self._making is not None:
            self._making.leave()
        self._audits.cancel()

    def shown(self) -> None:
        """Files may have come or gone."""
        self._look()

    def go_to(self, name: str) -> None:
        """Put the cursor on a dataset."""
        self._table.move_to(name)

    @property
    def line(self) -> DatasetLine | None:
        """The dataset under the cursor."""
        return self._table.item

    def action_audit(self) -> None:
        """Audit the dataset, or end the audit that goes on."""
        line, current = self.line, self._audits.current
        if current is not None:
            self._audits.cancel()
            self.say(f"Ending the audit of {current.name}.")
        elif line is None or not line.is_made:
            self.say("There is nothing to audit before it is made.")
        else:
            self._audits.begin(line)
            self._show_card()

    def action_use(self) -> None:
        """Make the dataset the default of every command."""
        if self.session.read_only:
            self.say(_READ_ONLY.format("changed"))
        elif self.line is not None and self.line.problem:
            self._problem(self.line.problem)
        elif self.line is not None:
            self._change("use", self.line.name)

    def action_remove(self) -> None:
        """Ask, and delete the dataset."""
        from genre_tui.shell.confirm_dialog import ConfirmDialog

        line = self.line
        if self.session.read_only:
            self.say(_READ_ONLY.format("removed"))
        elif line is None or not line.is_made:
            self.say("There is nothing to remove.")
        else:
            about = [f"{line.path} ({size_text(line.size)})", "Runs keep their results."]
            asked = ConfirmDialog(f"Delete the dataset {line.name}?", about, "delete it", "keep it")
            self.app.push_screen(asked, partial(self._agreed, line.name))

    def action_make(self) -> None:
        """Ask for a folder and make a dataset of it; or show how that goes on."""
        from genre_tui.datasets.build_dialog import MakingDialog
        from genre_tui.datasets.import_form import ImportForm

        if self._making is not None and self._making.ended is None:
            self.app.push_screen(MakingDialog(self._making))
        elif self.session.read_only:
            self.say(_READ_ONLY.format("made"))
        else:
            self.app.push_screen(ImportForm(), self._make)

    def _make(self, source: Source | None) -> None:
        from genre_tui.datasets.build_dialog import MakingDialog

        if source is not None:
            self._making = Making(source, partial(self.call_later, self._making_told))
            self.app.push_screen(MakingDialog(self._making))

    def _making_told(self) -> None:
        """Show what it has printed, wherever the user looks."""
        from genre_tui.datasets.build_dialog import MakingDialog

        making = self._making
        if making is None:
            return
        looking = [screen for screen in self.app.screen_stack if isinstance(screen, MakingDialog)]
        for dialog in looking:
            dialog.take()
        if making.ended is not None:
            self._making, self._wanted = None, making.source.name
            failed = making.ended.status != 0 and not making.ended.cancelled
            if not looking:
                self.say(making.state, problem=failed)
            self._look()
        self._show_doing()

    def _agreed(self, name: str, yes: bool | None) -> None:
        if yes:
            self._change("remove", name)

    @on(RowTable.Moved, "#datasets")
    def _another(self) -> None:
        self.query_one("#card").scroll_home(animate=False)
        self._show_card()

    @on(RowTable.Chosen, "#datasets")
    def _to_card(self) -> None:
        self.query_one("#card").focus()

    def _look(self) -> None:
        """See which datasets there are."""
        work = partial(dataset_rows.look, self.session.data)
        in_background(self, "look", work, self._take, self._problem)

    def _take(self, found: Datasets) -> None:
        wanted = self._wanted or (None if self._datasets.lines else found.default)
        self._datasets, self._wanted = found, None
        if found.problem:
            self._problem(found.problem)
        self._table.show(found.lines)
        if wanted is not None:
            self._table.move_to(wanted)
        self._table.redraw_all()  # another one may be the default
        self._show_card()

    def _show_card(self) -> None:
        """The card of the dataset under the cursor; reads it where that was not done yet."""
        line = self.line
        if line is None:
            return
        known = self._cards.get((line.path, line.sha256))
        if known is None and line.is_made and not line.problem:
            fail = partial(self._take_card, line)
            in_background(self, "card", partial(dataset_rows.card, line), fail, fail)
        if isinstance(known, str):
            line, known = replace(line, problem=known), None
        self.query_one("#text", Static).update(card_text(line, known, self._audits.of(line)))

    def _take_card(self, line: DatasetLine, card: DatasetCard | str) -> None:
        self._cards[line.path, line.sha256] = card
        if self.line == line:
            self._show_card()

    def _audit_told(self, said: str) -> None:
        self._show_doing(said)
        if not said:  # it has ended
            self._show_card()

    def _change(self, what: str, name: str) -> None:
        """Change the catalogue, in a thread."""

        def change() -> None:
            from data.storage import catalogue

            {"use": catalogue.use, "remove": catalogue.remove}[what](name)

        done = "is the default now" if what == "use" else "is gone"
        in_background(
            self, "change", change, lambda _: self._changed(f"{name} {done}."), self._problem
        )

    def _changed(self, told: str) -> None:
        self.say(told)
        self._look()

    def _problem(self, problem: str) -> None:
        self.say(problem, problem=True)

    def _show_doing(self, said: str = "") -> None:
        """What goes on, above the table."""
        if self._making is not None:
            said = f"{self._making.state} (i shows it)"
        doing = self.query_one("#doing", Static)
        doing.set_class(bool(said), "-said")
        doing.update(Text(clean(said), no_wrap=True, overflow="ellipsis"))

    @property
    def _table(self) -> RowTable[DatasetLine]:
        return self.query_one("#datasets", RowTable)

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
