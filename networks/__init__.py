"""Neural networks of music genres: configs, Keras models, training and evaluation.

`models` describes and builds networks, `optimizers` and `training` (schedules, callbacks,
metrics) define how they learn, `engine` trains many at once as one traced step, `inference`
computes outputs and loads saved weights, `onnx` and `portable` write networks for others, and
`api` puts it together; `backend` sets Keras up. The only package that imports Keras; it imports
none of the others of this project.

The names below are the public ones; they are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from networks.api import evaluate, fit, fit_many
    from networks.errors import ConfigError
    from networks.inference import load_model
    from networks.models.build import build_model
    from networks.models.config import CNNConfig, FFNConfig, TrainingConfig
    from networks.models.custom import CustomConfig

import_module("networks.backend")  # lets Keras run on torch

_MODULES = {
    "CNNConfig": "networks.models.config",
    "ConfigError": "networks.errors",
    "CustomConfig": "networks.models.custom",
    "FFNConfig": "networks.models.config",
    "TrainingConfig": "networks.models.config",
    "build_model": "networks.models.build",
    "evaluate": "networks.api",
    "fit": "networks.api",
    "fit_many": "networks.api",
    "load_model": "networks.inference",
}

__all__ = [
    "CNNConfig",
    "ConfigError",
    "CustomConfig",
    "FFNConfig",
    "TrainingConfig",
    "build_model",
    "evaluate",
    "fit",
    "fit_many",
    "load_model",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
