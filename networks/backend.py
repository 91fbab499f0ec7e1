"""The one backend that Keras runs on here: torch."""

from __future__ import annotations

import os

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
