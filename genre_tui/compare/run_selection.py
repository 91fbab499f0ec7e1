"""The selection of runs for the screen Compare."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.text import Text

from experiments.runs.directory import RunDirectory
from genre_tui.core.theme import STATE_GLYPH
from genre_tui.watch.run_summary import RunSummary


class RunSelection:
    """The open run, the marked ones, or one picked from a list.

    Several marked runs are compared with each other, a single one with the open run.

    Attributes:
        alone: whether one run is shown alone.
        picked: run to compare the open one with, instead of marked ones.
        turns: number of rotations of the runs' order.
    """

    def __init__(self) -> None:
        self.alone = False
        self.picked: RunDirectory | None = None
        self.turns = 0

    def runs(
        self,
        known: Sequence[RunSummary],
        open_run: RunDirectory | None,
        marks: Collection[str],
    ) -> list[RunDirectory]:
        """The selected ones of all runs, the newest first; the others are compared with the first.

        `marks` are names of marked runs.
        """
        there = [one.run for one in known if one.state != "damaged"]
        marked = [run for run in reversed(there) if run.name in marks]
        base = open_run or (marked[0] if marked else there[0] if there else None)
        if base is None:
            return []
        if self.alone:
            return [base]
        if self.picked is not None:
            runs = [base, self.picked]
        else:
            runs = marked if len(marked) > 1 else [base, *marked]
        unlike = list({run.path.resolve(): run for run in runs}.values())
        turns = self.turns % len(unlike)
        return unlike[turns:] + unlike[:turns]

    def reset(self, picked: RunDirectory | None = None, *, alone: bool = False) -> None:
        """Select the marked runs or the open one, another beside the open one, or one alone."""
        self.alone, self.picked, self.turns = alone, picked, 0


def run_line(one: RunSummary) -> Text:
    """A run as a line of a list."""
    text = Text(f"{STATE_GLYPH[one.state]} {one.run.name}", no_wrap=True)
    text.append(f"  {one.protocol} on {one.dataset}, {one.done} of {one.trials} trials", "dim")
    return text
