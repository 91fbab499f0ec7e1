"""Base of the pages Runs and Run: stops, resumes and removes runs, in threads."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from functools import partial

from data.terminal.text import size_text
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import is_alive
from experiments.runs.removal import check_removable, remove
from genre_tui.core.app_session import runs_option
from genre_tui.core.background import in_background
from genre_tui.shell.base_page import BasePage
from genre_tui.shell.dialogs import ConfirmDialog


class RunControlPage(BasePage):
    """A page that can stop, resume and remove runs."""

    def action_stop(self) -> None:
        """Stop the run at the end of its epoch, after a question."""

        def stop(run: RunDirectory) -> str:
            from experiments.execution.stopping import request_stop

            request_stop(run)
            return f"{run.name} stops at the end of its epoch. Press r to resume it later."

        about = "It keeps all that it has done, and can be resumed."
        self._stop("Stop {} at the end of its epoch?", about, "stop it", stop)

    def action_stop_now(self) -> None:
        """Kill the run's processes, after a question."""

        def kill(run: RunDirectory) -> str:
            from experiments.execution.stopping import end_now

            end_now(run)
            return f"{run.name} has ended. What was committed is kept."

        about = "What was trained since the last checkpoint is trained again on resuming."
        self._stop("End the processes of {} at once?", about, "end them", kill)

    def _stop(
        self, question: str, about: str, yes: str, stop: Callable[[RunDirectory], str]
    ) -> None:
        run = self.reported
        if run is None or not self.may_change("stopped"):
            return
        nothing = f"{run.name} is not running: there is nothing to stop."
        if is_alive(run):
            asked = ConfirmDialog(question.format(run.name), [about], yes, "let it go on")
            self._ask(asked, lambda: stop(run) if is_alive(run) else nothing)
        else:
            self.show_message(nothing)

    def action_resume(self) -> None:
        """Resume the run from its checkpoints, unless it is running."""
        run = self.reported
        if run is None:
            return

        def work() -> str:
            from experiments.execution.launch import resume
            from experiments.runs.state import state_of

            if not is_alive(run) and state_of(run, run.read_manifest()).state == "finished":
                return f"{run.name} is finished: there is nothing left to do."
            resume(run)
            return f"{run.name} goes on."

        if is_alive(run):
            state = "stopping" if run.stop_is_asked else "running"
            self.show_message(f"{run.name} is {state}: there is nothing to resume.")
        elif self.may_change("resumed"):
            self.show_message(f"Resuming {run.name} ...")
            self._do(work)

    def remove_runs(self, runs: Sequence[RunDirectory]) -> None:
        """Remove runs with all their files, after a question that lists them."""
        if not self.may_change("removed"):
            return
        try:
            for run in runs:
                check_removable(run)
        except RunError as error:
            self.show_problem(str(error))
            return
        names = [run.name for run in runs]
        many, them = (f"{len(runs)} runs", "them") if len(runs) > 1 else ("this run", "it")
        question = f"Remove {many}, with records and models?"
        asked = ConfirmDialog(question, names, f"remove {them}", f"keep {them}")

        def show(sizes: list[int]) -> None:
            asked.set_question(
                f"{question[:-1]} ({size_text(sum(sizes))})?",
                [f"{name}  {size_text(size)}" for name, size in zip(names, sizes, strict=True)],
            )

        def work() -> str:
            for run in runs:
                remove(run)  # unless it was resumed meanwhile
            return f"Removed {len(runs)} runs." if len(runs) > 1 else f"Removed {runs[0].name}"

        self._ask(asked, work)
        in_background(asked, "sizes", partial(_sizes, runs), show, lambda problem: None)

    def command(self, what: str, run: RunDirectory) -> str:
        """A command line about a run, such as one that resumes it."""
        words = ["python", "-m", "experiments", what, run.path.name]
        return shlex.join(words + runs_option(self.session.runs))

    def _ask(self, asked: ConfirmDialog, work: Callable[[], str]) -> None:
        """Do the work where the user agrees."""
        self.app.push_screen(asked, lambda agreed: self._do(work) if agreed else None)

    def _do(self, work: Callable[[], str]) -> None:
        fail = partial(self._done, problem=True)
        in_background(self, "control", work, self._done, fail)

    def _done(self, text: str, *, problem: bool = False) -> None:
        self.show_message(text, problem=problem)
        self.app.refresh_runs()


def _sizes(runs: Sequence[RunDirectory]) -> list[int]:
    """Bytes of each run's files."""
    return [sum(path.lstat().st_size for path in run.path.rglob("*")) for run in runs]
