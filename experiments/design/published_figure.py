"""A figure that a source reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class PublishedFigure:
    """A figure that a source reports, in per cent of the 1376 test rows.

    Args:
        source: "A", the project that is re-implemented, or "B", its sibling.
        protocol: how the source trained.
        accuracy: per cent.
        f1: per cent; the mean macro-F1 of batches of 16 rows in source A, the pooled macro-F1 in
            source B.
        seconds: training time on the source's machine, if reported.
    """

    source: Literal["A", "B"]
    protocol: str
    accuracy: float
    f1: float
    seconds: float | None = None

    @property
    def f1_kind(self) -> Literal["batch_mean", "macro"]:
        """How the source averaged its F1."""
        return "batch_mean" if self.source == "A" else "macro"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, accuracy and F1 as shares rather than per cent."""
        shares = {name: round(getattr(self, name) / 100, 6) for name in ("accuracy", "f1")}
        plain = asdict(self) | shares | {"f1_kind": self.f1_kind}
        return plain | {"seconds": plain.pop("seconds")}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> PublishedFigure:
        """The inverse of `to_dict`.

        Raises:
            KeyError, TypeError, ValueError: `plain` is damaged.
        """
        source, seconds = plain["source"], plain["seconds"]
        if source not in ("A", "B"):
            raise ValueError(f"the sources are A and B, not {source!r:.20}")
        accuracy, f1 = (round(float(plain[name]) * 100, 4) for name in ("accuracy", "f1"))
        protocol = str(plain["protocol"])
        return cls(source, protocol, accuracy, f1, None if seconds is None else float(seconds))
