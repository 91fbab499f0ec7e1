"""The space of a search, from a study and the options of `search`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from experiments.design.config_paths import with_field
from experiments.design.limits import MOST_DRAWN_VALUES, check_limit
from experiments.design.search_space import KIND, Choice, Dimension, Range, Space, Start
from experiments.design.study import Study
from experiments.design.variants import parse_grid
from experiments.errors import RunError
from networks.errors import ConfigError

RATE = "training.learning_rate"
_EXAMPLES = "training.l2=1e-5..1e-1:log, network.dropout=0..0.5 or training.batch_size=8,16,32"


def space_of(
    study: Study,
    fields: Sequence[str] = (),
    *,
    grid: bool = False,
    epochs: int | None = None,
    extended: bool = False,
) -> Space:
    """The space of a search: the study's controlled variants, their learning rates, other fields.

    A field is drawn for the variants that accept all its values; the learning rate is not drawn
    for variants that fix it.

    Args:
        study: with the variants.
        fields: such as training.l2=1e-5..1e-1:log or training.batch_size=8,16.
        grid: draw learning rates from the study's budget instead of its whole range.
        epochs: of every training, instead of the budget's.
        extended: add the variants that only the extended study has.

    Raises:
        RunError: a field cannot be parsed, or there is nothing to draw from.
        ConfigError: no variant accepts a field and its values.
    """
    variants = study.of("controlled", extended=extended)
    if not variants:
        raise RunError(f"the study {study.name} has no variants in the controlled protocol.")
    drawn = _read(fields)
    values = len(variants) * sum(len(dimension.edges) for dimension in drawn.values())
    check_limit(values, MOST_DRAWN_VALUES, "values to draw, over all its variants")
    starts = [
        Start(
            variant.name,
            variant.network,
            next(study.trainings(variant, "controlled", epochs)),
            () if "learning_rate" in variant.fixed else (RATE,),
            variant.device,
        )
        for variant in variants
    ]
    # The kind of network decides which other fields there are.
    for path in sorted(drawn, key=lambda path: path != KIND):
        drawn[path], able = _settled(drawn[path], starts)
        starts = [
            replace(start, paths=(*(p for p in start.paths if p != path), path))
            if start.variant in able
            else start
            for start in starts
        ]
    dimensions = {RATE: _rates(study, grid)} | drawn
    paths = {path for start in starts for path in start.paths}
    return Space(tuple(starts), tuple(d for path, d in dimensions.items() if path in paths))


def _rates(study: Study, grid: bool) -> Dimension:
    rates = study.budget.learning_rates
    if grid or len(rates) == 1:
        return Choice(RATE, rates)
    return Range(RATE, min(rates), max(rates), log=True)


def _read(fields: Sequence[str]) -> dict[str, Dimension]:
    found: dict[str, Dimension] = {}
    for field in fields:
        path, equals, text = (part.strip() for part in field.partition("="))
        if not (path and equals and text.strip(",")):
            raise RunError(
                f"--space takes FIELD=LOW..HIGH, FIELD=LOW..HIGH:log or FIELD=VALUE,VALUE..., such "
                f"as {_EXAMPLES}. Received: {field!r}."
            )
        if path in found:
            raise RunError(f"--space names {path} twice: give all its values at once.")
        found[path] = _range(path, text) if ".." in text else _choice(path, field)
    return found


def _choice(path: str, field: str) -> Choice:
    (values,) = parse_grid([field]).values()
    return Choice(path, tuple({json.dumps(value): value for value in values}.values()))


def _range(path: str, text: str) -> Range:
    ends, colon, scale = text.partition(":")
    low, _, high = ends.partition("..")
    log = scale == "log"
    try:
        lowest, highest = float(low), float(high)
    except ValueError:
        lowest = highest = math.nan
    if not lowest < highest or math.inf in (-lowest, highest) or (colon and not log):
        raise RunError(
            f"--space {path}: a range is two numbers, the lower one first, with :log behind them "
            f"where powers of ten are meant, such as 1e-5..1e-1:log. Received: {text!r}."
        )
    if log and lowest <= 0:
        raise RunError(f"--space {path}: a range with :log begins above 0. Received: {text!r}.")
    return Range(path, lowest, highest, log)


def _settled(dimension: Dimension, starts: Sequence[Start]) -> tuple[Dimension, set[str]]:
    """A dimension, made whole if the field is; the variants that accept its values."""
    able = _able(dimension, starts)
    if not able and isinstance(dimension, Range):
        low, high = dimension.low, dimension.high
        if low.is_integer() and high.is_integer():
            dimension = Range(dimension.path, int(low), int(high), dimension.log, whole=True)
            able = _able(dimension, starts)
    if not able:
        for value in dimension.edges:  # raises the error of the field
            _change(starts[0], dimension.path, value)
    return dimension, able


def _able(dimension: Dimension, starts: Sequence[Start]) -> set[str]:
    able = set()
    for start in starts:
        with suppress(ConfigError):
            for value in dimension.edges:
                _change(start, dimension.path, value)
            able.add(start.variant)
    return able


def _change(start: Start, path: str, value: Any) -> None:
    with_field((start.network, start.training), path, value)
