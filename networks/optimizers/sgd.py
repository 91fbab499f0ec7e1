"""Stochastic gradient descent."""

from __future__ import annotations

import keras

from networks.optimizers.plain import PlainOptimizer


class SGD(PlainOptimizer, keras.optimizers.SGD):  # type: ignore[misc]
    """Keras's SGD, without momentum: weight -= learning rate * gradient."""
