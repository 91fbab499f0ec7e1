"""Networks as ONNX files: written, and compared with what Keras computes.

The packages come with the extra `onnx`; nothing else here needs them.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import torch

from networks.inference import probabilities_of
from networks.models.checks import ConfigError

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
OUTPUT = "probabilities"

_SMALL_BATCHES = (1, 7)
_ROWS_IN_SMALL_BATCHES = 70
_LARGEST_BATCH = 512  # a row of our largest network takes some megabytes on its way


class _Probabilities(torch.nn.Module):
    """A Keras model in inference mode, followed by softmax."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self._model = model

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features to probabilities, [shape=(n, ...)] to [shape=(n, classes)]."""
        return torch.softmax(self._model(features, training=False), dim=-1)


def require() -> None:
    """Raise ConfigError unless the packages of the extra are installed."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"ONNX files need packages that are not installed ({', '.join(missing)}): in the "
            "project's folder, pip install -c constraints.txt -e '.[onnx]'."
        )


def write(model: keras.Model, path: Path, about: Mapping[str, str]) -> None:
    """Write a network as an ONNX file.

    Its input has the name and shape of the model's, float32, with any number of rows;
    its output, `probabilities`, is the softmax of the model's.

    Args:
        model: on the CPU, maps (n, ...) to logits (n, classes).
        path: of the file.
        about: what the file is to say of itself (`metadata_props`).

    Raises:
        ConfigError: a package is missing, or torch cannot convert the model.
        OSError: the file cannot be written.
    """
    require()
    import onnx

    (inputs,) = model.inputs
    example = torch.zeros((2, *inputs.shape[1:]))  # of one row torch would make a constant
    try:
        with _quiet(), keras.device("cpu"):
            program = torch.onnx.export(
                _Probabilities(model).eval(),
                (example,),
                input_names=[inputs.name],
                output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                dynamo=True,
                verbose=False,
            )
            converted = program.model_proto  # type: ignore[union-attr]
            _forget_where(converted.graph)
            onnx.helper.set_model_props(converted, dict(about))
            onnx.checker.check_model(converted)
            content = converted.SerializeToString(deterministic=True)
    except Exception as error:  # of any kind, from anywhere in torch, onnxscript and onnx
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigError(
            f"torch {torch.__version__} cannot convert the network to ONNX ({reason:.150}). Try "
            "the versions in constraints.txt."
        ) from error
    path.write_bytes(content)


def largest_difference(path: Path, model: keras.Model, features: npt.NDArray[Any]) -> float:
    """How far the probabilities of an ONNX file are from those of the Keras model.

    All rows are computed in batches of up to 512, and some, evenly spread, one by one
    and in batches of 7.

    Args:
        path: of the file.
        model: that it was made of.
        features: [shape=(n, ...)]

    Returns:
        The largest absolute difference of any probability; not a number where one of
        them is none.

    Raises:
        ConfigError: onnxruntime is missing, or cannot compute the file.
    """
    require()
    expected = probabilities_of(model, features)
    spread = np.linspace(0, len(features) - 1, min(len(features), _ROWS_IN_SMALL_BATCHES))
    some, everything = spread.astype(np.int64), np.arange(len(features))
    differences = []
    try:
        with _quiet():
            session = _session(path)
            (inputs,) = session.get_inputs()
            for size in (*_SMALL_BATCHES, _LARGEST_BATCH):
                rows = everything if size == _LARGEST_BATCH else some
                for begin in range(0, len(rows), size):
                    batch = rows[begin : begin + size]
                    values = features[batch].astype(np.float32)
                    (found,) = session.run([OUTPUT], {inputs.name: values})
                    differences.append(np.abs(found - expected[batch]).max())
    except Exception as error:  # of any kind, from onnxruntime
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigError(
            f"onnxruntime cannot compute the ONNX file of the network ({reason:.150}). Try the "
            "versions in constraints.txt."
        ) from error
    return float(np.max(differences))


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # it would take all cores, and say so where it may not
    options.log_severity_level = 4  # fatal
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _forget_where(graph: Any) -> None:
    """Take out where in whose files torch found each operation."""
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves what torch says about its own ways."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
