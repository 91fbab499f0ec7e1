"""Parts of several studies: the convolutional network, trainings, figures of source A."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from experiments.design.published_figure import PublishedFigure
from experiments.design.study import BUDGET, Budget, Study, Variant
from networks.models.config import CNNConfig, TrainingConfig

CNN = CNNConfig(pooling=True, padding=True)
NOT_RUN = "the source ran no such training: it is here to compare with."


def study(name: str, about: str, variants: Iterable[Variant], budget: Budget = BUDGET) -> Study:
    """A study described by the docstring of its module, whose first line is the question."""
    return Study(name, about.partition("\n")[0], about, tuple(variants), budget)


def adam(learning_rate: float, epochs: int) -> TrainingConfig:
    """Adam with batches of 16 and no weight decay, as most cells of source A."""
    return TrainingConfig("adam", learning_rate, epochs, batch_size=16)


def controlled(training: TrainingConfig | None = None) -> TrainingConfig:
    """A training, plain Adam by default, that keeps its best epoch: 20 epochs try 1 to 20."""
    return replace(training or adam(1e-3, BUDGET.epochs), keep="best")


def published_in_source_a(
    protocol: str, accuracy: float, f1: float, seconds: float | None = None
) -> tuple[PublishedFigure, ...]:
    """One figure of source A, in per cent; its F1 is a mean over batches."""
    return (PublishedFigure("A", protocol, accuracy, f1, seconds),)


def source_variant(
    name: str,
    training: TrainingConfig,
    figure: tuple[str, float, float] | None = None,
    network: CNNConfig = CNN,
    note: str = "",
    **changes: Any,
) -> Variant:
    """A variant as source A trained it; the controlled protocol trains it with plain Adam.

    Args:
        name, network, note: of the variant.
        training: of the documented protocol.
        figure: that source A reports, see `published_in_source_a`; None if it trained none.
        changes: fields of the training in both protocols.
    """
    return Variant(
        name,
        network,
        replace(training, **changes),
        replace(controlled(), **changes),
        published_in_source_a(*figure) if figure else (),
        note if figure else NOT_RUN,
    )


def controlled_only(name: str, network: CNNConfig = CNN, **changes: Any) -> Variant:
    """A variant that the source did not train; `changes` are fields of its training."""
    return Variant(name, network, replace(controlled(), **changes), protocols=("controlled",))
