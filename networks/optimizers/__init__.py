"""The optimizers a `TrainingConfig` can name.

Each repeats torch.optim's class of the same name, defaults included, to the
last few bits: the documented figures come from those. What differs from Keras's
own (mostly where epsilon stands) is said in each class.
"""

from __future__ import annotations

from networks.models.config import TrainingConfig
from networks.optimizers.adam import Adam, Adamax, NAdam, RAdam
from networks.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from networks.optimizers.base import TraceableOptimizer
from networks.optimizers.gradient_descent import ASGD, SGD, Rprop

__all__ = ["make_optimizer"]

_CLASSES: dict[str, type[TraceableOptimizer]] = {
    "adadelta": Adadelta,
    "adagrad": Adagrad,
    "adam": Adam,
    "adamax": Adamax,
    "adamw": Adam,
    "asgd": ASGD,
    "nadam": NAdam,
    "radam": RAdam,
    "rmsprop": RMSprop,
    "rprop": Rprop,
    "sgd": SGD,
}
_OWN_DECAY = {"adamw": 0.01}


def make_optimizer(training: TrainingConfig) -> TraceableOptimizer:
    """The optimizer that `training` asks for, not yet built on any weights.

    Args:
        training: its `optimizer`, `learning_rate`, `l2` and `decoupled_decay`
            are used. AdamW is Adam with a decoupled decay of 0.01.

    Returns:
        A `keras.optimizers.Optimizer`. Its learning rate, and `beta_1` of the
        Adam family, are variables, so they can be set while training.

    Example:
    >>> make_optimizer(TrainingConfig(optimizer="adamw")).weight_decay
    0.01
    """
    decay = training.decoupled_decay
    if decay is None:
        decay = _OWN_DECAY.get(training.optimizer, 0.0)
    return _CLASSES[training.optimizer](
        learning_rate=training.learning_rate, l2=training.l2, weight_decay=decay or None
    )
