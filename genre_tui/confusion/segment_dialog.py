"""The dialog with a test segment: mel-spectrogram or MFCC statistics, and probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from data.audio.parameters import FeatureParameters
from data.datasets.dataset import Split
from genre_tui.confusion.segments import (
    Segment,
    SegmentSources,
    at_row,
    features_of,
    neighbours,
)
from genre_tui.confusion.spectrogram_widget import SpectrogramWidget
from genre_tui.core.background import in_background
from genre_tui.core.short_names import shortened
from genre_tui.model.run_model import RunModel
from genre_tui.shell.base_page import BasePage
from genre_tui.shell.dialogs import Dialog

_PLOT = 41  # columns, an odd number so that zero has one of its own


_MOST_LINES = 20


def mfcc_lines(mfcc: Sequence[float], parameters: FeatureParameters | None) -> Text:
    """A line for each coefficient: mean, standard deviation, both drawn.

    The first coefficient is the loudness, which has another scale and is not drawn.
    Statistics of which nothing else is known are numbers alone.

    Args:
        mfcc: the means, then the standard deviations.
        parameters: of the features, None where they are not known.
    """
    if parameters is None:
        title = "Features of the segment: the dataset has no mel-spectrograms"
        lines = [f"{number:>4}{value:>12.5g}" for number, value in enumerate(mfcc)]
    else:
        title = (
            f"MFCC statistics over {parameters.mfcc_frames} frames: the dataset has no "
            "mel-spectrograms"
        )
        count = len(mfcc) // 2
        pairs = list(zip(mfcc[:count], mfcc[count:], strict=True))
        reach = max((abs(mean) + spread for mean, spread in pairs[1:]), default=1.0) or 1.0
        lines = [
            f"{number:>4}{mean:>9.2f}{spread:>9.2f}   "
            + ("loudness, not drawn" if number == 0 else _plot(mean, spread, reach))
            for number, (mean, spread) in enumerate(pairs)
        ]
    text = Text(f"{title}\n\n", "bold")
    if parameters is not None:
        text.append(f"{'':>4}{'mean':>9}{'std':>9}   {_axis(reach)}\n", "dim not bold")
    more = [f"and {len(lines) - _MOST_LINES} more"] * (len(lines) > _MOST_LINES)
    return text.append("\n".join([*lines[:_MOST_LINES], *more]), "not bold")


def _axis(reach: float) -> str:
    low, high = f"-{reach:.2g}", f"{reach:.2g}"
    half = _PLOT // 2
    return f"{low.ljust(half)}0{high.rjust(half)}"


def _plot(mean: float, spread: float, reach: float) -> str:
    """The mean as a dot, one standard deviation to both sides as a line."""
    line = [" "] * _PLOT
    line[_PLOT // 2] = "┊"

    def place(value: float) -> int:
        at = round((value / reach + 1) / 2 * (_PLOT - 1))
        return min(max(at, 0), _PLOT - 1)

    low, high = place(mean - spread), place(mean + spread)
    line[low : high + 1] = "─" * (high + 1 - low)
    line[low], line[high] = "├", "┤"
    line[place(mean)] = "●"
    return "".join(line).rstrip()


_BAR, _NAME = 10, 14
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class SegmentDialog(Dialog[None]):
    """The segment of a test row; keys step to its neighbours in the track."""

    HORIZONTAL_BREAKPOINTS = BasePage.HORIZONTAL_BREAKPOINTS
    DEFAULT_CSS = """
    SegmentDialog > #box { width: 96%; height: 94%; max-width: 100%; max-height: 100%; }
    SegmentDialog #about { height: auto; max-height: 3; }
    SegmentDialog #first { height: 1; }
    SegmentDialog.-wide #first { display: none; }
    SegmentDialog #probabilities { width: 34; padding-left: 2; display: none; }
    SegmentDialog.-wide #probabilities { display: block; }
    SegmentDialog #numbers { height: 1fr; width: 1fr; display: none; }
    SegmentDialog.-plain #numbers { display: block; }
    SegmentDialog.-plain SpectrogramWidget { display: none; }
    SegmentDialog #hint { height: 1; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("comma,left", "step(0)", "Segment before, in the track"),
        Binding("full_stop,right", "step(1)", "Segment after, in the track"),
    ]

    def __init__(self, model: RunModel, sources: SegmentSources, row: int) -> None:
        super().__init__()
        self._model, self._sources = model, sources
        self._parameters = None if sources.reader is None else sources.reader.parameters
        self.row = row

    def compose(self) -> ComposeResult:
        """Description, spectrogram with probabilities beside it, keys."""
        with Vertical(id="box"):
            yield Static(id="about")
            yield Static(id="first")
            with Horizontal():
                yield SpectrogramWidget(id="mel")
                yield Static(id="numbers")
                yield Static(id="probabilities")
            yield Static(Text(", segment before   . segment after   Esc closes"), id="hint")

    def on_mount(self) -> None:
        """Show the first segment."""
        self._read(self.row)

    def action_step(self, after: int) -> None:
        """Step to a neighbour in the track."""
        row = neighbours(self._sources, self.row)[after]
        if row is None:
            where = "last" if after else "first"
            self.notify(f"This is the {where} segment of its track in the test rows.", markup=False)
        else:
            self._read(row)

    def _read(self, row: int) -> None:
        self.row = row
        self._show(at_row(self._sources, row))
        work = partial(features_of, self._sources, row)
        in_background(self, "features", work, self._draw, self._fail)

    def _draw(self, features: Split) -> None:
        self.set_class(features.mel is None, "-plain")
        if features.mel is not None:
            self.query_one(SpectrogramWidget).show(features.mel[0].tolist(), self._parameters)
        elif features.mfcc is not None:
            self.put("#numbers", mfcc_lines(features.mfcc[0].tolist(), self._parameters))

    def _fail(self, problem: str) -> None:
        self.add_class("-plain")
        self.put("#numbers", problem)

    def _show(self, segment: Segment) -> None:
        """Track, second, true and predicted genre, probabilities."""
        genres, count = self._model.genres, len(self._sources.predictions)
        where = segment.track or f"test row {segment.row}, of an unknown track"
        if segment.start is not None:
            where += f", second {segment.start:g}"
            if self._parameters is not None:
                where += f" to {segment.start + self._parameters.segment_seconds:g}"
        text = Text(where, "bold", no_wrap=True, overflow="ellipsis")
        is_right = segment.predicted == segment.true
        verdict = "recognised" if is_right else f"taken for {genres[segment.predicted]}"
        text.append(f"\n{genres[segment.true]}, {verdict}", "not bold")
        if count > 1:
            text.append(f" by {segment.trials} of {count} seeds", "not bold")
        order = sorted(range(len(genres)), key=lambda place: -segment.probability[place])
        self.put("#about", text)
        first = (f"{genres[n]} {segment.probability[n] * 100:.1f} %" for n in order[:3])
        self.put("#first", ", ".join(first))
        lines = Text("Probability, mean of seeds\n" if count > 1 else "Probability\n", "bold")
        for place in order:
            share = segment.probability[place]
            name = shortened(genres[place], _NAME).ljust(_NAME)
            style = "bold" if place == segment.true else "not bold"
            lines.append(f"{name} {_bar(share)} {share * 100:5.1f}\n", style)
        self.put("#probabilities", lines)


def _bar(share: float) -> str:
    """A bar in eighths of a cell."""
    eighths = round(min(max(share, 0.0), 1.0) * _BAR * 8)
    full, rest = divmod(eighths, 8)
    return (_EIGHTHS[-1] * full + (_EIGHTHS[rest] if rest else "")).ljust(_BAR)
