"""What background threads tell the screens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual.message import Message

from experiments.runs.directory import RunDirectory
from experiments.runs.state import State
from genre_tui.watch.run_summary import RunSummary

if TYPE_CHECKING:
    pass


class RunsSeen(Message):
    """All runs as they are now, the newest first; only told when something has changed.

    Args:
        summaries: of the runs.
        complete: whether all have been read, or more is coming.
        problem: why there are none, where their folder is not there or cannot be read.
    """

    def __init__(
        self, summaries: tuple[RunSummary, ...], complete: bool, problem: str = ""
    ) -> None:
        super().__init__()
        self.summaries, self.complete, self.problem = summaries, complete, problem


class RunTold(Message):
    """What is new of the run that is watched.

    Args:
        run: its directory.
        anew: forget what was told before: the events begin again.
        events: new ones, in the order of writing.
        state: of the run now; None where it is not known yet.
        owner: who carries it out, in words; "" where nobody does.
        reason: of a failure.
        problem: why it cannot be read, or "".
        results: of its trials, once nobody carries it out; None where they were told before.
        facts: what its run.json says now, where it tells more than before; else None.
    """

    def __init__(
        self,
        run: RunDirectory,
        anew: bool,
        events: tuple[dict[str, Any], ...],
        state: State | None,
        owner: str,
        reason: str,
        problem: str,
        results: Mapping[str, Mapping[str, Any] | None] | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.run, self.anew, self.events = run, anew, events
        self.state, self.owner, self.reason, self.problem = state, owner, reason, problem
        self.results, self.facts = results, facts
