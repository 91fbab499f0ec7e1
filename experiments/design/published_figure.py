"""A figure that a source reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class PublishedFigure:
    """A figure that a source reports, in per cent of the 1376 test rows.

    Args:
        source: "A", the project that is re-implemented, or "B", its sibling.
        protocol: what the source ran, in its own terms.
        accuracy: per cent.
        f1: per cent; its kind is the mean of 16-row batches' macro-F1 in source A,
            the true pooled macro-F1 in source B.
        seconds: training time on the source's machine, where it tells.
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
        return {
            "source": self.source,
            "protocol": self.protocol,
            "accuracy": round(self.accuracy / 100, 6),
            "f1": round(self.f1 / 100, 6),
            "f1_kind": self.f1_kind,
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> PublishedFigure:
        """The figure that `to_dict` made `plain` of.

        Raises:
            KeyError, TypeError, ValueError: `plain` is damaged.
        """
        source = plain["source"]
        if source not in ("A", "B"):
            raise ValueError(f"the sources are A and B, not {source!r:.20}")
        seconds = plain["seconds"]
        return cls(
            source,
            str(plain["protocol"]),
            round(float(plain["accuracy"]) * 100, 4),
            round(float(plain["f1"]) * 100, 4),
            None if seconds is None else float(seconds),
        )
