"""The layers that `ffn` and `cnn` are made of: their settings, shapes and variables.

Shapes are those of one row. All sizes are plain integers: nothing is allocated.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from networks.models.config import CNNConfig
from networks.safe_loading.errors import VettingError

MAX_PARAMETERS = 500_000_000  # the studies' largest network has 74 million

INITIALIZERS = (
    *("Constant", "Zeros", "Ones"),
    *("GlorotUniform", "HeNormal", "RandomUniform", "VarianceScaling"),
)
_N_MFCC_STATISTICS = 26
_ACTIVATIONS = ("relu", "hard_shrink", "hard_silu")  # the last is hard_swish

Shape = tuple[int, ...]
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Variable:
    """An array that the weights file must hold."""

    shape: Shape
    dtype: str = "<f4"


@dataclass(frozen=True)
class LayerKind:
    """What a kind of layer is.

    Args:
        group: name that Keras gives its variables in the weights file.
        settings: what each of its settings must satisfy; those not named must be off.
        grow: gives the shape it puts out and its variables, in Keras's order, from
            its settings and the shape it takes.
    """

    group: str
    settings: Mapping[str, Callable[[Any], bool]]
    grow: Callable[[Settings, Shape], tuple[Shape, tuple[Variable, ...]]]


def same(value: Any, expected: Any) -> bool:
    """Whether two JSON values are written alike: 1, 1.0 and true all differ."""
    return json.dumps(value, sort_keys=True) == json.dumps(expected, sort_keys=True)


def is_name(value: Any) -> bool:
    """Whether a value can be the name of a layer or model of ours."""
    return isinstance(value, str) and re.fullmatch(r"\w{1,100}", value, re.ASCII) is not None


def _one_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: any(same(value, one) for one in values)


def _is_size(value: Any) -> bool:
    return type(value) is int and 1 <= value <= MAX_PARAMETERS


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -1e30 < value < 1e30


def _is_kernel_size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_size, value))


def _is_axes(value: Any) -> bool:
    return _one_of([1], [1, 2, 3])(value)


def _is_initializer(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        return False
    expected = {"module": "keras.initializers", "registered_name": None}
    named = {key: value[key] for key in value if key not in ("class_name", "config")}
    return (
        named == expected
        and value.get("class_name") in INITIALIZERS
        and all(
            item is None or _is_number(item) or is_name(item) for item in value["config"].values()
        )
    )


def _is_float32(value: Any) -> bool:
    if isinstance(value, dict):
        value = {key: value[key] for key in value if key != "shared_object_id"}
    policy = {"class_name": "DTypePolicy", "config": {"name": "float32"}, "module": "keras"}
    return _one_of("float32", policy | {"registered_name": None})(value)


def _input(settings: Settings, _: Shape) -> tuple[Shape, tuple[Variable, ...]]:
    return tuple(settings["batch_shape"][1:]), ()


def _unchanged(_: Settings, shape: Shape) -> tuple[Shape, tuple[Variable, ...]]:
    return shape, ()


def _normalization(_: Settings, shape: Shape) -> tuple[Shape, tuple[Variable, ...]]:
    each = Variable(shape[-1:])
    return shape, (each, each, Variable((), "<i4"))  # mean, variance, count


def _batch_normalization(settings: Settings, shape: Shape) -> tuple[Shape, tuple[Variable, ...]]:
    channels = shape[0] if settings["axis"] == 1 else shape[-1]
    return shape, (Variable((channels,)),) * 4  # gamma, beta, mean, variance


def _reshape(settings: Settings, shape: Shape) -> tuple[Shape, tuple[Variable, ...]]:
    target = tuple(settings["target_shape"])
    if math.prod(shape) != math.prod(target):
        raise VettingError(f"inputs of a Reshape to {target}", shape)
    return target, ()


def _convolution(settings: Settings, shape: Shape) -> tuple[Shape, tuple[Variable, ...]]:
    channels, rows, columns = _image(shape)
    filters, (height, width) = settings["filters"], settings["kernel_size"]
    if settings["padding"] == "valid":
        rows, columns = rows - height + 1, columns - width + 1
    kernel = Variable((height, width, channels, filters))
    return (filters, rows, columns), (kernel, Variable((filters,)))


def _pooling(_: Settings, shape: Shape) -> tuple[Shape, tuple[Variable, ...]]:
    channels, rows, columns = _image(shape)
    return (channels, rows // 2, columns // 2), ()


def _image(shape: Shape) -> Shape:
    if len(shape) != 3:
        raise VettingError("an image of channels, rows and columns", shape)
    return shape


def _flatten(_: Settings, shape: Shape) -> tuple[Shape, tuple[Variable, ...]]:
    return (math.prod(shape),), ()


def _dense(settings: Settings, shape: Shape) -> tuple[Shape, tuple[Variable, ...]]:
    if len(shape) != 1:
        raise VettingError("a flat input of a Dense layer", shape)
    units = settings["units"]
    return (units,), (Variable((shape[0], units)), Variable((units,)))


def _prelu(settings: Settings, shape: Shape) -> tuple[Shape, tuple[Variable, ...]]:
    if settings["shared_axes"] != list(range(1, len(shape) + 1)):
        raise VettingError("one slope for a whole PReLU", settings["shared_axes"])
    return shape, (Variable((1,) * len(shape)),)


_COMMON = {"name": is_name, "trainable": _one_of(True), "dtype": _is_float32}
_WEIGHTED = _COMMON | {
    "activation": _one_of("linear"),
    "use_bias": _one_of(True),
    "kernel_initializer": _is_initializer,
    "bias_initializer": _is_initializer,
}
_IMAGE = _COMMON | {"data_format": _one_of("channels_first")}
_STARTS = ("beta", "gamma", "moving_mean", "moving_variance")

LAYERS: Mapping[str, LayerKind] = {
    "InputLayer": LayerKind(
        "input_layer",
        {
            "name": is_name,
            "dtype": _one_of("float32"),
            "batch_shape": _one_of([None, _N_MFCC_STATISTICS], [None, *CNNConfig.image_shape]),
        },
        _input,
    ),
    "Normalization": LayerKind("normalization", _COMMON | {"axis": _one_of([-1])}, _normalization),
    "Reshape": LayerKind(
        "reshape", _COMMON | {"target_shape": _one_of([1, *CNNConfig.image_shape])}, _reshape
    ),
    "Conv2D": LayerKind(
        "conv2d",
        _IMAGE
        | _WEIGHTED
        | {
            "filters": _is_size,
            "kernel_size": _is_kernel_size,
            "strides": _one_of([1, 1]),
            "padding": _one_of("same", "valid"),
            "dilation_rate": _one_of([1, 1]),
            "groups": _one_of(1),
        },
        _convolution,
    ),
    "BatchNormalization": LayerKind(
        "batch_normalization",
        _COMMON
        | {"axis": _one_of(1, -1), "momentum": _is_number, "epsilon": _is_number}
        | {"center": _one_of(True), "scale": _one_of(True), "renorm_momentum": _is_number}
        | {f"{start}_initializer": _is_initializer for start in _STARTS},
        _batch_normalization,
    ),
    "Activation": LayerKind(
        "activation", _COMMON | {"activation": _one_of(*_ACTIVATIONS)}, _unchanged
    ),
    "LeakyReLU": LayerKind("leaky_re_lu", _COMMON | {"negative_slope": _is_number}, _unchanged),
    "PReLU": LayerKind(
        "p_re_lu", _COMMON | {"alpha_initializer": _is_initializer, "shared_axes": _is_axes}, _prelu
    ),
    "Dropout": LayerKind("dropout", _COMMON | {"rate": _is_number, "seed": _is_number}, _unchanged),
    "MaxPooling2D": LayerKind(
        "max_pooling2d",
        _IMAGE
        | {"pool_size": _one_of([2, 2]), "strides": _one_of([2, 2]), "padding": _one_of("valid")},
        _pooling,
    ),
    "Flatten": LayerKind(
        "flatten", _COMMON | {"data_format": _one_of("channels_first", "channels_last")}, _flatten
    ),
    "Dense": LayerKind("dense", _WEIGHTED | {"units": _is_size}, _dense),
}
