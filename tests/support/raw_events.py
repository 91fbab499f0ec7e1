"""Events as another version, or somebody with bad intent, may write them: unchecked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from experiments.runs.events import Event


class _RawEvent:
    def __init__(self, plain: Mapping[str, Any]) -> None:
        self.KIND, self._plain = plain["event"], dict(plain)

    def to_dict(self) -> dict[str, Any]:
        return self._plain


def raw(*plain: Mapping[str, Any]) -> list[Event]:
    """What an event log writes just as it stands; each has `event`, its kind."""
    return [cast(Event, _RawEvent(one)) for one in plain]
