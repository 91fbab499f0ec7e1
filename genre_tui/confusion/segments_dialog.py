"""The dialog that lists the test segments in a cell of the confusion matrix."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import DataTable, Static

from genre_tui.confusion.segments import (
    Segment,
    SegmentSources,
    in_cell,
    open_sources,
    segments_csv,
)
from genre_tui.core.background import in_background
from genre_tui.core.short_names import abbreviated
from genre_tui.model.run_model import RunModel
from genre_tui.shell.dialogs import Dialog
from genre_tui.widgets.columns import without_middle

_AT_ONCE = 100  # rows that are added before keys are handled again
_LEAST_TRACK, _MOST_TRACK = 7, 32
_LEAST_GENRE, _MOST_GENRE = 5, 14
_GAP = 2  # terminal columns between two table columns


class SegmentsDialog(Dialog[None]):
    """A table of the segments in the cell (true, predicted); Enter opens one.

    Args:
        model: of the run.
        trials: ids of the trials whose predictions count.
        true, predicted: classes.
        on_listed: called with the segments as CSV once they are listed.
        notify: called with a sentence for the user.
    """

    DEFAULT_CSS = """
    SegmentsDialog > #box { width: 96%; height: 94%; max-width: 100%; max-height: 100%; }
    SegmentsDialog #about { height: auto; max-height: 6; }
    SegmentsDialog #hint { height: 1; color: $text-muted; }
    SegmentsDialog DataTable { background: $surface; background-tint: $surface 0%; }
    SegmentsDialog DataTable > .datatable--fixed { background: $surface; color: $foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "Copy the list", show=False)]

    def __init__(
        self,
        model: RunModel,
        trials: tuple[str, ...],
        true: int,
        predicted: int,
        on_listed: Callable[[str], None],
        notify: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._model, self._trials = model, trials
        self._on_listed, self._notify = on_listed, notify
        self._true, self._predicted = true, predicted
        self._sources: SegmentSources | None = None
        self._segments: tuple[Segment, ...] = ()
        self._filled = self._track_width = 0

    def compose(self) -> ComposeResult:
        """Title, table, keys."""
        with Vertical(id="box"):
            yield Static(Text("Reading the predictions ..."), id="about")
            yield DataTable(id="segments", cursor_type="row", zebra_stripes=False)
            yield Static(Text("Enter draws it   y copies the list   Esc closes"), id="hint")

    def on_mount(self) -> None:
        """Read the segments."""

        def read() -> tuple[SegmentSources, tuple[Segment, ...]]:
            sources = open_sources(self._model.run, self._model, self._trials)
            return sources, in_cell(sources, self._true, self._predicted)

        self.query_one(DataTable).focus()
        in_background(self, "segments", read, self._show, partial(self.put, "#about"))

    def _show(self, found: tuple[SegmentSources, tuple[Segment, ...]]) -> None:
        sources, segments = found
        self._sources, self._segments = sources, segments
        genres = self._model.genres
        self._on_listed(segments_csv(genres, segments))
        true, predicted = genres[self._true], genres[self._predicted]
        is_mistake = self._true != self._predicted
        verb = f"taken for {predicted}" if is_mistake else "recognised"
        count = len(segments)
        title = f"{count} test segment{'' if count == 1 else 's'} of {true} {verb}"
        if len(sources.predictions) > 1:
            title += f" by one seed at least of {len(sources.predictions)}"
        text = Text(title, "bold").append(". Probabilities in per cent.", "not bold")
        if sources.lacking:
            text.append(f"\n{sources.lacking}", "not bold italic")
        self.put("#about", text)
        self._add_columns(genres, len(sources.predictions) > 1)
        self._add_rows()

    @property
    def _order(self) -> list[int]:
        """Genres in the order of their columns: predicted, true, then the others."""
        first = dict.fromkeys((self._predicted, self._true))
        return [*first, *(n for n in range(len(self._model.genres)) if n not in first)]

    def _add_columns(self, genres: tuple[str, ...], several: bool) -> None:
        table = self.query_one(DataTable)
        room = table.size.width - 2 - 2 * _GAP
        longest = max((cell_len(self._track(one)) for one in self._segments), default=0)
        track = max(_LEAST_TRACK, min(longest, _MOST_TRACK, room // 3))
        table.add_column(Text("track"), width=track)
        room -= track + _GAP
        if any(one.start is not None for one in self._segments):
            table.add_column(Text("second", justify="right"), width=6)
            room -= 6
        if several:
            table.add_column(Text("seeds", justify="right"), width=5)
            room -= 5 + _GAP
        each = min(max(room // len(genres) - _GAP, _LEAST_GENRE), _MOST_GENRE)
        names = abbreviated(genres, each)
        for place in self._order:
            width = max(cell_len(names[place]), _LEAST_GENRE)
            table.add_column(Text(names[place], justify="right"), width=width)
        table.fixed_columns = 1
        if each == _LEAST_GENRE:
            hint = "Enter draws it   y copies the list   left and right: more genres   Esc closes"
            self.put("#hint", hint)
        self._track_width = track

    def _track(self, segment: Segment) -> str:
        return segment.track or f"row {segment.row}"

    def _add_rows(self) -> None:
        """Add some rows, and the next ones when keys have been handled."""
        table = self.query_one(DataTable)
        part = self._segments[self._filled : self._filled + _AT_ONCE]
        for segment in part:
            table.add_row(*self._cells(segment), key=str(segment.row))
        self._filled += len(part)
        if self._filled < len(self._segments):
            self.set_timer(0.01, self._add_rows)

    def _cells(self, segment: Segment) -> list[Text]:
        cells = [Text(without_middle(self._track(segment), self._track_width), no_wrap=True)]
        if segment.start is not None:
            cells.append(Text(f"{segment.start:g}", justify="right"))
        if self._sources and len(self._sources.predictions) > 1:
            cells.append(Text(str(segment.trials), justify="right"))
        highest = max(segment.probability)
        for place in self._order:
            share = segment.probability[place]
            style = "bold" if share == highest else ""
            cells.append(Text(f"{share * 100:.1f}", style, justify="right"))
        return cells

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the segment."""
        if self._sources is not None and event.row_key.value is not None:
            from genre_tui.confusion.segment_dialog import SegmentDialog

            row = int(event.row_key.value)
            self.app.push_screen(SegmentDialog(self._model, self._sources, row))

    def action_copy(self) -> None:
        """Copy the list as CSV."""
        if self._segments:
            self.app.copy_to_clipboard(segments_csv(self._model.genres, self._segments))
            self._notify(f"Copied {len(self._segments)} segments.")
