__doc__ = """Which optimizer gives the best validation macro-F1?

Cost: 70 epochs of the pooled CNN in the documented protocol; the extended study
adds eleven trainings of 30 epochs. Controlled: 5 optimizers x 4 learning rates x 5
seeds x 20 epochs; extended, 11 optimizers.

What the source found: Adam 74.1 %, Adagrad 70.7, Adamax 70.6, AdamW 68.8, Adadelta
59.1. Each is the winner of a random search of 10 trials over epochs {5, 10, 15, 20}
and learning rates {1e-5 ... 1e-2}: AdamW stands for 5 epochs, Adam for 20. Source B
trained eleven optimizers at one learning rate, 0.002, for 30 epochs: Adagrad came out
first (75.8 %), and NAdam never left the first class.

What to look for: does the order hold when every optimizer has the same epochs and
its own best learning rate? Are the differences larger than those between seeds?
"""

from dataclasses import replace

from experiments.design.published_figure import PublishedFigure
from experiments.design.study import Variant
from experiments.studies.common import CNN, controlled, study
from networks.models.config import Optimizer, TrainingConfig

# Source A: learning rate, epochs, accuracy, mean F1 of batches.
_A: dict[Optimizer, tuple[float, int, float, float]] = {
    "adadelta": (1e-2, 10, 59.08, 33.15),
    "adagrad": (1e-2, 15, 70.71, 37.02),
    "adam": (1e-4, 20, 74.06, 37.81),
    "adamw": (1e-4, 5, 68.75, 36.83),
    "adamax": (1e-3, 20, 70.64, 36.72),
}
# Source B: accuracy, macro-F1.
_B: dict[Optimizer, tuple[float, float]] = {
    "adadelta": (64.61, 64.62),
    "adagrad": (75.80, 75.62),
    "adam": (64.68, 65.69),
    "adamw": (69.26, 69.85),
    "adamax": (71.66, 72.48),
    "asgd": (69.62, 70.69),
    "nadam": (23.55, 9.53),
    "radam": (69.48, 69.95),
    "rmsprop": (64.68, 64.76),
    "rprop": (65.33, 65.74),
    "sgd": (67.88, 68.59),
}
_B_PROTOCOL = "lr 0.002, 30 epochs, ReLU on convolutions only, best validation F1 kept"


def _of_a(optimizer: Optimizer) -> Variant:
    rate, epochs, accuracy, f1 = _A[optimizer]
    training = TrainingConfig(optimizer, rate, epochs, batch_size=16)
    figures = (
        PublishedFigure("A", f"lr {rate:g}, {epochs} epochs", accuracy, f1),
        PublishedFigure("B", _B_PROTOCOL, *_B[optimizer]),
    )
    return Variant(optimizer, CNN, training, controlled(training), figures)


def _of_b(optimizer: Optimizer) -> Variant:
    training = TrainingConfig(optimizer, 0.002, 30, batch_size=16, keep="best")
    return Variant(
        f"b-{optimizer}",
        replace(CNN, dense_activation=False),
        training,
        published=(PublishedFigure("B", _B_PROTOCOL, *_B[optimizer]),),
        protocols=("documented",),
        extended=True,
    )


def _further(optimizer: Optimizer) -> Variant:
    training = controlled(TrainingConfig(optimizer, batch_size=16))
    return Variant(optimizer, CNN, training, protocols=("controlled",), extended=True)


_FURTHER = [optimizer for optimizer in _B if optimizer not in _A]
STUDY = study("optimizers", __doc__, (*map(_of_a, _A), *map(_of_b, _B), *map(_further, _FURTHER)))
