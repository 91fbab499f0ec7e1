"""What the start form sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from experiments.runs.directory import RunDirectory

if TYPE_CHECKING:
    from textual.screen import Screen


class Launched(Message):
    """How starting a run has ended.

    Args:
        form: that asked for it, and may have been closed since.
        run: its directory; None where it was not started.
        problem: why not, or "".
    """

    def __init__(self, form: Screen[None], run: RunDirectory | None, problem: str) -> None:
        super().__init__()
        self.form, self.run, self.problem = form, run, problem
