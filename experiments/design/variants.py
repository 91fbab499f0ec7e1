"""Studies derived from others: some of the variants, or other values of their fields."""

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
    """A study of every variant with every combination of values, without published figures.

    Args:
        study: with the variants.
        grid: values by the paths of their fields, see `config_paths.with_field`.

    Raises:
        ConfigError: there is no such field, or it does not accept a value.
        RunError: there are more than `MOST_VARIANTS` combinations.
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
    """A study of some of its variants; raises RunError for an unknown name."""
    known = {variant.name: variant for variant in study.variants}
    for name in names:
        if name not in known:
            raise RunError(
                f"the study {study.name} has no variant {name!r}.{did_you_mean(name, known)} "
                f"It has: {', '.join(known)}."
            )
    return replace(study, variants=tuple(known[name] for name in dict.fromkeys(names)))


def parse_grid(options: Sequence[str]) -> dict[str, list[Any]]:
    """Values by path, from options such as training.learning_rate=1e-4,1e-3.

    Raises:
        RunError: an option cannot be parsed.
    """
    grid: dict[str, list[Any]] = {}
    for option in options:
        path, equals, text = option.partition("=")
        values = _values(text)
        if not equals or not values:
            raise RunError(
                "--vary takes FIELD=VALUE,VALUE..., such as training.learning_rate=1e-4,1e-3. "
                f"Received: {option!r}."
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
    """TOML values with commas between them; texts need no quotes."""
    try:
        return list(tomllib.loads(f"values = [{text}]")["values"])
    except tomllib.TOMLDecodeError:
        return [_value(part.strip()) for part in text.split(",") if part.strip()]


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
