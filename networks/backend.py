"""How Keras is set here, whatever the user's keras.json says: on torch, in float32."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from networks.errors import ConfigError

_VARIABLE, _TORCH = "KERAS_BACKEND", "torch"

# Keras reads the variable when it is first imported, and prefers it to the user's
# keras.json. Processes that this one starts inherit it.
_asked = os.environ.get(_VARIABLE, _TORCH)
os.environ[_VARIABLE] = _TORCH


def replaced_backend() -> str | None:
    """A sentence where the user asked for another backend by the variable, else None."""
    if _asked == _TORCH:
        return None
    return f"{_VARIABLE} is {_asked}; the networks here train with Keras on torch all the same."


def check_torch(backend: str) -> None:
    """Raise ConfigError where Keras was imported, on another backend, before this package."""
    if backend != _TORCH:
        raise ConfigError(
            f"networks train with Keras on torch. Received: Keras on {backend}, as it was imported "
            f"before this package. Import networks, or set {_VARIABLE}=torch, before keras."
        )


@contextmanager
def keras_defaults() -> Iterator[None]:
    """Set what Keras takes from keras.json, or from the user's script, to its defaults meanwhile.

    That is the type of numbers, the smallest divisor and the place of an image's channels. So a
    config is one network everywhere, which loads wherever it was trained.
    """
    import keras

    def values() -> tuple[object, ...]:
        settings = keras.config
        found = settings.floatx(), settings.epsilon(), settings.image_data_format()
        return *found, settings.dtype_policy()

    def choose(floatx: object, epsilon: object, image_data_format: object, policy: object) -> None:
        keras.config.set_floatx(floatx)
        keras.config.set_epsilon(epsilon)
        keras.config.set_image_data_format(image_data_format)
        keras.config.set_dtype_policy(policy)

    before = values()
    choose("float32", 1e-7, "channels_last", "float32")
    try:
        yield
    finally:
        choose(*before)
