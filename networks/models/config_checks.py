"""Checks that configs share: types, ranges, and the sentence when they fail."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from numbers import Integral
from typing import Any, Literal, get_args, get_origin, get_type_hints

from networks.errors import ConfigError

_TYPE_WORDS = {int: "a whole number", float: "a number", bool: "true or false", type(None): "none"}
_MOST_LAYERS, _MOST_UNITS = 100, 100_000  # a study of more is a mistake, or malice


def check_types(config: Any) -> None:
    """Raise ConfigError unless every field has the type that it is annotated with."""
    hints = hints_of(config.__class__)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        hint = hints[field.name]
        if float in (hint, *get_args(hint)) and type(value) is int:
            value = float(value)
            object.__setattr__(config, field.name, value)
        if get_origin(hint) is tuple and isinstance(value, list):
            value = tuple(value)
            object.__setattr__(config, field.name, value)
        if not _is_of(value, hint):
            raise ConfigError(f"{field.name} must be {_described(hint)}. Received: {value!r}.")


@cache  # studies make a thousand configs of a few classes
def hints_of(config_class: Any) -> dict[str, Any]:
    """The annotations of a class, evaluated."""
    return get_type_hints(config_class)


def nested_config(config_class: Any, name: str) -> Any:
    """The class of the config that a field holds, or None where it holds a value."""
    hint = hints_of(config_class)[name]
    return next((t for t in (hint, *get_args(hint)) if dataclasses.is_dataclass(t)), None)


def _is_of(value: Any, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_is_of(item, get_args(hint)[0]) for item in value)
    if get_args(hint):  # a union
        return any(_is_of(value, option) for option in get_args(hint))
    return type(value) is hint


def _described(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return f"one of {listed(get_args(hint))}"
    if get_origin(hint) is tuple:
        return "a list of whole numbers from 1 on"  # the one list that configs have
    if get_args(hint):
        return " or ".join(_described(option) for option in get_args(hint))
    article = "an" if hint.__name__[0] in "AEIOU" else "a"
    return _TYPE_WORDS.get(hint, f"{article} {hint.__name__}")


def listed(values: Any) -> str:
    """Values as a list in a sentence."""
    return ", ".join(repr(value) for value in values)


def check_whole(name: str, value: Any, least: int) -> None:
    """Raise ConfigError unless an argument is a whole number of at least `least`."""
    require(
        isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least,
        f"{name} must be a whole number, at least {least}",
        value,
    )


def require(holds: bool, rule: str, received: Any) -> None:
    """Raise ConfigError with the rule and what was received unless it holds."""
    if not holds:
        raise ConfigError(f"{rule}. Received: {received!r:.100}.")


def check_sizes(config: Any, name: str) -> None:
    """Raise ConfigError unless a field lists sizes of at least 1, and not absurdly many."""
    sizes = getattr(config, name)
    if not sizes or min(sizes) < 1:
        raise ConfigError(
            f"{name} must list at least one size, each at least 1. Received: {list(sizes)!s:.60}."
        )
    if len(sizes) > _MOST_LAYERS or max(sizes) > _MOST_UNITS:
        raise ConfigError(
            f"{name} must list at most {_MOST_LAYERS} sizes, each at most {_MOST_UNITS:,}. "
            f"Received: {len(sizes):,} of up to {max(sizes):,}."
        )


def check_share(config: Any, name: str) -> None:
    """Raise ConfigError unless a field lies in 0 <= value < 1."""
    value = getattr(config, name)
    if not 0.0 <= value < 1.0:
        raise ConfigError(f"{name} must lie in 0 <= {name} < 1. Received: {value}.")


def check_at_least(config: Any, name: str, least: int) -> None:
    """Raise ConfigError unless a field is at least `least`."""
    value = getattr(config, name)
    if value < least:
        raise ConfigError(f"{name} must be at least {least}. Received: {value}.")


def check_between(config: Any, name: str, least: int, most: int) -> None:
    """Raise ConfigError unless a whole number lies between two others."""
    value = getattr(config, name)
    if not least <= value <= most:
        raise ConfigError(
            f"{name} must be a whole number from {least} to {most:,}. Received: {value}."
        )


def check_positive(config: Any, name: str) -> None:
    """Raise ConfigError unless a field is finite and above 0."""
    value = getattr(config, name)
    if not 0.0 < value < math.inf:
        raise ConfigError(f"{name} must be a finite number above 0. Received: {value}.")


def check_not_negative(config: Any, name: str) -> None:
    """Raise ConfigError unless a field is finite and at least 0."""
    value = getattr(config, name)
    if not 0.0 <= value < math.inf:
        raise ConfigError(f"{name} must be a finite number, at least 0. Received: {value}.")
