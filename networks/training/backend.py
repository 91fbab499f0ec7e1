"""The one backend that Keras may run on here."""

from __future__ import annotations

import os

from networks.errors import ConfigError


def require_torch() -> None:
    """Raise ConfigError where Keras was told to run on another backend than torch.

    Call it before Keras is imported: other backends may not even be installed.
    """
    backend = os.environ.get("KERAS_BACKEND", "torch")
    if backend != "torch":
        raise ConfigError(
            f"networks train with Keras on torch. Received KERAS_BACKEND={backend}: unset it, or "
            "set it to torch."
        )
