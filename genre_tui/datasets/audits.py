"""Audits of datasets, run as `python -m data audit --json`, and their parsed results."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from genre_tui.core.subprocess_command import CommandResult, SubprocessCommand
from genre_tui.model.dataset_rows import DatasetLine

_NOT_YET = "Not audited yet: a looks for leaks, copies and what else spoils figures."
_GOES_ON = "Auditing: some seconds for some thousand rows. a ends it."

# Glyph and style of each severity.
SEVERITIES = {
    "leak": ("✗", "bold red"),
    "warning": ("!", "bold yellow"),
    "unknown": ("?", "dim"),
    "fine": ("✓", "green"),
}


@dataclass(frozen=True)
class AuditFinding:
    """A finding of one of `SEVERITIES`, with advice, and rows or tracks as examples."""

    severity: str
    sentence: str
    advice: str
    examples: tuple[str, ...]


AuditResult = tuple[AuditFinding, ...]  # the most severe first


def verdict(found: AuditResult) -> str:
    """The number of leaks and warnings."""
    severities = [finding.severity for finding in found]
    counts = [(name, severities.count(name)) for name in ("leak", "warning")]
    return ", ".join(f"{n or 'no'} {name}{'s' * (n != 1)}" for name, n in counts) + "."


class AuditRunner:
    """Runs audits, one at a time, and keeps their results by content of the dataset.

    `on_progress` is called in a thread with each line of progress, and with "" at the end.
    """

    def __init__(self, on_progress: Callable[[str], object]) -> None:
        self._on_progress = on_progress
        self._results: dict[str, AuditResult | str] = {}
        self._current: tuple[DatasetLine, SubprocessCommand] | None = None

    @property
    def current(self) -> DatasetLine | None:
        """The dataset that is being audited, or None."""
        return self._current[0] if self._current is not None else None

    def of(self, line: DatasetLine) -> AuditResult | str:
        """The result for a dataset, or a sentence where there is none."""
        if self.current is not None and self.current.key == line.key:
            return _GOES_ON
        return self._results.get(line.key, _NOT_YET)

    def begin(self, line: DatasetLine) -> None:
        """Audit a dataset."""
        command = SubprocessCommand(["data", "audit", line.name, "--json"], self._on_progress)
        self._current = line, command
        command.start(partial(self._end, line))

    def cancel(self) -> None:
        """End the running audit, if there is one."""
        if self._current is not None:
            self._current[1].cancel()

    def _end(self, line: DatasetLine, ended: CommandResult) -> None:
        if not ended.cancelled:
            try:
                self._results[line.key] = parse_audit(ended.output)
            except ValueError:
                self._results[line.key] = ended.problem or "The audit cannot be read."
        self._current = None
        self._on_progress("")


def parse_audit(output: str) -> AuditResult:
    """Parse the command's output.

    Raises:
        ValueError: it is not an audit.
    """
    try:
        findings = [
            AuditFinding(
                str(plain["severity"]) if plain["severity"] in SEVERITIES else "unknown",
                str(plain["sentence"]),
                str(plain["advice"]),
                tuple(map(str, plain["examples"])),
            )
            for plain in json.loads(output)["findings"]
        ]
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError("the audit cannot be read") from error
    order = list(SEVERITIES)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))
