"""The widget that draws a mel-spectrogram with half blocks: two shades in a terminal cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from genre_tui.confusion.heat_colours import VIRIDIS, has_colours
from genre_tui.widgets.drawn_widget import DrawnWidget

Mel = Sequence[Sequence[float]]  # dB, frame by frame, low bands first

FRAME_MS = 50  # between two frames
FLOOR_DB = -80.0
_HIGHEST_HZ = 4000.0
_HZ = ((4000, "4 kHz"), (2000, "2 kHz"), (1000, "1 kHz"), (500, "500 Hz"), (250, "250 Hz"))
_LEFT = 7  # columns of the frequencies
_BELOW = 2  # lines of the times and the legend
_MOST_COLUMNS = 6  # of a frame
_TIMES = (0, 250, 500, 750, 1000)
_LEGEND = 20  # columns of its shades
_HALF = "▀"
_SHADES = 20  # colours, of 4 dB each
_INK = " .:-=+*#%@"  # of ten shades, where there are no colours
_DIM = Style(dim=True)
_RIGHT = 3  # columns for the unit of the times


class SpectrogramWidget(DrawnWidget):
    """Draws a spectrogram in the available room; time goes right, frequency up."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._mel: Mel = ()

    def show(self, mel: Mel) -> None:
        """Show another spectrogram; shape (frames, bands), dB."""
        self._mel = mel
        self.draw()

    def lines(self, width: int, height: int) -> Sequence[Iterable[Segment]]:
        """Shades, times, legend."""
        count, colours = height - _BELOW, has_colours(self.app)
        if not self._mel or count < 1 or width <= _LEFT:
            return []
        columns = edges(width - _LEFT - _RIGHT, len(self._mel))
        shades = (self._shades(y, count, columns, colours) for y in range(count))
        return [*shades, [Segment(times(columns, _LEFT), _DIM)], _legend(colours)]

    def _shades(
        self, y: int, lines: int, columns: Sequence[int], colours: bool
    ) -> Iterator[Segment]:
        yield Segment(frequency(y, lines, len(self._mel[0])).rjust(_LEFT - 1) + " ", _DIM)
        halves = 2 if colours else 1
        upper = (lines - y) * halves - 1  # counted from below
        rows = lines * halves
        for frame, (begin, end) in zip(self._mel, pairwise(columns), strict=True):
            high = level(frame, upper, rows)
            if colours:
                style = Style(color=_colour(high), bgcolor=_colour(level(frame, upper - 1, rows)))
                yield Segment(_HALF * (end - begin), style)
            else:
                yield Segment(_ink(high) * (end - begin))


def edges(room: int, frames: int) -> list[int]:
    """Terminal columns at which frames begin, and the last one's end."""
    columns = max(frames, min(room, frames * _MOST_COLUMNS))
    return [frame * columns // frames for frame in range(frames + 1)]


def level(frame: Sequence[float], row: int, rows: int) -> float:
    """The loudest band of a frame in a row, counted from below: 0 at -80 dB, 1 at 0 dB."""
    bands = len(frame)
    begin = row * bands // rows
    end = max(begin + 1, (row + 1) * bands // rows)
    return min(max(1 - max(frame[begin:end]) / FLOOR_DB, 0.0), 1.0)


def times(columns: Sequence[int], left: int) -> str:
    """The times in milliseconds below the middles of their frames."""
    line = [" "] * (left + columns[-1] + 8)
    for ms in _TIMES:
        frame = ms // FRAME_MS
        if frame + 1 >= len(columns):
            continue
        label = str(ms)
        middle = (columns[frame] + columns[frame + 1]) // 2
        begin = max(left + middle - len(label) // 2, 0)
        line[begin : begin + len(label)] = label
    return f"{''.join(line).rstrip()} ms"


def frequency(y: int, lines: int, bands: int) -> str:
    """The label of a line, counted from above: a frequency, or ""."""
    for hz, name in _HZ:
        band = _mel_of(hz) / _mel_of(_HIGHEST_HZ) * (bands + 1) - 1
        if lines - 1 - min(int(band * lines / bands), lines - 1) == y:
            return name
    return ""


def _mel_of(hz: float) -> float:
    """Slaney's mel scale: linear below 1000 Hz, logarithmic above."""
    return 3 * hz / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)


def _legend(colours: bool) -> Iterator[Segment]:
    yield Segment(" " * _LEFT + f"{FLOOR_DB:.0f} ", _DIM)
    for place in range(_LEGEND):
        share = place / (_LEGEND - 1)
        yield Segment(" ", Style(bgcolor=_colour(share))) if colours else Segment(_ink(share))
    yield Segment(" 0 dB below the loudest", _DIM)


def _ink(share: float) -> str:
    return _INK[min(int(share * len(_INK)), len(_INK) - 1)]


def _colour(share: float) -> Color:
    return VIRIDIS.get_rich_color(round(share * _SHADES) / _SHADES)
