"""Fields of configs by their paths, such as training.schedule.kind."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from networks.errors import ConfigError
from networks.models.config import (
    CNNConfig,
    FFNConfig,
    NetworkConfig,
    TrainingConfig,
    network_from_dict,
    to_dict,
    training_from_dict,
)
from networks.models.config_checks import hints_of, listed, nested_config
from networks.models.custom import CustomConfig

Configs = tuple[NetworkConfig, TrainingConfig]
_ROOTS = ("network", "training")
_HASHED = ("sha256", "folder")  # of a user's function: they follow from the others
_NETWORKS = {config.kind: config for config in (FFNConfig, CNNConfig)}


def with_field(configs: Configs, path: str, value: Any, folder: Path | None = None) -> Configs:
    """Set a field of a network's or training's config.

    Args:
        configs: of the network and of its training.
        path: such as training.l2 or training.schedule.kind; network.kind gives the network of
            that kind with its defaults, network.build one that a function of the user builds.
        value: a plain number, text, boolean or list; "none" for None.
        folder: that holds the file of network.build; None means that of the network before,
            else the working directory.

    Raises:
        ConfigError: there is no such field, or it does not accept this value.
    """
    root, *names = path.split(".")
    if root not in _ROOTS or not names:
        raise ConfigError(
            f"a field's path begins with network. or training., such as training.learning_rate. "
            f"Received: {path!r}."
        )
    network, training = configs
    if path == "network.kind":
        return _of_kind(network, value), training
    if path == "network.build":
        return _of_function(network, value, folder), training
    config = network if root == "network" else training
    plain = _changed(type(config), to_dict(config), names, value, root)
    try:
        if root == "network":
            return network_from_dict(plain), training
        return network, training_from_dict(plain)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def flatten_config(config: Mapping[str, Any], begin: str = "") -> Iterator[tuple[str, str]]:
    """Paths of all fields, with their values as text; "-" for None."""
    for name, item in config.items():
        if isinstance(item, Mapping):
            yield from flatten_config(item, f"{begin}{name}.")
        else:
            yield f"{begin}{name}", "-" if item is None else str(item)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A question that names the most similar name, after a space; "" if none is similar."""
    close = difflib.get_close_matches(name.lower(), list(names), 1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _changed(
    kind: Any, plain: dict[str, Any], names: list[str], value: Any, where: str
) -> dict[str, Any]:
    """The plain data of a config, with a value at the path `names` below `where`."""
    name, *inner = names
    _check_name(kind, name, where)
    if inner:
        place = f"{where}.{name}"
        if kind is CustomConfig and name == "options" and len(inner) == 1:
            value = plain[name] | {inner[0]: value}
        elif nested := nested_config(kind, name):
            value = _changed(nested, plain[name] or {}, inner, value, place)
        else:
            raise ConfigError(f"{place} is a value: it has no fields.")
    elif value == "none" and type(None) in get_args(hints_of(kind)[name]):
        value = None  # which TOML has no word for
    return plain | {name: value}


def _of_kind(network: NetworkConfig, kind: Any) -> NetworkConfig:
    if kind not in _NETWORKS:
        raise ConfigError(f"network.kind must be one of {listed(_NETWORKS)}. Received: {kind!r}.")
    return network if kind == network.kind else _NETWORKS[kind]()


def _of_function(network: NetworkConfig, build: Any, folder: Path | None) -> CustomConfig:
    before = network if isinstance(network, CustomConfig) else None
    place = folder or Path(before.folder if before else "")
    if before is None:
        return CustomConfig.from_name(build, place)
    return CustomConfig.from_name(build, place, before.features, **dict(before.options))


def _check_name(kind: Any, name: str, where: str) -> None:
    names = [field.name for field in fields(kind) if field.name not in _HASHED]
    if where == "network":
        names.insert(0, "kind")
    if name not in names:
        raise ConfigError(
            f"{where}.{name}: there is no such field.{did_you_mean(name, names)} {where} has: "
            f"{', '.join(names)}."
        )
