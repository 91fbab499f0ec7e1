"""MFCC statistics as numbers and a plot, for segments without a mel-spectrogram."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

_PLOT = 41  # columns, an odd number so that zero has one of its own


def mfcc_lines(mfcc: Sequence[float]) -> Text:
    """A line a coefficient: mean, standard deviation, both drawn.

    The first coefficient is loudness, on a scale of its own; it is not drawn.

    Args:
        mfcc: means, then as many standard deviations.
    """
    count = len(mfcc) // 2
    pairs = list(zip(mfcc[:count], mfcc[count:], strict=True))
    reach = max((abs(mean) + spread for mean, spread in pairs[1:]), default=1.0) or 1.0
    text = Text()
    text.append("MFCC statistics over 20 frames: the dataset has no mel-spectrograms\n\n", "bold")
    text.append(f"{'':>4}{'mean':>9}{'std':>9}   {_axis(reach)}\n", "dim")
    for number, (mean, spread) in enumerate(pairs):
        plot = "loudness, not drawn" if number == 0 else _plot(mean, spread, reach)
        text.append(f"{number:>4}{mean:>9.2f}{spread:>9.2f}   {plot}\n")
    return text


def _axis(reach: float) -> str:
    low, high = f"-{reach:.2g}", f"{reach:.2g}"
    half = _PLOT // 2
    return f"{low.ljust(half)}0{high.rjust(half)}"


def _plot(mean: float, spread: float, reach: float) -> str:
    """The mean as a dot, a standard deviation to either side as a line."""
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
