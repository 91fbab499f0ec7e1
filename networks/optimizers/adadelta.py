"""Adadelta."""

from __future__ import annotations

from typing import Any

import keras

from networks.optimizers.plain import PlainOptimizer


class Adadelta(PlainOptimizer, keras.optimizers.Adadelta):  # type: ignore[misc]
    """Keras's Adadelta, the same formula as torch.optim's, with torch.optim's defaults.

    Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012.
    """

    def __init__(
        self, learning_rate: float, rho: float = 0.9, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, rho=rho, epsilon=epsilon, **kwargs)
