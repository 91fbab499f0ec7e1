"""What forms are made of: rows of a label, a field and the sentence below it; ticks and picks.

Ticks and picks show what is chosen by their signs, so that it is told without colours, too.
"""

from __future__ import annotations

from collections.abc import Mapping
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

from data.terminal.text import clean

_GAP = 2  # columns between two choices


class Entry(Vertical):
    """A line of a form, and below it what is wrong with it.

    Args:
        label: in front.
        fields: of this entry, on one line.
        hint: behind them; see `suggest`.
        id: of the entry.
    """

    DEFAULT_CSS = """
    Entry { height: auto; }
    Entry > Horizontal { height: 1; }
    Entry .label { width: 11; color: $text-muted; }
    Entry .hint { width: auto; max-width: 1fr; color: $text-muted; padding-left: 1; }
    Entry .problem { display: none; height: auto; padding-left: 11; color: $text-error; }
    Entry.-wrong .problem { display: block; }
    Entry Input { width: 1fr; background: $panel; }
    Entry Input:focus { background: $primary 30%; }
    Entry Select { width: 1fr; }
    Entry SelectCurrent { background: $panel; }
    Entry Select:focus > SelectCurrent { background: $block-cursor-background; }
    Entry Select:focus > SelectCurrent.-has-value Static#label {
        color: $block-cursor-foreground;
    }
    Entry Select:ansi:focus > SelectCurrent { text-style: reverse; }
    Entry Input.-short { width: 9; }
    """

    def __init__(self, label: str, *fields: Widget, hint: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._label, self._fields, self._hint = label, fields, hint

    def compose(self) -> ComposeResult:
        """One line, and room for a sentence."""
        with Horizontal():
            yield Static(Text(self._label), classes="label")
            yield from self._fields
            yield Static(_one_line(self._hint), classes="hint")
        yield Static("", classes="problem")

    def suggest(self, hint: str) -> None:
        """Say what may be entered."""
        if hint != self._hint:
            self._hint = hint
            self.query_one(".hint", Static).update(_one_line(hint))

    def tell(self, problem: str) -> None:
        """Say what is wrong; "" where nothing is."""
        self.set_class(bool(problem), "-wrong")
        self.query_one(".problem", Static).update(Text(clean(f"! {problem}")))


class Tick(Static, can_focus=True):
    """Something that is asked for or not: [x] or [ ].

    Args:
        label: behind it.
        value: whether it is asked for.
        id: of the widget.
    """

    DEFAULT_CSS = """
    Tick { width: auto; height: 1; margin-right: 2; }
    Tick:focus { background: $block-cursor-background; color: $block-cursor-foreground; }
    Tick:disabled { color: $text-disabled; }
    Tick:ansi:focus { text-style: reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "turn", "Turn on or off", show=False)
    ]
    value = reactive(False, init=False)

    class Changed(Message):
        """It is asked for now, or no longer."""

    def __init__(self, label: str, value: bool = False, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._label = label
        self.set_reactive(Tick.value, value)

    def render(self) -> Text:
        """A sign and the label."""
        return Text(f"[{'x' if self.value else ' '}] {self._label}")

    def watch_value(self) -> None:
        """Tell of it."""
        self.refresh()
        self.post_message(self.Changed())

    def action_turn(self) -> None:
        """Turn it on or off."""
        self.value = not self.value

    def on_click(self) -> None:
        """Turn it on or off."""
        self.action_turn()


class Pick(Static, can_focus=True):
    """One of some values: (o) this  ( ) that.

    Args:
        choices: values with their labels.
        value: that is chosen.
        id: of the widget.
    """

    DEFAULT_CSS = """
    Pick { width: auto; height: 1; margin-right: 2; }
    Pick:focus { background: $block-cursor-background; color: $block-cursor-foreground; }
    Pick:ansi:focus { text-style: reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space,enter", "step(1)", "Next choice", show=False),
        Binding("left", "step(-1)", "Choice before", show=False),
    ]
    value = reactive("", init=False)

    class Changed(Message):
        """Another value is chosen."""

        def __init__(self, pick: Pick) -> None:
            super().__init__()
            self.pick = pick

    def __init__(self, choices: Mapping[str, str], value: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._choices = dict(choices)
        self.set_reactive(Pick.value, value)

    def render(self) -> Text:
        """All labels, each with a sign."""
        return Text((" " * _GAP).join(map(self._shown, self._choices)))

    def watch_value(self) -> None:
        """Tell of it."""
        self.refresh()
        self.post_message(self.Changed(self))

    def action_step(self, steps: int) -> None:
        """Choose the one after or before, round and round."""
        values = list(self._choices)
        self.value = values[(values.index(self.value) + steps) % len(values)]

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        place = 0
        for value in self._choices:
            width = len(self._shown(value))
            if place <= event.x < place + width:
                self.value = value
            place += width + _GAP

    def _shown(self, value: str) -> str:
        return f"({'o' if value == self.value else ' '}) {self._choices[value]}"


def _one_line(text: str) -> Text:
    return Text(clean(text), no_wrap=True, overflow="ellipsis")
