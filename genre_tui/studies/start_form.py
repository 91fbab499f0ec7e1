"""The form that starts a run."""

from __future__ import annotations

import threading
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.timer import Timer
from textual.widgets import Button, Input, Static

from data.terminal.text import clean
from experiments.runs.directory import RunDirectory
from genre_tui.core.background import in_background
from genre_tui.model import dataset_rows
from genre_tui.model.dataset_rows import Datasets
from genre_tui.shell.dialog import Dialog
from genre_tui.shell.page import Page
from genre_tui.studies.messages import Launched
from genre_tui.studies.run_order import Checked, Entries, Order, check, launch
from genre_tui.studies.start_form_fields import OrderFields
from genre_tui.studies.study_rows import StudyLine

_REST = 0.15  # seconds without a key after which the form is checked


class StudyForm(Dialog[None]):
    """Asks how to run a study, says what that takes, and starts it.

    Args:
        line: of the study.
        page: is told how starting ended, whether the form is still there or not.
    """

    DEFAULT_CSS = """
    StudyForm > #box { width: 96; max-width: 100%; max-height: 100%; }
    StudyForm > #box { scrollbar-size-vertical: 1; }
    StudyForm #buttons { height: 1; margin-top: 1; }
    StudyForm Button { margin-right: 2; }
    StudyForm #takes { margin-top: 1; }
    StudyForm #command { color: $text-muted; }
    StudyForm #status { display: none; }
    StudyForm #status.-said { display: block; }
    StudyForm #status.-wrong { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start"),
        Binding("ctrl+y", "copy", "Copy the command line"),
    ]

    def __init__(self, line: StudyLine, page: Page) -> None:
        super().__init__()
        self._line, self._page = line, page
        self._datasets = Datasets((), "")
        self._checked: tuple[Entries, Checked] | None = None
        self._timer: Timer | None = None
        self._starts_then = self._is_starting = False

    def compose(self) -> ComposeResult:
        """The fields, what it takes, the command, buttons."""
        with VerticalScroll(id="box", can_focus=False):
            yield Static(Text(clean(f"Run {self._line.name}")), classes="title")
            yield Static(Text("Tab: next field; Space: choose or tick"), classes="dim")
            yield OrderFields(self._line)
            yield Static(id="takes")
            yield Static(id="command")
            with Horizontal(id="buttons"):
                yield Button("Start ^s", compact=True, variant="primary", id="start", disabled=True)
                yield Button("Copy command ^y", compact=True, id="copy")
                yield Button("Close esc", compact=True, id="close")
            yield Static(id="status")

    def on_mount(self) -> None:
        """See which datasets there are."""
        work = partial(dataset_rows.look, self._page.session.data)
        in_background(self, "look", work, self._offer, self.refused)

    @property
    def checked(self) -> Checked | None:
        """What the entries mean; None where they have not been checked yet."""
        if self._checked is None or self._checked[0] != self._fields.entries:
            return None
        return self._checked[1]

    @property
    def _fields(self) -> OrderFields:
        return self.query_one(OrderFields)

    def _offer(self, found: Datasets) -> None:
        self._datasets = found
        self._fields.offer(found, self._page.session.data or found.default)
        self._check()

    @on(OrderFields.Changed)
    def _changed(self) -> None:
        """Check it when no key has come for a moment."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_REST, self._check)

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    def _check(self) -> None:
        entries = self._fields.entries
        work = partial(check, entries, self._datasets.line(entries.data))
        in_background(self, "check", work, partial(self._take, entries), self.refused)

    def _take(self, entries: Entries, checked: Checked) -> None:
        """Show what the entries mean."""
        self._checked = entries, checked
        self._fields.tell(checked.problems)
        takes, command = Text(), ""
        if checked.order is not None:
            takes.append(_takes(checked), "bold")
            for note in checked.notes:
                takes.append(f"\n{clean(note)}")
            command = checked.order.command(self._page.session.runs)
        elif "study" in checked.problems:
            takes.append(clean(checked.problems["study"]), "bold red")
        self.query_one("#takes", Static).update(takes)
        self.query_one("#command", Static).update(Text(clean(command)))
        self._enable()
        starts, self._starts_then = self._starts_then, False
        if starts:
            self.action_start()

    def _enable(self) -> None:
        wrong = self._checked is None or self._checked[1].order is None
        self.query_one("#start", Button).disabled = wrong or self._is_starting

    @on(Button.Pressed, "#close")
    def _leave(self) -> None:
        self.action_close()

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        """Copy the command line that starts the same run."""
        checked = self.checked
        if checked is None or checked.order is None:
            self.tell("There is no command line until the form is right.", is_wrong=True)
        else:
            self.app.copy_to_clipboard(checked.order.command(self._page.session.runs))
            self.tell("Copied the command line.")

    @on(Button.Pressed, "#start")
    def action_start(self) -> None:
        """Start the run as the command line does."""
        checked = self.checked
        if self._is_starting:
            return
        if checked is None:
            self._starts_then = True  # as soon as it is known to be right
        elif checked.order is None:
            self._fields.go_to(next(iter(checked.problems), ""))
        else:
            self._is_starting = True
            self._enable()
            self.tell("starting ...")
            thread = threading.Thread(target=self._launch, args=(checked.order,), daemon=True)
            thread.start()

    def _launch(self, order: Order) -> None:
        """In a thread that nobody waits for: leaving the program does not end what it starts."""
        run: RunDirectory | None = None
        problem = ""
        try:
            dataset = self._datasets.line(order.data)
            run = launch(
                order, dataset, self._page.session.runs, partial(self.call_later, self.tell)
            )
        except Exception as error:  # of any kind: the form has to say so
            problem = clean(str(error)) or type(error).__name__
        self._page.post_message(Launched(self, run, problem))

    def tell(self, line: str, *, is_wrong: bool = False) -> None:
        """Say something below the buttons."""
        status = self.query_one("#status", Static)
        status.set_class(is_wrong, "-wrong").add_class("-said")
        status.update(Text(clean(f"! {line}" if is_wrong else line)))
        status.scroll_visible(animate=False)

    def refused(self, problem: str) -> None:
        """The run was not started; all entries are still there."""
        self._is_starting = False
        self._enable()
        self.tell(problem, is_wrong=True)


def _takes(checked: Checked) -> str:
    many = f"{checked.trials} trial{'s' if checked.trials != 1 else ''}"
    return f"{many}: {checked.time} on this machine" if checked.time else many
