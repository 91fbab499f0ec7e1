__doc__ = """Which activation function suits the convolutional network?

Cost: 70 epochs of the pooled CNN in the documented protocol; controlled, 5
activations x 4 learning rates x 5 seeds x 20 epochs.

What the source found: PReLU 72.2 %, Hardshrink 71.6, LeakyReLU 71.3, Hardswish 70.3,
ReLU 68.5: winners of a random search of 10 trials each over epochs {5, 10, 15, 20} and
learning rates {1e-5 ... 1e-2}. ReLU stands for a learning rate of 1e-5, the others for
1e-4, so its place may be the learning rate's doing. By batch-mean F1 Hardswish came
first (46.3 %), and the later studies of the source build on it.

What to look for: does anything but the learning rate tell them apart?
"""

from dataclasses import replace

from experiments.studies.common import CNN, adam, source_variant, study
from networks.models.config import Activation

# Learning rate, epochs, accuracy, mean F1 of batches.
_A: dict[Activation, tuple[float, int, float, float]] = {
    "hard_shrink": (1e-4, 10, 71.58, 38.52),
    "hard_swish": (1e-4, 5, 70.28, 46.26),
    "leaky_relu": (1e-4, 15, 71.29, 38.07),
    "prelu": (1e-4, 20, 72.17, 39.72),
    "relu": (1e-5, 20, 68.53, 41.14),
}

STUDY = study(
    "activations",
    __doc__,
    (
        source_variant(
            activation.replace("_", "-"),
            adam(rate, epochs),
            (f"Adam {rate:g}, {epochs} epochs", accuracy, f1),
            replace(CNN, activation=activation),
        )
        for activation, (rate, epochs, accuracy, f1) in _A.items()
    ),
)
