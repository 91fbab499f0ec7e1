"""Form widgets: rows of label, fields and error message; checkboxes and radio buttons.

Checkboxes and radio buttons show their value by characters, so that it is visible without colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

_GAP = 2  # columns between two choices


class FormRow(Vertical):
    """A line of a form: label, fields and a hint, with an error message below."""

    DEFAULT_CSS = """
    FormRow { height: auto; }
    FormRow > Horizontal { height: 1; }
    FormRow .label { width: 11; color: $text-muted; }
    FormRow .hint { width: auto; max-width: 1fr; color: $text-muted; padding-left: 1; }
    FormRow .problem { display: none; height: auto; padding-left: 11; color: $text-error; }
    FormRow.-wrong .problem { display: block; }
    FormRow Input { width: 1fr; background: $panel; }
    FormRow Input:focus { background: $primary 30%; }
    FormRow Select { width: 1fr; }
    FormRow SelectCurrent { background: $panel; }
    FormRow Select:focus > SelectCurrent { background: $block-cursor-background; }
    FormRow Select:focus > SelectCurrent.-has-value Static#label {
        color: $block-cursor-foreground;
    }
    FormRow Select:ansi:focus > SelectCurrent { text-style: reverse; }
    FormRow Input.-short { width: 9; }
    """

    def __init__(self, label: str, *fields: Widget, id: str | None = None) -> None:
        super().__init__(id=id)
        self._label, self._fields, self._hint = label, fields, ""

    def compose(self) -> ComposeResult:
        """Label, fields and hint on one line, the error message below."""
        with Horizontal():
            yield Static(Text(self._label), classes="label")
            yield from self._fields
            yield Static(classes="hint")
        yield Static("", classes="problem")

    def set_hint(self, hint: str) -> None:
        """Set the text behind the fields."""
        if hint != self._hint:
            self._hint = hint
            text = Text(hint, no_wrap=True, overflow="ellipsis")
            self.query_one(".hint", Static).update(text)

    def show_problem(self, problem: str) -> None:
        """Show an error message, or hide it where it is empty."""
        self.set_class(bool(problem), "-wrong")
        self.query_one(".problem", Static).update(Text(f"! {problem}"))


class FormChoice(Static, can_focus=True):
    """Base of checkboxes and radio buttons; it has a reactive `value`."""

    DEFAULT_CSS = """
    FormChoice { width: auto; height: 1; margin-right: 2; }
    FormChoice:focus { background: $block-cursor-background; color: $block-cursor-foreground; }
    FormChoice:disabled { color: $text-disabled; }
    FormChoice:ansi:focus { text-style: reverse; }
    """

    class Changed(Message):
        """Another value is chosen."""

    def watch_value(self) -> None:
        """Redraw it, and post `Changed`."""
        self.refresh()
        self.post_message(self.Changed())


class FormCheckbox(FormChoice):
    """A checkbox, [x] or [ ], with its label behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "turn", "Turn on or off", show=False)
    ]
    value = reactive(False, init=False)

    def __init__(self, label: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._label = label

    def render(self) -> Text:
        """The box and the label."""
        return Text(f"[{'x' if self.value else ' '}] {self._label}")

    def action_turn(self) -> None:
        """Check or clear it."""
        self.value = not self.value

    def on_click(self) -> None:
        """Check or clear it."""
        self.action_turn()


class FormRadio(FormChoice):
    """Radio buttons: (o) this  ( ) that."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space,enter", "step(1)", "Next choice", show=False),
        Binding("left", "step(-1)", "Choice before", show=False),
    ]
    value = reactive("", init=False)

    def __init__(self, choices: Sequence[str], value: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._choices = choices
        self.set_reactive(FormRadio.value, value)

    def render(self) -> Text:
        """All buttons with their labels."""
        return Text((" " * _GAP).join(map(self._shown, self._choices)))

    def action_step(self, steps: int) -> None:
        """Choose the next or previous value, cyclically."""
        place = self._choices.index(self.value) + steps
        self.value = self._choices[place % len(self._choices)]

    def on_click(self, event: events.Click) -> None:
        """Choose the clicked value."""
        place = 0
        for value in self._choices:
            width = len(self._shown(value))
            if place <= event.x < place + width:
                self.value = value
            place += width + _GAP

    def _shown(self, value: str) -> str:
        return f"({'o' if value == self.value else ' '}) {value}"
