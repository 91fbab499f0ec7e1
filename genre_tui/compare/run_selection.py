"""Which runs the screen Compare is about."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.text import Text

from data.terminal.text import clean
from experiments.runs.directory import RunDirectory
from genre_tui.core.theme import STATE_GLYPH
from genre_tui.watch.run_summary import RunSummary


class Chosen:
    """The run that is looked at, those that are marked, or one picked from a list.

    Several marked runs are set side by side; a single one is set beside the run that is
    looked at. `alone` leaves one run, and `picked` takes the place of the marks.
    """

    def __init__(self) -> None:
        self.alone = False
        self.picked: RunDirectory | None = None
        self.turns = 0

    def runs(
        self,
        seen: Sequence[RunSummary],
        looked_at: RunDirectory | None,
        marks: Collection[str],
    ) -> list[RunDirectory]:
        """The runs, that which others are held against first.

        Args:
            seen: all runs, the newest first.
            looked_at: the run that screens are about, if any.
            marks: names of marked runs.
        """
        there = [one.run for one in seen if one.state != "damaged"]
        marked = [run for run in reversed(there) if run.name in marks]
        base = looked_at or (marked[0] if marked else there[0] if there else None)
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

    def begin(self) -> None:
        """Show what is marked, or else looked at."""
        self.alone, self.picked, self.turns = False, None, 0

    def pick(self, run: RunDirectory) -> None:
        """Set a run beside the one that is looked at."""
        self.alone, self.picked, self.turns = False, run, 0

    def other_way(self) -> None:
        """Show one run alone, or again several."""
        self.alone, self.picked, self.turns = not self.alone, None, 0


def run_line(one: RunSummary) -> Text:
    """A run in a line of a list."""
    text = Text(f"{STATE_GLYPH.get(one.state, '?')} {clean(one.run.name)}", no_wrap=True)
    text.append(f"  {one.protocol} on {one.dataset}, {one.done} of {one.trials} trials", "dim")
    return text
