"""The screen Runs: a live table of all runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input

from experiments.runs.directory import RunDirectory
from genre_tui.plots.curve import Frame
from genre_tui.plots.plot import Plot
from genre_tui.runs.run_filter import FilterLine
from genre_tui.runs.runs_table import (
    CYCLE,
    ORDERS,
    about,
    columns,
    curve_of,
    details,
    now,
    ordered,
    runs_csv,
    titles,
)
from genre_tui.shell.run_control_page import RunControlPage
from genre_tui.watch.messages import RunsListed
from genre_tui.watch.run_summary import RunSummary
from genre_tui.widgets.row_table import RowTable
from genre_tui.widgets.status_text import StatusText

_MINUTE = 60.0  # seconds between two updates of ages


class RunsPage(RunControlPage):
    """A live table of all runs: sort, filter, mark, open, stop, resume, remove."""

    MODE: ClassVar[str] = "runs"
    CHANGES = frozenset({"stop", "resume", "remove"})
    DEFAULT_CSS = """
    RunsPage #about { height: auto; min-height: 2; max-height: 4; }
    RunsPage #details { display: none; width: 44; padding: 0 1; border-left: solid $panel; }
    RunsPage.-wide #details { display: block; }
    RunsPage #details-text { height: auto; max-height: 60%; }
    RunsPage #details-curve { max-height: 16; margin-top: 1; }
    RunsPage.-wide #about { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "sort", "Sort"),
        Binding("S", "turn", "Turn round", show=False, tooltip="Turn the order round"),
        Binding("space", "mark", "Mark"),
        Binding(
            "c", "compare", "Compare", tooltip="Compare the marked runs, or this one's variants"
        ),
        Binding("t", "stop", "Stop", tooltip="Stop the run at the end of its epoch"),
        Binding("r", "resume", "Resume", tooltip="Resume a run that stopped or crashed"),
        Binding("x", "remove", "Remove", tooltip="Remove the marked runs, or this one"),
        Binding("escape", "clear", "Clear", show=False, tooltip="Clear the filter, then the marks"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._runs: tuple[RunSummary, ...] = ()
        self._complete, self._problem = False, ""
        self._order, self._turned = ORDERS[0], False

    def body(self) -> Iterable[Widget]:
        """Filter, table, details of the run under the cursor."""
        table: RowTable[RunSummary] = RowTable(
            columns(), lambda run: run.run.name, self._gutter, id="runs"
        )
        yield Vertical(
            FilterLine(),
            Horizontal(
                table,
                Vertical(StatusText(id="details-text"), Plot(id="details-curve"), id="details"),
            ),
            StatusText(id="about"),
            id="body",
        )

    @property
    def _run(self) -> RunSummary | None:
        """The run under the cursor."""
        run: RunSummary | None = self.table.item
        return run

    @property
    def filter_line(self) -> FilterLine:
        """The input line of the filter."""
        return self.query_one(FilterLine)

    def on_mount(self) -> None:
        """Update ages every minute."""
        self.set_interval(_MINUTE, self._update_ages)
        self._set_titles()
        self.table.focus()

    def runs_updated(self, update: RunsListed) -> None:
        """Show the runs."""
        self._runs, self._problem = update.summaries, update.problem
        self._complete = update.complete
        if update.complete:
            self.session.marked &= {run.run.name for run in update.summaries}
        self._show()

    @property
    def reported(self) -> RunDirectory | None:
        """The run under the cursor."""
        return self._run.run if self._run else None

    def exportable(self) -> dict[str, str]:
        """The table as it is shown."""
        return {"runs.csv": runs_csv(self.table.items)}

    def copyable(self) -> str:
        """The command that watches or resumes the run, else its folder."""
        run = self._run
        if run is None:
            return ""
        if run.is_alive:
            return self.command("watch", run.run)
        if run.state in ("stopped", "crashed", "failed"):
            return self.command("resume", run.run)
        return str(run.run.path)

    def action_filter(self) -> None:
        """Open the filter."""
        self.filter_line.open()
        self._show_matches()

    def action_clear(self) -> None:
        """Clear the filter; where there is none, clear the marks."""
        if self.filter_line.has_class("-open"):
            self.filter_line.close()
            self.table.focus()
        elif self.session.marked:
            self.session.marked.clear()
            self.table.refresh()
            self._show_details()
        else:
            raise SkipAction  # Escape goes back

    def action_sort(self) -> None:
        """Change to the next sort order."""
        place = ORDERS.index(self._order)
        self._order, self._turned = ORDERS[(place + 1) % CYCLE], False
        self._resort()

    def action_turn(self) -> None:
        """Reverse the sort order."""
        self._turned = not self._turned
        self._resort()

    def action_mark(self) -> None:
        """Mark or unmark the run under the cursor, and move to the next."""
        run = self._run
        if run is not None:
            self.session.marked ^= {run.run.name}
            self.table.redraw(run.run.name)
            self.table.action_move(1)
            self._show_details()

    def action_compare(self) -> None:
        """Compare the marked runs; without marks the variants of the one under the cursor."""
        run = self._run
        if not self.session.marked:
            if run is None:
                self.show_message("There is no run here: mark some with the space bar.")
                return
            if run.run != self.session.run:
                self.app.open_run(run.run)
        self.app.call_later(self.app.go_to, "compare", "")

    def action_remove(self) -> None:
        """Remove the marked runs, or the one under the cursor."""
        marked = [run for run in self._runs if run.run.name in self.session.marked]
        wanted = marked or ([self._run] if self._run else [])
        if wanted:
            self.remove_runs([run.run for run in wanted])

    @on(RowTable.Chosen)
    async def _chosen(self, event: RowTable.Chosen) -> None:
        self.app.open_run(event.item.run)
        await self.app.action_go("run")

    @on(RowTable.Headed)
    def _headed(self, event: RowTable.Headed) -> None:
        order = next((one for one in ORDERS if one.column == event.item), None)
        if order is not None:
            self._turned = not self._turned if order is self._order else False
            self._order = order
            self._resort()

    @on(Input.Changed)
    def _show(self) -> None:
        at, chosen = now(), self.filter_line.filter
        found = [run for run in self._runs if chosen.matches(run, at)]
        if self._runs:
            nothing = "No run passes the filter. Esc clears it."
        elif self._problem:
            nothing = self._problem
        elif self._complete:
            nothing = "There are no runs yet. Press 1 to start one."
        else:
            nothing = "Reading the runs ..."
        self.table.show(ordered(found, self._order, turned=self._turned), nothing)
        self._show_details()
        self._show_matches()

    def _show_matches(self) -> None:
        self.filter_line.show_matches(len(self.table.items), len(self._runs))

    @on(RowTable.Moved)
    def _show_details(self) -> None:
        run, marked = self._run, len(self.session.marked)
        if run is not None:
            narrow, wide = about(run), details(run)
        elif self._runs or self._problem:
            narrow = wide = Text()
        else:
            narrow = wide = Text(f"Runs are looked for in {self.session.runs.absolute()}.")
        if marked:
            count = Text().append(f"{marked} marked", "bold")
            narrow = count.copy().append("  ").append_text(narrow)
            wide = count.append("\n\n").append_text(wide)
        self.put("#about", narrow, layout=True)
        self.put("#details-text", wide, layout=True)
        curves = [curve_of(run)] if run is not None else []
        title = Text().append("macro-F1 %", "bold").append("  best trial, validation", "dim")
        self.query_one("#details-curve", Plot).show(title, curves, Frame(), "No curve yet.")

    def _resort(self) -> None:
        self._set_titles()
        self._show()

    def _set_titles(self) -> None:
        for key, title in titles(self._order, turned=self._turned).items():
            self.table.title(key, title)

    def _update_ages(self) -> None:
        if self.app.screen is self:
            self._show()  # a filter by age
            self.table.refresh()

    def _gutter(self, run: RunSummary) -> str:
        return "◉" if run.run.name in self.session.marked else ""
