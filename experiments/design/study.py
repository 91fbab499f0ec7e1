"""A study: one question, its variants, and what the sources found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from experiments.design.published_figure import PublishedFigure
from networks.models.config import (
    NetworkConfig,
    TrainingConfig,
    network_from_dict,
    to_dict,
    training_from_dict,
)

Protocol = Literal["documented", "controlled"]
PROTOCOLS: tuple[Protocol, ...] = ("documented", "controlled")
DEFAULT_SEEDS: dict[Protocol, int] = {"documented": 1, "controlled": 5}
QUICK_SEEDS = 3
FIRST_SEED = 42  # the source's; further ones count on from it
Device = Literal["cpu", "cuda"]
Axis = Literal["learning_rate", "epochs"]


@dataclass(frozen=True)
class Variant:
    """One setting of a study; what a table row is about.

    Args:
        name: short, in lower case.
        network: what is trained.
        training: how, in the documented protocol: what the source's code really ran.
        controlled: how, in the controlled protocol, learning rate and epochs
            apart; None means as in `training`.
        published: what the sources report for it.
        note: where the source's code differs from what its text says; shown with
            results of the documented protocol.
        protocols: that it belongs to.
        extended: only where the user asks for the extended study.
        fixed: fields of the controlled training that the variant is about, so that
            the budget leaves them alone.
        device: that it trains on; None leaves that to the user.
    """

    name: str
    network: NetworkConfig
    training: TrainingConfig
    controlled: TrainingConfig | None = None
    published: tuple[PublishedFigure, ...] = ()
    note: str = ""
    protocols: tuple[Protocol, ...] = PROTOCOLS
    extended: bool = False
    fixed: tuple[Axis, ...] = ()
    device: Device | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "network": to_dict(self.network),
            "training": to_dict(self.training),
            "controlled": None if self.controlled is None else to_dict(self.controlled),
            "documented": [figure.to_dict() for figure in self.published],
            "note": self.note,
            "protocols": list(self.protocols),
            "extended": self.extended,
            "fixed": list(self.fixed),
            "device": self.device,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Variant:
        """The variant that `to_dict` made `plain` of.

        Raises:
            ConfigError, KeyError, TypeError, ValueError: `plain` is damaged.
        """
        controlled, others = plain["controlled"], dict(plain)
        published = map(PublishedFigure.from_dict, others.pop("documented"))
        return cls(
            **others
            | {
                "network": network_from_dict(plain["network"]),
                "training": training_from_dict(plain["training"]),
                "controlled": None if controlled is None else training_from_dict(controlled),
                "published": tuple(published),
                "protocols": tuple(plain["protocols"]),
                "fixed": tuple(plain["fixed"]),
            }
        )


@dataclass(frozen=True)
class Budget:
    """What every variant gets in the controlled protocol.

    Args:
        epochs: of every training.
        learning_rates: tried for every variant, from low to high; the one with the best
            validation macro-F1, averaged over the seeds, is tested.
    """

    epochs: int
    learning_rates: tuple[float, ...]

    def quick(self) -> Budget:
        """A smaller one: half the epochs, without the lowest learning rate.

        The lowest is left out as it learns least in few epochs.
        """
        return Budget(max(1, self.epochs // 2), self.learning_rates[1:] or self.learning_rates)


@dataclass(frozen=True)
class Study:
    """One question.

    Args:
        name: as on the command line.
        question: that the variants answer.
        about: what it costs, what the source found, what to look for.
        variants: with names that differ.
        budget: of the controlled protocol.
    """

    name: str
    question: str
    about: str
    variants: tuple[Variant, ...]
    budget: Budget

    @property
    def features(self) -> Literal["mfcc", "mel"]:
        """What its networks read: a dataset with mel-spectrograms has the MFCC statistics, too."""
        return "mel" if any(v.network.features == "mel" for v in self.variants) else "mfcc"

    @property
    def best_published(self) -> PublishedFigure | None:
        """The figure with the highest accuracy, of source A where it has any."""
        figures = [figure for variant in self.variants for figure in variant.published]
        return max(figures, key=lambda f: (f.source == "A", f.accuracy), default=None)

    @property
    def can_be_extended(self) -> bool:
        """Whether there are variants that only the extended study has."""
        return any(variant.extended for variant in self.variants)

    def of(self, protocol: Protocol, *, extended: bool = False) -> tuple[Variant, ...]:
        """The variants that a protocol trains.

        Args:
            protocol: "documented" or "controlled".
            extended: whether those of the extended study are among them.
        """
        return tuple(
            variant
            for variant in self.variants
            if protocol in variant.protocols and (extended or not variant.extended)
        )

    def trainings(
        self,
        variant: Variant,
        protocol: Protocol,
        epochs: int | None = None,
        *,
        quick: bool = False,
    ) -> tuple[TrainingConfig, ...]:
        """The training configs that a protocol tries for a variant.

        Args:
            variant: of this study.
            protocol: "documented" has one config, "controlled" one a learning rate.
            epochs: of every training, instead of the protocol's.
            quick: whether the budget is the smaller one.
        """
        if protocol == "documented":
            chosen = variant.training
            return (replace(chosen, epochs=epochs) if epochs else chosen,)
        base = variant.controlled or variant.training
        budget = self.budget.quick() if quick else self.budget
        rates = (base.learning_rate,) if "learning_rate" in variant.fixed else budget.learning_rates
        passes = base.epochs if "epochs" in variant.fixed else epochs or budget.epochs
        return tuple(replace(base, learning_rate=rate, epochs=passes) for rate in rates)

    def count_trainings(self, variant: Variant, protocol: Protocol, *, quick: bool = False) -> int:
        """The number of configs that `trainings` returns."""
        if protocol == "documented" or "learning_rate" in variant.fixed:
            return 1
        return len((self.budget.quick() if quick else self.budget).learning_rates)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "question": self.question,
            "about": self.about,
            "variants": [variant.to_dict() for variant in self.variants],
            "epochs": self.budget.epochs,
            "learning_rates": list(self.budget.learning_rates),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Study:
        """The study that `to_dict` made `plain` of.

        Raises:
            ConfigError, KeyError, TypeError, ValueError: `plain` is damaged.
        """
        return cls(
            plain["name"],
            plain["question"],
            plain["about"],
            tuple(map(Variant.from_dict, plain["variants"])),
            Budget(plain["epochs"], tuple(plain["learning_rates"])),
        )


RATES = (1e-5, 1e-4, 1e-3, 1e-2)  # that source A searched, and every controlled variant tries


BUDGET = Budget(epochs=20, learning_rates=RATES)
