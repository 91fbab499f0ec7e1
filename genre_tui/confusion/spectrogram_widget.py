"""The widget that draws a mel-spectrogram with half blocks: two shades in a terminal cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from data.audio.parameters import FeatureParameters
from genre_tui.confusion.heat_colours import VIRIDIS, has_colours
from genre_tui.widgets.drawn_widget import DrawnWidget

Mel = Sequence[Sequence[float]]  # dB, frame by frame, low bands first

FLOOR_DB = -80.0
_HZ = (
    (16_000, "16 kHz"),
    (8000, "8 kHz"),
    (4000, "4 kHz"),
    (2000, "2 kHz"),
    (1000, "1 kHz"),
    (500, "500 Hz"),
    (250, "250 Hz"),
)
_LEFT = 7  # columns of the frequencies
_BELOW = 2  # lines of the times and the legend
_MOST_COLUMNS = 6  # of a frame
_QUARTERS = 4  # of a segment, at which times stand
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
        self._parameters: FeatureParameters | None = None
        self._range = FLOOR_DB, 0.0

    def show(self, mel: Mel, parameters: FeatureParameters | None) -> None:
        """Show another spectrogram.

        Args:
            mel: in dB; of any scale without parameters. [shape=(frames, bands)]
            parameters: of the segment, None where they are not known.
        """
        self._mel, self._parameters, self._range = mel, parameters, (FLOOR_DB, 0.0)
        if parameters is None:
            low, high = self._range = min(map(min, mel)), max(map(max, mel))
            scale = -FLOOR_DB / ((high - low) or 1.0)
            self._mel = [[(value - high) * scale for value in frame] for frame in mel]
        self.draw()

    def lines(self, width: int, height: int) -> Sequence[Iterable[Segment]]:
        """Shades, times, legend."""
        count, colours = height - _BELOW, has_colours(self.app)
        if not self._mel or count < 1 or width <= _LEFT:
            return []
        room, parameters = width - _LEFT - _RIGHT, self._parameters
        mel = pooled(self._mel, room)
        columns = edges(room, len(mel))
        shades = (self._shades(mel, y, count, columns, colours) for y in range(count))
        labels = f"{'':{_LEFT}}{len(self._mel)} frames"
        if parameters is not None:
            frames = parameters.segment_samples / parameters.hop_samples
            labels = times(
                columns, _LEFT, parameters.segment_seconds, len(mel) / len(self._mel) * frames
            )
        return [*shades, [Segment(labels, _DIM)], self._legend(colours)]

    def _shades(
        self, mel: Mel, y: int, lines: int, columns: Sequence[int], colours: bool
    ) -> Iterator[Segment]:
        hz = (
            ""
            if self._parameters is None
            else frequency(y, lines, len(mel[0]), self._parameters.sample_rate / 2)
        )
        yield Segment(hz.rjust(_LEFT - 1) + " ", _DIM)
        halves = 2 if colours else 1
        upper = (lines - y) * halves - 1  # counted from below
        rows = lines * halves
        for frame, (begin, end) in zip(mel, pairwise(columns), strict=True):
            high = level(frame, upper, rows)
            if colours:
                style = Style(color=_colour(high), bgcolor=_colour(level(frame, upper - 1, rows)))
                yield Segment(_HALF * (end - begin), style)
            else:
                yield Segment(_ink(high) * (end - begin))

    def _legend(self, colours: bool) -> Iterator[Segment]:
        low, high = (f"{value:.4g}" for value in self._range)
        yield Segment(" " * _LEFT + f"{low} ", _DIM)
        for place in range(_LEGEND):
            share = place / (_LEGEND - 1)
            yield Segment(" ", Style(bgcolor=_colour(share))) if colours else Segment(_ink(share))
        below = " dB below the loudest" if self._parameters is not None else ""
        yield Segment(f" {high}{below}", _DIM)


def pooled(mel: Mel, room: int) -> Mel:
    """No more frames than there are columns: each the loudest of several, band by band."""
    frames, count = len(mel), min(len(mel), room)
    if count == frames:
        return mel
    parts = ((n * frames // count, (n + 1) * frames // count) for n in range(count))
    return [[max(bands) for bands in zip(*mel[begin:end], strict=True)] for begin, end in parts]


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


def times(columns: Sequence[int], left: int, seconds: float, frames: float) -> str:
    """The quarters of a segment of some seconds below the middles of their frames.

    Args:
        columns: at which the frames begin, and the last one's end.
        left: columns before them.
        seconds: length of the segment.
        frames: that begin in the segment.
    """
    line = [" "] * (left + columns[-1] + 8)
    unit, scale = ("ms", 1000) if seconds < 2 else ("s", 1)
    for quarter in range(_QUARTERS + 1):
        frame = int(quarter / _QUARTERS * frames + 1e-9)
        if frame + 1 >= len(columns):
            continue
        label = f"{quarter / _QUARTERS * seconds * scale:g}"
        middle = (columns[frame] + columns[frame + 1]) // 2
        begin = max(left + middle - len(label) // 2, 0)
        line[begin : begin + len(label)] = label
    return f"{''.join(line).rstrip()} {unit}"


def frequency(y: int, lines: int, bands: int, highest: float) -> str:
    """The label of a line, counted from above: a frequency up to the highest, or ""."""
    for hz, name in _HZ:
        band = _mel_of(hz) / _mel_of(highest) * (bands + 1) - 1
        if hz <= highest and lines - 1 - min(int(band * lines / bands), lines - 1) == y:
            return name
    return ""


def _mel_of(hz: float) -> float:
    """Slaney's mel scale: linear below 1000 Hz, logarithmic above."""
    return 3 * hz / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)


def _ink(share: float) -> str:
    return _INK[min(int(share * len(_INK)), len(_INK) - 1)]


def _colour(share: float) -> Color:
    return VIRIDIS.get_rich_color(round(share * _SHADES) / _SHADES)
