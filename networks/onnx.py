"""Networks as ONNX files: written by Keras, and compared with what Keras computes.

The packages come with the extra `onnx`; nothing else here needs them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from networks.backend import keras_defaults
from networks.errors import ConfigError
from networks.inference import probabilities_of

PACKAGES = ("onnx", "onnxruntime")
OUTPUT = "probabilities"

_SMALL_BATCHES = (1, 7)
_ROWS_IN_SMALL_BATCHES = 70
_LARGEST_BATCH = 512  # a row of our largest network takes some megabytes on its way


def require_packages() -> None:
    """Raise ConfigError unless the packages of the extra are installed."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"ONNX files need packages that are not installed ({', '.join(missing)}): in the "
            "project's folder, pip install -c constraints.txt -e '.[onnx]'."
        )


@keras_defaults()
def write(model: keras.Model, path: Path, metadata: Mapping[str, str]) -> None:
    """Write a network as an ONNX file, by `keras.Model.export`.

    Its input has the name and shape of the model's, float32, with any number of rows;
    its output, `probabilities`, is the softmax of the model's.

    Args:
        model: on the CPU, maps (n, ...) to logits (n, classes).
        path: of the file.
        metadata: stored in the file as its `metadata_props`.

    Raises:
        ConfigError: a package is missing, or Keras cannot convert the model.
        OSError: the file cannot be written.
    """
    require_packages()
    import onnx

    try:
        # Keras goes by way of torch's exporter of TorchScript, which warns that it is old.
        with warnings.catch_warnings(), keras.device("cpu"):
            warnings.simplefilter("ignore")
            outputs = keras.layers.Softmax(name=OUTPUT)(model.outputs[0])
            with_softmax = keras.Model(model.inputs, outputs)
            with_softmax([keras.ops.zeros((1, *model.input_shape[1:]))])  # Keras insists
            with_softmax.export(path, format="onnx", verbose=False)
            converted = onnx.load(path)
            _name_output(converted.graph)
            _remove_source_locations(converted.graph)
            onnx.helper.set_model_props(converted, dict(metadata))
            onnx.checker.check_model(converted)
            content = converted.SerializeToString(deterministic=True)
    except Exception as error:  # of any kind, from anywhere in Keras, torch and onnx
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise
        raise ConfigError(
            f"Keras {keras.__version__} cannot convert the network to ONNX "
            f"({_first_line(error)}). Try the versions in constraints.txt."
        ) from error
    path.write_bytes(content)


def largest_difference(path: Path, model: keras.Model, features: npt.NDArray[Any]) -> float:
    """Compare the probabilities of an ONNX file with those of the Keras model.

    All rows are computed in batches of up to 512, and some, evenly spread, one by one
    and in batches of 7.

    Args:
        path: of the file.
        model: that it was made of.
        features: raw rows. [shape=(n, ...)]

    Returns:
        The largest absolute difference of any probability; NaN where one of them is NaN.

    Raises:
        ConfigError: onnxruntime is missing, or cannot compute the file.
    """
    require_packages()
    expected = probabilities_of(model, features)
    spread = np.linspace(0, len(features) - 1, min(len(features), _ROWS_IN_SMALL_BATCHES))
    some, everything = spread.astype(np.int64), np.arange(len(features))
    differences = []
    try:
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
        raise ConfigError(
            f"onnxruntime cannot compute the ONNX file of the network ({_first_line(error)}). "
            "Try the versions in constraints.txt."
        ) from error
    return float(np.max(differences))


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # it would take all cores, and say so where it may not
    options.log_severity_level = 4  # fatal
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _name_output(graph: Any) -> None:
    """Name the graph's output, which torch numbers, and its axis of rows as the input's."""
    (output,), (inputs,) = graph.output, graph.input
    for node in graph.node:
        node.output[:] = [OUTPUT if name == output.name else name for name in node.output]
    output.name = OUTPUT
    rows = inputs.type.tensor_type.shape.dim[0].dim_param
    output.type.tensor_type.shape.dim[0].dim_param = rows


def _remove_source_locations(graph: Any) -> None:
    """Remove paths of this machine's files, where torch found each operation."""
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:150]
