"""Which variables the config of a saved model asks for, computed before Keras reads it.

Only chains of our layers pass, each with the settings that `ffn` and `cnn` give it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from networks.safe_loading.errors import VettingError, as_dict, as_list
from networks.safe_loading.layers import (
    INITIALIZERS,
    LAYERS,
    MAX_PARAMETERS,
    LayerKind,
    Settings,
    Shape,
    Variable,
    is_name,
    same,
)

MAX_LAYERS = 1000  # Keras itself cannot build many more
MAX_VALUES_A_ROW = 2**24  # that a layer puts out; our largest, without pooling, has 344 thousand

_MODEL = ("keras.src.models.functional", "Functional")
_CLASSES = {
    _MODEL,
    ("keras", "DTypePolicy"),
    (None, "__keras_tensor__"),
    *(("keras.layers", name) for name in LAYERS),
    *(("keras.initializers", name) for name in INITIALIZERS),
}
_NAMING = {"module", "class_name", "registered_name"}
_LAYER_KEYS = _NAMING | {"config", "build_config", "name", "inbound_nodes"}
_MODEL_KEYS = _NAMING | {"config", "build_config", "compile_config"}


@dataclass(frozen=True)
class StoredLayer:
    """What the weights file holds of a layer.

    Args:
        group: that Keras writes its variables to.
        variables: in Keras's order.
    """

    group: str
    variables: tuple[Variable, ...]


def stored_layers(model: Any) -> list[StoredLayer]:
    """The layers that a model's config asks for, and their variables.

    Args:
        model: the contents of config.json.

    Raises:
        VettingError: it is no network of ours, or a giant.
    """
    _check_classes(model)
    config = _model_config(model)
    stored: list[StoredLayer] = []
    names: list[str] = []
    counts: dict[str, int] = {}
    shape: Shape = ()
    layers = as_list(config["layers"], "layers")
    if len(layers) > MAX_LAYERS:
        raise VettingError(f"at most {MAX_LAYERS} layers", len(layers))
    for one in layers:
        settings, kind = _layer(one, names)
        name = settings["name"]
        _check_build(one, name, shape)
        _check_call(one, name, names[-1:], shape)
        shape, variables = kind.grow(settings, shape)
        if min(shape) < 1 or math.prod(shape) > MAX_VALUES_A_ROW:
            raise VettingError(f"{name} to put out 1 to {MAX_VALUES_A_ROW} values a row", shape)
        number = counts[kind.group] = counts.get(kind.group, -1) + 1
        group = f"{kind.group}_{number}" if number else kind.group
        stored.append(StoredLayer(group, variables))
        names.append(name)
    _check_ends(config, names)
    if (parameters := parameters_of(stored)) > MAX_PARAMETERS:
        raise VettingError(f"at most {MAX_PARAMETERS} parameters", parameters)
    return stored


def parameters_of(layers: list[StoredLayer]) -> int:
    """Number of values that the variables of all layers have together."""
    return sum(math.prod(variable.shape) for layer in layers for variable in layer.variables)


def _check_classes(config: Any) -> None:
    """Refuse every object that names another class than ours, wherever it sits."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
            if not value.keys() & _NAMING:
                continue
            named = value.get("module"), value.get("class_name")
            if any(isinstance(part, (dict, list)) for part in named) or named not in _CLASSES:
                raise VettingError("only Keras's classes that our networks use", named)
            # Keras prefers whatever was registered under such a name to its own classes.
            registered = value.get("registered_name")
            if registered is not None and (named != _MODEL or registered != "Functional"):
                raise VettingError("no class that was registered", registered)


def _model_config(model: Any) -> Settings:
    model = as_dict(model, "config.json")
    if (model.get("module"), model.get("class_name")) != _MODEL:
        raise VettingError("a functional model", model)
    if unknown := model.keys() - _MODEL_KEYS:
        raise VettingError("nothing else in config.json", min(unknown))
    if model.get("compile_config"):
        raise VettingError("a model that was saved without an optimizer", model["compile_config"])
    config = as_dict(model.get("config"), "the model's config")
    keys = {"name", "trainable", "layers", "input_layers", "output_layers"}
    if config.keys() != keys or not is_name(config["name"]) or config["trainable"] is not True:
        raise VettingError(f"a trainable model of {', '.join(sorted(keys))}", config)
    return config


def _layer(layer: Any, before: list[str]) -> tuple[Settings, LayerKind]:
    """Settings and kind of a layer; the settings are checked."""
    layer = as_dict(layer, "a layer")
    if unknown := layer.keys() - _LAYER_KEYS:
        raise VettingError("nothing else in a layer", min(unknown))
    kind = layer.get("class_name")
    if kind not in LAYERS or (kind == "InputLayer") != (not before):
        raise VettingError("one InputLayer, then other layers of ours", kind)
    settings = as_dict(layer.get("config"), f"the config of a {kind}")
    name = settings.get("name")
    if not is_name(name) or name in before or layer.get("name") != name:
        raise VettingError("a name of its own for each layer", layer.get("name"))
    checks = LAYERS[kind].settings
    for key, check in checks.items():
        if not check(settings.get(key)):
            raise VettingError(f"{key} of {name} to be as in our networks", settings.get(key))
    for key in settings.keys() - checks.keys():
        if settings[key] is not None and settings[key] is not False:
            raise VettingError(f"{name} to have no {key[:60]!r}", settings[key])
    return settings, LAYERS[kind]


def _check_build(layer: dict[str, Any], name: str, shape: Shape) -> None:
    """Refuse a shape that Keras would build the layer for before it sees its inputs."""
    build = layer.get("build_config")
    if build is None:
        return
    built = as_list(as_dict(build, "build_config").get("input_shape"), "input_shape")
    if len(build) != 1 or not same(built[1:], shape) or not _is_rows(built[0]):
        raise VettingError(f"{name} to be built for rows of {shape}", build)


def _is_rows(value: Any) -> bool:
    return value is None or type(value) is int


def _check_call(layer: dict[str, Any], name: str, previous: list[str], shape: Shape) -> None:
    """Refuse a layer that does not take the previous layer's outputs, and those alone."""
    nodes = as_list(layer.get("inbound_nodes"), "inbound_nodes")
    expected: list[Any] = []
    if previous:
        tensor = {"shape": [None, *shape], "dtype": "float32", "keras_history": [*previous, 0, 0]}
        args = [{"class_name": "__keras_tensor__", "config": tensor}]
        options = nodes[0].get("kwargs") if nodes and isinstance(nodes[0], dict) else None
        expected = [{"args": args, "kwargs": options if _are_off(options) else {}}]
    if not same(nodes, expected):
        raise VettingError(f"{name} to take the outputs of the layer before it", nodes)


def _are_off(options: Any) -> bool:
    return (
        isinstance(options, dict)
        and options.keys() <= {"mask", "training"}
        and all(value is None or value is False for value in options.values())
    )


def _check_ends(config: Settings, names: list[str]) -> None:
    if len(names) < 2:
        raise VettingError("at least two layers", names)
    for key, name in (("input_layers", names[0]), ("output_layers", names[-1])):
        if not same(config[key], [name, 0, 0]):
            raise VettingError(f"{key} to be {name}", config[key])
