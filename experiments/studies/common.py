"""What the studies of the convolutional network have in common."""

from dataclasses import replace

from experiments.design.published_figure import PublishedFigure
from experiments.design.study import BUDGET
from networks.models.config import CNNConfig, TrainingConfig

CNN = CNNConfig(pooling=True, padding=True)
NOT_RUN = "the source ran no such training: it is here to compare with."


def adam(learning_rate: float, epochs: int) -> TrainingConfig:
    """Adam with batches of 16 and no weight decay, as most cells of source A."""
    return TrainingConfig("adam", learning_rate, epochs, batch_size=16)


def controlled(training: TrainingConfig | None = None) -> TrainingConfig:
    """A training that keeps its best epoch, so that one of 20 epochs tries 1 to 20.

    Args:
        training: whose settings it has; plain Adam if None.
    """
    return replace(training or adam(1e-3, BUDGET.epochs), keep="best")


def published_in_source_a(
    protocol: str, accuracy: float, f1: float, seconds: float | None = None
) -> tuple[PublishedFigure, ...]:
    """One figure of source A, in per cent; its F1 is a mean over batches."""
    return (PublishedFigure("A", protocol, accuracy, f1, seconds),)
