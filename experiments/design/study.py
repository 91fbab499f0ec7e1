"""A study: one question, its variants, and what the sources found."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from data.audio.parameters import KINDS, Features
from experiments.design.limits import (
    MOST_LEARNING_RATES,
    MOST_VARIANTS,
    check_bounds,
    check_limit,
    check_study_name,
    check_type,
    check_variant_name,
)
from experiments.design.published_figure import PublishedFigure
from experiments.errors import RunError
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


def in_order(read: Container[Features]) -> tuple[Features, ...]:
    """Features in a fixed order."""
    return tuple(kind for kind in KINDS if kind in read)


@dataclass(frozen=True)
class Variant:
    """One setting of a study, a row of its table.

    Args:
        name: short, in lower case.
        network: config of the network.
        training: of the documented protocol: what the source's code really ran.
        controlled: of the controlled protocol, but for learning rate and epochs; None means as
            in `training`.
        published: figures that the sources report.
        note: where the source's code differs from its text; shown with documented results.
        protocols: that train the variant.
        extended: whether only the extended study has it.
        fixed: fields of the controlled training that the variant varies, so that they do not
            come from the budget.
        device: that trains it; None leaves the choice to the user.

    Example:
    >>> from experiments import Variant
    >>> from networks import FFNConfig, TrainingConfig
    >>> Variant("wide", FFNConfig(hidden=(512, 128)), TrainingConfig()).network.hidden
    (512, 128)
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

    def __post_init__(self) -> None:
        check_variant_name(self.name)
        which = f"the network of the variant {self.name}"
        check_type(which, self.network, NetworkConfig, "an FFNConfig, CNNConfig or CustomConfig")
        for name, training in (("training", self.training), ("controlled", self.controlled)):
            if name == "training" or training is not None:
                which = f"{name} of the variant {self.name}"
                check_type(which, training, TrainingConfig, "a TrainingConfig")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        plain = vars(self) | {
            "network": to_dict(self.network),
            "training": to_dict(self.training),
            "controlled": self.controlled and to_dict(self.controlled),
            "documented": [figure.to_dict() for figure in self.published],
            "protocols": list(self.protocols),
            "fixed": list(self.fixed),
        }
        del plain["published"]
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Variant:
        """The inverse of `to_dict`.

        Raises:
            ConfigError, KeyError, TypeError, ValueError: `plain` is damaged.
        """
        fields = plain | {
            "network": network_from_dict(plain["network"]),
            "training": training_from_dict(plain["training"]),
            "controlled": plain["controlled"] and training_from_dict(plain["controlled"]),
            "published": tuple(map(PublishedFigure.from_dict, plain["documented"])),
            "protocols": tuple(plain["protocols"]),
            "fixed": tuple(plain["fixed"]),
        }
        del fields["documented"]
        return cls(**fields)


@dataclass(frozen=True)
class Budget:
    """Epochs and learning rates, ascending, of every variant in the controlled protocol.

    The learning rate with the best validation macro-F1, averaged over the seeds, is tested.
    """

    epochs: int
    learning_rates: tuple[float, ...]

    def __post_init__(self) -> None:
        check_bounds(epochs=self.epochs)
        rates = self.learning_rates
        if isinstance(rates, (list, tuple)):
            check_limit(len(rates), MOST_LEARNING_RATES, "learning rates")
        if not (
            isinstance(rates, (list, tuple))
            and rates
            and all(type(rate) in (int, float) and 0 < rate < math.inf for rate in rates)
        ):
            raise RunError(
                f"learning_rates must be a list of numbers above 0. Received: {rates!r:.100}."
            )
        object.__setattr__(self, "learning_rates", tuple(sorted({float(rate) for rate in rates})))

    def quick(self) -> Budget:
        """Half the epochs, without the lowest learning rate, which learns least in few epochs."""
        return Budget(max(1, self.epochs // 2), self.learning_rates[1:] or self.learning_rates)


@dataclass(frozen=True)
class Study:
    """A question and the variants that answer it.

    Args:
        name: as on the command line.
        question: that the variants answer.
        about: cost, the source's findings and what to look for.
        variants: with names that differ.
        budget: of the controlled protocol.

    Example:
    >>> from experiments import STUDIES
    >>> [variant.name for variant in STUDIES["ffn-baseline"].variants]
    ['last-epoch', 'best-validation-f1']
    """

    name: str
    question: str
    about: str
    variants: tuple[Variant, ...]
    budget: Budget

    def __post_init__(self) -> None:
        check_study_name(self.name)
        check_type("question", self.question, str, "a text")
        check_type("about", self.about, str, "a text")
        check_type("variants", self.variants, tuple, "a tuple of Variants")
        check_limit(len(self.variants), MOST_VARIANTS, "variants")
        for variant in self.variants:
            check_type("each of variants", variant, Variant, "a Variant")
        check_type("budget", self.budget, Budget, "a Budget")
        names = [variant.name for variant in self.variants]
        if not names or len(set(names)) < len(names):
            raise RunError(
                "a study needs at least one variant, and variants with names that differ. "
                f"Received: {names!r:.200}."
            )

    @property
    def features(self) -> tuple[Features, ...]:
        """Features that the dataset must have, "mfcc" first."""
        return in_order({variant.network.features for variant in self.variants})

    @property
    def reads(self) -> str:
        """The same for a narrow column."""
        return (
            "both" if len(self.features) > 1 else {"mfcc": "MFCC", "mel": "mel"}[self.features[0]]
        )

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
        """The variants that a protocol trains, those of the extended study if `extended`."""
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
    ) -> Iterator[TrainingConfig]:
        """The training configs of a variant: controlled, one for each learning rate.

        Args:
            variant: of this study.
            protocol: "documented" or "controlled".
            epochs: instead of the protocol's.
            quick: use the smaller budget.
        """
        if protocol == "documented":
            chosen = variant.training
            yield replace(chosen, epochs=epochs) if epochs else chosen
            return
        base = variant.controlled or variant.training
        budget = self.budget.quick() if quick else self.budget
        rates = (base.learning_rate,) if "learning_rate" in variant.fixed else budget.learning_rates
        passes = base.epochs if "epochs" in variant.fixed else epochs or budget.epochs
        for rate in rates:
            yield replace(base, learning_rate=rate, epochs=passes)

    def count_trainings(self, variant: Variant, protocol: Protocol, *, quick: bool = False) -> int:
        """The number of configs that `trainings` yields."""
        if protocol == "documented" or "learning_rate" in variant.fixed:
            return 1
        return len((self.budget.quick() if quick else self.budget).learning_rates)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        plain = vars(self) | {
            "variants": [variant.to_dict() for variant in self.variants],
            "epochs": self.budget.epochs,
            "learning_rates": list(self.budget.learning_rates),
        }
        del plain["budget"]
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Study:
        """The inverse of `to_dict`.

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


RATES = (1e-5, 1e-4, 1e-3, 1e-2)  # those that source A searched
BUDGET = Budget(epochs=20, learning_rates=RATES)
