"""The application: studies on one tab, runs and their results on the other."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import DataTable, Footer, Static, TabbedContent, TabPane

from data.terminal import clean
from experiments.errors import RunError
from experiments.records import RunDirectory
from experiments.results import collect
from experiments.run_folder import all_runs
from experiments.studies import STUDIES
from experiments.study import Study
from experiments.tables import results_view


class GenreTui(App[None]):
    """Browse studies and results. It reads run directories and changes nothing.

    Args:
        runs: the folder of all runs.
    """

    TITLE = "genre-tui"
    CSS = """
    DataTable { width: 60; height: 1fr; }
    VerticalScroll { width: 1fr; padding: 0 1; }
    VerticalScroll:focus { background: $boost; }
    Screen.narrow .sides { layout: vertical; }
    Screen.narrow DataTable { width: 1fr; height: auto; max-height: 7; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "show('studies')", "Studies"),
        Binding("2", "show('runs')", "Runs"),
        Binding("d", "details", "Scroll details"),
        Binding("r", "refresh_runs", "Refresh"),
        Binding("q", "quit", "Quit"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "narrow"), (110, "wide")]  # noqa: RUF012 - as Textual declares it

    def __init__(self, runs: Path) -> None:
        super().__init__()
        self._runs = runs
        self._directories: dict[str, RunDirectory] = {}

    def compose(self) -> ComposeResult:
        """Two tabs, each a list and what it says of the chosen row."""
        with TabbedContent(initial="studies"):
            with TabPane("1 Studies", id="studies"), Horizontal(classes="sides"):
                yield DataTable(id="study-list", cursor_type="row")
                with VerticalScroll():
                    yield Static(id="study")
            with TabPane("2 Runs", id="runs"), Horizontal(classes="sides"):
                yield DataTable(id="run-list", cursor_type="row")
                with VerticalScroll():
                    yield Static(id="run")
        yield Footer()

    def on_mount(self) -> None:
        """Fill both lists; where there are runs, show the newest."""
        studies = self.query_one("#study-list", DataTable)
        studies.add_columns("study", "documented %")
        for study in STUDIES.values():
            best = study.documented_best
            studies.add_row(study.name, f"{best.accuracy:.2f}" if best else "", key=study.name)
        self.query_one("#run-list", DataTable).add_columns(
            "study", "dataset", "started (UTC)", "best %"
        )
        self.action_refresh_runs()
        self.action_show("runs" if self._directories else "studies")

    def action_show(self, tab: str) -> None:
        """Go to a tab, with its list in focus."""
        self.query_one(TabbedContent).active = tab
        self.query_one("#study-list" if tab == "studies" else "#run-list", DataTable).focus()

    def action_details(self) -> None:
        """Let the arrow and page keys scroll what the chosen row is about."""
        tab = self.query_one(TabbedContent).active
        self.query_one(f"#{tab} VerticalScroll", VerticalScroll).focus()

    def action_refresh_runs(self) -> None:
        """Read the list of runs again."""
        table = self.query_one("#run-list", DataTable)
        table.clear()
        self._directories = {run.name: run for run in reversed(all_runs(self._runs))}
        for name, run in self._directories.items():
            dataset, best = _row(run)
            study = Text(clean(run.path.parent.name))
            table.add_row(study, dataset, _started(run), best, key=name)
        if not self._directories:
            self.query_one("#run", Static).update(
                Text(
                    f"No runs in {clean(str(self._runs.absolute()))} yet. Start one with\n\n"
                    "  python -m experiments run ffn-baseline"
                )
            )

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show what the row under the cursor is about."""
        key = event.row_key.value
        if key is None:
            return
        if event.data_table.id == "study-list":
            self.query_one("#study", Static).update(_about(STUDIES[key]))
        elif key in self._directories:
            self.query_one("#run", Static).update(_results(self._directories[key]))


def _started(run: RunDirectory) -> Text:
    stamp = run.path.name.partition("-")[0]
    if len(stamp) != len("20260101T000000Z"):
        return Text(clean(run.path.name))
    return Text(f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]} {stamp[9:11]}:{stamp[11:13]}")


def _row(run: RunDirectory) -> tuple[Text, Text]:
    """Dataset of a run, and test accuracy in per cent of its best variant."""
    try:
        result = collect(run)
    except RunError:
        return Text("damaged"), Text("")
    mean = result.best.accuracy.mean if result.best else None
    best = "-" if mean is None else f"{mean * 100:.2f}"
    return Text(clean(result.dataset)), Text(best, justify="right")


def _about(study: Study) -> RenderableType:
    variants = [
        f"  {variant.name}"
        + "".join(
            f"\n    source {figure.source}: {figure.accuracy:.2f} % ({figure.protocol})"
            for figure in variant.documented
        )
        for variant in study.variants
    ]
    paragraphs = "\n\n".join(" ".join(paragraph.split()) for paragraph in study.about.split("\n\n"))
    return Group(
        Text(study.name, style="bold"),
        Text(f"python -m experiments run {study.name}", style="dim"),
        Text(f"\n{paragraphs}\n\nVariants, and the test accuracies that the sources report"),
        Text("\n".join(variants)),
        Text("\nSource A is the project repeated here, B a sibling on the same data."),
    )


def _results(run: RunDirectory) -> RenderableType:
    try:
        return results_view(collect(run))
    except RunError as error:
        return Text(f"This run cannot be shown: {clean(str(error))}")
