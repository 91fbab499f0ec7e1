"""Parts of several studies: networks, trainings, variants of source A."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from experiments.design.published_figure import PublishedFigure
from experiments.design.study import BUDGET, Budget, Study, Variant
from networks.models.config import CNNConfig, FFNConfig, TrainingConfig

CNN = CNNConfig(pooling=True, padding=True)
FFN = FFNConfig(hidden=(128, 32))
FFN_TRAINING = TrainingConfig(optimizer="sgd", learning_rate=0.002, epochs=30, batch_size=16)
FFN_BUDGET = replace(BUDGET, epochs=FFN_TRAINING.epochs)
NOT_RUN = "the source ran no such training: it is here to compare with."


def study(name: str, about: str, variants: Iterable[Variant], budget: Budget = BUDGET) -> Study:
    """A study described by the `__doc__` of its module, whose first line is the question."""
    return Study(name, about.partition("\n")[0], about, tuple(variants), budget)


def adam(learning_rate: float, epochs: int) -> TrainingConfig:
    """Adam with batches of 16 and no weight decay, as most cells of source A."""
    return TrainingConfig("adam", learning_rate, epochs, batch_size=16)


def controlled(training: TrainingConfig | None = None) -> TrainingConfig:
    """A training, plain Adam by default, that keeps its best epoch: 20 epochs try 1 to 20."""
    return replace(training or adam(1e-3, BUDGET.epochs), keep="best")


def source_variant(
    name: str,
    training: TrainingConfig,
    figure: tuple[str, float, float] | tuple[str, float, float, float] | None = None,
    network: CNNConfig = CNN,
    note: str = "",
    controlled_training: TrainingConfig | None = None,
    **changes: Any,
) -> Variant:
    """A variant as source A trained it; the controlled protocol trains it with plain Adam.

    Args:
        name, network, note: of the variant.
        training: of the documented protocol.
        figure: that source A reports: its protocol, accuracy, F1 and perhaps seconds, as in
            `PublishedFigure`; None if it trained none.
        controlled_training: instead of plain Adam.
        changes: fields of the training in both protocols.
    """
    return Variant(
        name,
        network,
        replace(training, **changes),
        replace(controlled(controlled_training), **changes),
        (PublishedFigure("A", *figure),) if figure else (),
        note if figure else f"{NOT_RUN} {note}".rstrip(),
    )


def controlled_only(name: str, network: CNNConfig = CNN, **changes: Any) -> Variant:
    """A variant that the source did not train; `changes` are fields of its training."""
    return Variant(name, network, replace(controlled(), **changes), protocols=("controlled",))
