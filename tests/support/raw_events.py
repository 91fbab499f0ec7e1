"""Events as another version, or somebody with bad intent, may write them: unchecked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from experiments.runs.events import Event, LogEntry, parse
from experiments.runs.validation import MALFORMED


class _RawEvent:
    def __init__(self, plain: Mapping[str, Any]) -> None:
        self.KIND, self._plain = plain["event"], dict(plain)

    def to_dict(self) -> dict[str, Any]:
        return self._plain


def raw(*plain: Mapping[str, Any]) -> list[Event]:
    """What an event log writes just as it stands; each has `event`, its kind."""
    return [cast(Event, _RawEvent(one)) for one in plain]


def entries(*plain: Mapping[str, Any]) -> tuple[LogEntry, ...]:
    """What a reader gives of events as the log has them: those that are valid."""
    found = []
    for number, one in enumerate(plain, 1):
        with suppress(*MALFORMED):
            found.append(parse({"n": number, "time": float(number), **one}))
    return tuple(entry for entry in found if entry is not None)
