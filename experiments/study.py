"""A study: one documented question, its variants and what the source found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from networks.config import NetworkConfig, TrainingConfig

Protocol = Literal["documented", "controlled"]
PROTOCOLS: tuple[Protocol, ...] = ("documented", "controlled")
DEFAULT_SEEDS: dict[Protocol, int] = {"documented": 1, "controlled": 5}
FIRST_SEED = 42  # the source's; further ones count on from it


@dataclass(frozen=True)
class Documented:
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
    def from_dict(cls, plain: dict[str, Any]) -> Documented:
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


@dataclass(frozen=True)
class Variant:
    """One setting of a study; what a table row is about.

    Args:
        name: short, in lower case.
        network: what is trained.
        training: how, in the documented protocol: what the source's code really ran.
        controlled: how, in the controlled protocol, learning rate and epochs
            apart; None means as in `training`.
        documented: what the sources report for it.
        note: where the source's code differs from what its text says.
    """

    name: str
    network: NetworkConfig
    training: TrainingConfig
    controlled: TrainingConfig | None = None
    documented: tuple[Documented, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Budget:
    """What every variant gets in the controlled protocol.

    Args:
        epochs: of every training.
        learning_rates: tried for every variant; the one with the best validation
            macro-F1, averaged over the seeds, is tested.
    """

    epochs: int
    learning_rates: tuple[float, ...]


@dataclass(frozen=True)
class Study:
    """One documented question.

    Args:
        name: as on the command line.
        question: that the variants answer.
        about: what it costs, what the source found, what to look for.
        variants: with names that differ, all on the same kind of features.
        budget: of the controlled protocol.
    """

    name: str
    question: str
    about: str
    variants: tuple[Variant, ...]
    budget: Budget

    @property
    def features(self) -> Literal["mfcc", "mel"]:
        """What its networks read."""
        return "mel" if self.variants[0].network.features == "mel" else "mfcc"

    @property
    def documented_best(self) -> Documented | None:
        """The figure of source A with the highest accuracy."""
        figures = [
            figure
            for variant in self.variants
            for figure in variant.documented
            if figure.source == "A"
        ]
        return max(figures, key=lambda figure: figure.accuracy, default=None)

    def trainings(
        self, variant: Variant, protocol: Protocol, epochs: int | None = None
    ) -> tuple[TrainingConfig, ...]:
        """The training configs that a protocol tries for a variant.

        Args:
            variant: of this study.
            protocol: "documented" has one config, "controlled" one a learning rate.
            epochs: of every training, instead of the protocol's.
        """
        if protocol == "documented":
            chosen = variant.training
            return (replace(chosen, epochs=epochs) if epochs else chosen,)
        base = variant.controlled or variant.training
        return tuple(
            replace(base, learning_rate=rate, epochs=epochs or self.budget.epochs)
            for rate in self.budget.learning_rates
        )
