"""The result of an audit: findings with kind, severity, counts, examples and advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from data.datasets.dataset import SplitName

Severity = Literal["leak", "warning", "unknown", "fine"]
_MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Args:
        kind: the check, such as "exact-duplicates".
        severity: "leak" where test or validation rows can be known from other
            splits, "warning" for what needs a look, "unknown" for what the features
            cannot tell, "fine".
        sentence: what was found, in plain words.
        advice: what to do about it; empty where nothing needs doing.
        counts: numbers by their names.
        examples: where to look, at most five.
    """

    kind: str
    severity: Severity
    sentence: str
    advice: str = ""
    counts: Mapping[str, float] = field(default_factory=dict)
    examples: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self) | {"examples": list(self.examples[:_MOST_EXAMPLES])}


@dataclass(frozen=True)
class Size:
    """How much of a genre is in a split; `tracks` is None where they are unknown."""

    segments: int
    tracks: int | None


Classes = Mapping[str, Mapping[SplitName, Size]]  # genre to split to size


@dataclass(frozen=True)
class Audit:
    """All findings about a dataset, and how much of each genre is in each split."""

    name: str
    content_sha256: str
    classes: Classes
    findings: tuple[Finding, ...]

    @property
    def leaks(self) -> bool:
        """Whether something of one split is in another."""
        return any(finding.severity == "leak" for finding in self.findings)

    def finding(self, kind: str) -> Finding | None:
        """The finding of a kind; None if that check was not made."""
        return next((found for found in self.findings if found.kind == kind), None)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "dataset": {"name": self.name, "content_sha256": self.content_sha256},
            "leaks": self.leaks,
            "classes": asdict(self)["classes"],
            "findings": [finding.to_dict() for finding in self.findings],
        }


def number(count: int, word: str, verbs: str = "") -> str:
    """A count with its noun, such as "2 rows", and its verb of two such as "is/are"."""
    noun = f"{count} {word}{'' if count == 1 else 's'}"
    return f"{noun} {verbs.split('/')[count != 1]}" if verbs else noun


def part_of(compared: int, rows: int) -> str:
    """Words such as " on 5000 of 240000 rows" where not all were compared, else none."""
    return f" on {compared} of {rows} rows" if compared < rows else ""
