"""Studies of a user's own making from one that is there: other variants, other values."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from experiments.design.config_paths import did_you_mean, with_field
from experiments.design.limits import MOST_VARIANTS, check_limit
from experiments.design.study import Axis, Study, Variant
from experiments.errors import RunError


def vary(study: Study, grid: Mapping[str, Sequence[Any]]) -> Study:
    """Every variant with every combination of values.

    Args:
        study: whose variants are taken.
        grid: values by the paths of their fields, see `config_paths.with_field`.

    Returns:
        A study without documented figures: no source ran it.

    Raises:
        ConfigError: a field or a value cannot be.
        RunError: there are more than a thousand combinations.
    """
    if not grid:
        return study
    many = len(study.variants)
    for values in grid.values():
        many *= len(values)
    check_limit(many, MOST_VARIANTS, "variants")
    alone = len(study.variants) == 1
    return replace(
        study,
        variants=tuple(
            _varied(variant, dict(zip(grid, values, strict=True)), alone)
            for variant in study.variants
            for values in itertools.product(*grid.values())
        ),
    )


def only(study: Study, names: Sequence[str]) -> Study:
    """A study of some of its variants.

    Raises:
        RunError: it has none of a name.
    """
    there = {variant.name: variant for variant in study.variants}
    for name in names:
        if name not in there:
            raise RunError(
                f"the study {study.name} has no variant {name!r}.{did_you_mean(name, there)} "
                f"It has: {', '.join(there)}."
            )
    return replace(study, variants=tuple(there[name] for name in dict.fromkeys(names)))


def parse_grid(words: Sequence[str]) -> dict[str, list[Any]]:
    """The grid of options such as training.learning_rate=1e-4,1e-3.

    Raises:
        RunError: one cannot be read.
    """
    grid: dict[str, list[Any]] = {}
    for word in words:
        path, equals, text = word.partition("=")
        values = _values(text)
        if not equals or not values:
            raise RunError(
                "--vary takes FIELD=VALUE,VALUE..., such as training.learning_rate=1e-4,1e-3. "
                f"Received: {word!r}."
            )
        if path.strip() in grid:
            raise RunError(f"--vary names {path.strip()} twice: give all its values at once.")
        grid[path.strip()] = values
    return grid


def label(path: str, value: Any) -> str:
    """A short name for a field's value, such as learning_rate=0.001."""
    shown = f"{value:g}" if isinstance(value, float) else str(value).lower().replace(" ", "")
    return f"{path.partition('.')[2]}={shown}"


def _varied(variant: Variant, values: Mapping[str, Any], alone: bool) -> Variant:
    network, training = variant.network, variant.training
    controlled = variant.controlled or training
    for path, value in values.items():
        _, controlled = with_field((network, controlled), path, value)
        network, training = with_field((network, training), path, value)
    axes = {path.partition(".")[2] for path in values if path.startswith("training.")}
    labels = " ".join(label(path, value) for path, value in values.items())
    return replace(
        variant,
        name=labels if alone else f"{variant.name} {labels}",
        network=network,
        training=training,
        controlled=controlled,
        published=(),
        note="",
        fixed=tuple(axis for axis in get_args(Axis) if axis in axes or axis in variant.fixed),
    )


def _values(text: str) -> list[Any]:
    """Values separated by commas, as TOML has them, but for texts without quotes."""
    try:
        return list(tomllib.loads(f"values = [{text}]")["values"])
    except tomllib.TOMLDecodeError:
        return [_value(part.strip()) for part in text.split(",") if part.strip()]


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
