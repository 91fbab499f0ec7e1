"""What an audit of a dataset has found, read from what `python -m data audit --json` prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from data.terminal.text import clean
from experiments.errors import MISSHAPEN
from genre_tui.core.subprocess_command import Command, Ended
from genre_tui.model.dataset_rows import DatasetLine

_NOT_YET = "Not audited yet: a looks for leaks, copies and what else spoils figures."
_GOES_ON = "Auditing: some seconds for some thousand rows. a ends it."

# Sign and style of each severity.
SEVERITIES = {
    "leak": ("✗", "bold red"),
    "warning": ("!", "bold yellow"),
    "unknown": ("?", "dim"),
    "fine": ("✓", "green"),
}


@dataclass(frozen=True)
class Found:
    """One thing that an audit looked at. All texts are clean.

    Args:
        severity: one of `SEVERITIES`.
        sentence: what was found.
        advice: what to do about it, or "".
        examples: where to look.
    """

    severity: str
    sentence: str
    advice: str
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Audit:
    """What was found, the worst first."""

    findings: tuple[Found, ...]

    @property
    def verdict(self) -> str:
        """The outcome in a sentence."""
        leaks, warnings = (self._count(severity) for severity in ("leak", "warning"))
        return f"{leaks or 'no'} leak{'s' * (leaks != 1)}, {warnings or 'no'} warning" + (
            f"{'s' * (warnings != 1)}."
        )

    def _count(self, severity: str) -> int:
        return sum(found.severity == severity for found in self.findings)


class Audits:
    """The audits of a session, one at a time; kept by what the datasets hold.

    Args:
        told: called with how far one is, and with "" at its end; in a thread.
    """

    def __init__(self, told: Callable[[str], object]) -> None:
        self._told = told
        self._found: dict[str, Audit | str] = {}
        self._current: tuple[DatasetLine, Command] | None = None

    @property
    def current(self) -> DatasetLine | None:
        """The dataset that is being audited."""
        return self._current[0] if self._current is not None else None

    def of(self, line: DatasetLine) -> Audit | str:
        """What was found in a dataset, or what to say instead."""
        if self.current is not None and self.current.key == line.key:
            return _GOES_ON
        return self._found.get(line.key, _NOT_YET)

    def begin(self, line: DatasetLine) -> None:
        """Audit a dataset."""
        command = Command(["data", "audit", line.name, "--json"], self._told)
        self._current = line, command
        command.start(partial(self._end, line))

    def cancel(self) -> None:
        """End the audit that goes on, if one does."""
        if self._current is not None:
            self._current[1].cancel()

    def _end(self, line: DatasetLine, ended: Ended) -> None:
        if not ended.cancelled:
            try:
                self._found[line.key] = read(ended.output)
            except ValueError:
                self._found[line.key] = ended.problem or "The audit cannot be read."
        self._current = None
        self._told("")


def read(output: str) -> Audit:
    """What the command printed.

    Raises:
        ValueError: it is no audit.
    """
    try:
        plain = json.loads(output)
        findings = [_found(finding) for finding in plain["findings"]]
    except MISSHAPEN as error:
        raise ValueError("the audit cannot be read") from error
    order = list(SEVERITIES)
    return Audit(tuple(sorted(findings, key=lambda found: order.index(found.severity))))


def _found(plain: dict[str, Any]) -> Found:
    severity = str(plain["severity"])
    return Found(
        severity if severity in SEVERITIES else "unknown",
        clean(str(plain["sentence"])),
        clean(str(plain["advice"])),
        tuple(clean(str(example)) for example in plain["examples"]),
    )
