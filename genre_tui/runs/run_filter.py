"""The filter of the runs table, such as `cnn state:running f1>70 age<2d`, and its input line."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from experiments.runs.state import State
from genre_tui.runs.runs_table import age_of
from genre_tui.watch.run_summary import RunSummary
from genre_tui.widgets.status_text import StatusText

STATES: tuple[str, ...] = (*get_args(State), "damaged")
HELP = "Words, or state:running study: protocol: data: host: name: f1>70 done<100 age<2d"

_TEXTS: dict[str, Callable[[RunSummary], str]] = {
    "state": lambda run: run.state,
    "study": lambda run: run.study,
    "protocol": lambda run: run.protocol,
    "data": lambda run: run.dataset,
    "host": lambda run: run.host,
    "name": lambda run: run.run.name,
}
_NUMBERS = ("f1", "done", "age")
_SECONDS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
}
_TEXT_TERM = re.compile(r"([a-z0-9_]+):(.*)")
_NUMBER_TERM = re.compile(r"([a-z0-9_]+)(<=|>=|<|>|=)(.*)")
_AGE = re.compile(r"(\d+(?:\.\d+)?)(s|min|m|h|d|w)")

Predicate = Callable[[RunSummary, datetime], bool]


class _TermError(ValueError):
    """A term is wrong; the message names what is allowed."""


@dataclass(frozen=True)
class RunFilter:
    """Matches runs for which all predicates hold."""

    tests: tuple[Predicate, ...] = ()

    def matches(self, run: RunSummary, now: datetime) -> bool:
        """Whether a run matches; `now` is UTC, for ages."""
        return all(test(run, now) for test in self.tests)


def parse_filter(text: str) -> tuple[RunFilter, str]:
    """Parse terms separated by spaces, all of which must hold; a comma between values means or.

    Returns:
        The filter of the terms that are right, and an error message about another one, or "".
    """
    tests, problem = [], ""
    for term in text.lower().split():
        try:
            tests.append(_test(term))
        except _TermError as error:
            problem = str(error)
    return RunFilter(tuple(tests)), problem


def _test(term: str) -> Predicate:
    number = _NUMBER_TERM.fullmatch(term)
    if number is not None:
        return _number_test(*number.groups())
    named = _TEXT_TERM.fullmatch(term)
    if named is not None:
        return _text_test(*named.groups())
    return lambda run, now: any(
        term in text.lower() for text in (run.run.name, run.study, run.dataset)
    )


def _text_test(name: str, wanted: str) -> Predicate:
    if name in _NUMBERS:
        raise _TermError(f"{name} is compared, such as {_example(name)}.")
    if name not in _TEXTS:
        raise _TermError(_unknown(name))
    values = [value for value in wanted.split(",") if value]
    if not values:
        raise _TermError(f"{name}: needs a value.{_states() if name == 'state' else ''}")
    if name == "state":
        for value in values:
            if not any(state.startswith(value) for state in STATES):
                raise _TermError(f"no run is ever {value!r:.30}.{_states()}")
        return lambda run, now: any(run.state.startswith(value) for value in values)
    text = _TEXTS[name]
    return lambda run, now: any(value in text(run).lower() for value in values)


def _number_test(name: str, comparison: str, wanted: str) -> Predicate:
    if name in _TEXTS:
        raise _TermError(f"{name} is text: write {name}:{wanted or 'word'}.")
    if name not in _NUMBERS:
        raise _TermError(_unknown(name))
    compare = _COMPARISONS[comparison]
    if name == "age":
        found = _AGE.fullmatch(wanted)
        if found is None:
            raise _TermError("an age is a number with min, h, d or w, such as age<2d.")
        seconds = float(found[1]) * _SECONDS[found[2]]
        return lambda run, now: (age := age_of(run, now)) is not None and compare(age, seconds)
    try:
        value = float(wanted.removesuffix("%"))
    except ValueError:
        raise _TermError(f"{name} is a per cent, such as {_example(name)}.") from None
    if name == "f1":
        return lambda run, now: run.best is not None and compare(100 * run.best, value)
    return lambda run, now: compare(100 * run.share, value)


def _example(name: str) -> str:
    return {"f1": "f1>70", "done": "done<100", "age": "age<2d"}[name]


def _states() -> str:
    return f" Allowed: {', '.join(STATES)}."


def _unknown(name: str) -> str:
    names = [*(f"{name}:" for name in _TEXTS), *_NUMBERS]
    return f"there is no {name!r:.30} to filter by. Allowed: {', '.join(names)}."


class FilterLine(Vertical):
    """An input line that is hidden until it is opened."""

    DEFAULT_CSS = """
    FilterLine { height: auto; display: none; }
    FilterLine.-open { display: block; }
    FilterLine Horizontal { height: 1; }
    FilterLine Static { width: 2; }
    FilterLine Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    FilterLine StatusText { width: 1fr; height: auto; max-height: 2; color: $text-muted; }
    """

    def compose(self) -> ComposeResult:
        """Input line and message."""
        with Horizontal():
            yield Static("/ ")
            # Disabled while hidden: otherwise it gets the focus when all else is hidden, too.
            yield Input(placeholder="state:running f1>70 age<2d cnn", compact=True, disabled=True)
        yield StatusText()

    @property
    def value(self) -> str:
        """The typed text."""
        return self.query_one(Input).value

    @property
    def filter(self) -> RunFilter:
        """The filter; terms that are wrong are left out."""
        return parse_filter(self.value)[0]

    def open(self) -> None:
        """Show and focus it."""
        self.add_class("-open")
        line = self.query_one(Input)
        line.disabled = False
        line.focus()

    def close(self) -> None:
        """Empty and hide it."""
        self.remove_class("-open")
        line = self.query_one(Input)
        line.value, line.disabled = "", True

    def show_matches(self, found: int, of: int) -> None:
        """Show how many runs match, or what is wrong and what is allowed."""
        _, problem = parse_filter(self.value)
        counted = f"{found} of {of} runs.  " if self.value else ""
        text = Text(problem) if problem else Text(f"{counted}{HELP}", "dim")
        self.query_one(StatusText).set_text(text, layout=True)

    @on(Input.Submitted)
    def _leave(self) -> None:
        """Move on to the table, unless a term is wrong."""
        if not parse_filter(self.value)[1]:
            self.screen.focus_next()

    def on_key(self, event: events.Key) -> None:
        """The down key leaves the line."""
        if event.key == "down":
            event.stop()
            self.screen.focus_next()
