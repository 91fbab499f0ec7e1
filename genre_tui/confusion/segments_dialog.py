"""The dialog that lists the test segments in a cell of the confusion matrix."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import DataTable, Static

from experiments.results.number_format import plural
from genre_tui.core.background import in_background
from genre_tui.core.short_names import abbreviated
from genre_tui.model.run_model import RunModel
from genre_tui.shell.dialogs import Dialog
from genre_tui.widgets.columns import without_middle

if TYPE_CHECKING:
    from genre_tui.confusion.segments import Segment, SegmentSources

    Found = tuple[SegmentSources, tuple[Segment, ...], str]

_AT_ONCE = 100  # rows that are added before keys are handled again
_LEAST_TRACK, _MOST_TRACK = 7, 32
_LEAST_GENRE, _MOST_GENRE = 5, 14
_GAP = 2  # terminal columns between two table columns


class SegmentsDialog(Dialog[str]):
    """A table of the segments in the cell (true, predicted); Enter opens one.

    The result is the list as CSV, "" before it is there.

    Args:
        model: of the run.
        trials: ids of the trials whose predictions count.
        true, predicted: classes.
    """

    DEFAULT_CSS = """
    SegmentsDialog > #box { width: 96%; height: 94%; max-width: 100%; max-height: 100%; }
    SegmentsDialog #about { height: auto; max-height: 6; }
    SegmentsDialog #hint { height: 1; color: $text-muted; }
    SegmentsDialog DataTable { background: $surface; background-tint: $surface 0%; }
    SegmentsDialog DataTable > .datatable--fixed { background: $surface; color: $foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "Copy the list", show=False)]

    def __init__(self, model: RunModel, trials: tuple[str, ...], true: int, predicted: int) -> None:
        super().__init__()
        self._model, self._trials = model, trials
        self._true, self._predicted = true, predicted
        self._sources: SegmentSources | None = None
        self._segments: tuple[Segment, ...] = ()
        self._cells: list[Callable[[Segment], Text]] = []  # of each column
        self._csv = ""

    def compose(self) -> ComposeResult:
        """Title, table, keys."""
        with Vertical(id="box"):
            yield Static(Text("Reading the predictions ..."), id="about")
            yield DataTable(id="segments", cursor_type="row", zebra_stripes=False)
            yield Static(Text("Enter draws it   y copies the list   Esc closes"), id="hint")

    def on_mount(self) -> None:
        """Read the segments."""

        def read() -> Found:
            from genre_tui.confusion.segments import in_cell, open_sources, segments_csv

            sources = open_sources(self._model.run, self._model, self._trials)
            segments = in_cell(sources, self._true, self._predicted)
            with_split = sources.predictions[0].row is not None
            text = segments_csv(self._model.genres, segments, with_split=with_split)
            return sources, segments, text

        self.query_one(DataTable).focus()
        in_background(self, "segments", read, self._show, partial(self.put, "#about"))

    def _show(self, found: Found) -> None:
        self._sources, self._segments, self._csv = found
        genres, count = self._model.genres, len(self._segments)
        is_mistake = self._true != self._predicted
        verb = f"taken for {genres[self._predicted]}" if is_mistake else "recognised"
        title = f"{plural(count, 'test segment')} of {genres[self._true]} {verb}"
        seeds = len(self._sources.predictions)
        if seeds > 1:
            title += f" by one seed at least of {seeds}"
        text = Text(title, "bold").append(". Probabilities in per cent.", "not bold")
        if self._sources.lacking:
            text.append(f"\n{self._sources.lacking}", "not bold italic")
        self.put("#about", text)
        self._add_columns(genres, seeds > 1)
        self._add_rows()

    def _add_columns(self, genres: tuple[str, ...], several: bool) -> None:
        """Add the columns: track, second, seeds, the predicted genre, the true one, the others."""
        table = self.query_one(DataTable)
        room = table.size.width - 2 - 2 * _GAP
        longest = max((cell_len(_track(one)) for one in self._segments), default=0)
        track = max(_LEAST_TRACK, min(longest, _MOST_TRACK, room // 3))
        table.add_column(Text("track"), width=track)
        table.fixed_columns = 1
        self._cells.append(lambda one: Text(without_middle(_track(one), track), no_wrap=True))
        room -= track + _GAP
        if any(one.start is not None for one in self._segments):
            self._add_number("second", 6, lambda one: f"{one.start:g}")
            room -= 6
        if several:
            self._add_number("seeds", 5, lambda one: f"{one.trials}")
            room -= 5 + _GAP
        each = min(max(room // len(genres) - _GAP, _LEAST_GENRE), _MOST_GENRE)
        names = abbreviated(genres, each)
        for genre in dict.fromkeys((self._predicted, self._true, *range(len(genres)))):
            width = max(cell_len(names[genre]), _LEAST_GENRE)
            self._add_number(names[genre], width, partial(_share, genre))
        if each == _LEAST_GENRE:
            hint = "Enter draws it   y copies the list   left and right: more genres   Esc closes"
            self.put("#hint", hint)

    def _add_number(self, title: str, width: int, cell: Callable[[Segment], str | Text]) -> None:
        self.query_one(DataTable).add_column(Text(title, justify="right"), width=width)
        self._cells.append(lambda one: Text.assemble(cell(one), justify="right"))

    def _add_rows(self, first: int = 0) -> None:
        """Add some rows, and the next ones when keys have been handled."""
        for segment in self._segments[first : first + _AT_ONCE]:
            cells = (cell(segment) for cell in self._cells)
            self.query_one(DataTable).add_row(*cells, key=str(segment.row))
        if first + _AT_ONCE < len(self._segments):
            self.set_timer(0.01, partial(self._add_rows, first + _AT_ONCE))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the segment."""
        if self._sources is not None and event.row_key.value is not None:
            from genre_tui.confusion.segment_dialog import SegmentDialog

            row = int(event.row_key.value)
            self.app.push_screen(SegmentDialog(self._model, self._sources, row))

    def action_copy(self) -> None:
        """Copy the list as CSV."""
        if self._segments:
            self.app.copy_to_clipboard(self._csv)
            self.notify(f"Copied {plural(len(self._segments), 'segment')}.", markup=False)

    def action_close(self) -> None:
        """Close it with the list."""
        self.dismiss(self._csv)


def _track(segment: Segment) -> str:
    return segment.track or f"row {segment.place[1]}"


def _share(genre: int, segment: Segment) -> Text:
    """The probability of a genre; the highest one is bold."""
    share = segment.probability[genre]
    return Text(f"{share * 100:.1f}", "bold" if share == max(segment.probability) else "")
