"""A study that a user writes: a TOML file.

name = "wider"                       # what runs are filed under; the file's name if left out
question = "Does a wider network help?"
about = "..."                        # may be left out
protocol = "controlled"              # of `run`, unless it names another; the default
seeds = 5
folds = 5                            # of cross-validation; may be left out
group = "artist"                     # what a fold keeps together; "track" if left out

[base.network]                       # fields of networks.config.FFNConfig or CNNConfig
kind = "ffn"                         # or build = "my_model:build": a function in my_model.py
[base.training]                      # fields of networks.config.TrainingConfig
optimizer = "adam"

[controlled]                         # what every variant gets; defaults below
epochs = 20
learning_rates = [1e-4, 1e-3, 1e-2]

[variants.narrow]                    # any fields that differ from the base
network.hidden = [64, 16]
[variants.wide]
network.hidden = [512, 128]

[vary]                               # and each variant with each of these; may be left out
"training.batch_size" = [16, 64]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from data.files.plain import plain_file
from experiments.design.config_paths import Configs, did_you_mean, with_field
from experiments.design.limits import MOST_VARIANTS, check_limit, check_variant_name
from experiments.design.plan import StudyOptions
from experiments.design.study import RATES, Axis, Budget, Study, Variant
from experiments.design.variants import vary
from experiments.errors import RunError
from networks.errors import ConfigError
from networks.models.config import FFNConfig, TrainingConfig

_LARGEST = 2**20  # bytes
_KEYS = (
    *("name", "question", "about", "protocol", "seeds", "folds", "group"),
    *("base", "controlled", "variants", "vary"),
)
_KINDS = ("network.kind", "network.build")
_LONGEST_LABEL = 100
_EXAMPLE = "Write for example: [variants.wide] and below it network.hidden = [512, 128]."


def read_study(path: Path) -> tuple[Study, StudyOptions]:
    """Read a study, and the options of `run` that its author chose, from a TOML file.

    Raises:
        RunError: it cannot be read or is invalid; the message names the field.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise RunError(f"{path} is larger than any study: at most 1 MiB.")
        with open(path, encoding="utf-8", opener=plain_file) as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise RunError(f"the study {path} cannot be read: {reason}.") from error
    try:
        plain = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RunError(f"{path} is no valid TOML: {error!s:.200}.") from error
    with _at(str(path)):
        return _study(plain, path)


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Begin the sentences of errors with a place, such as the path of a field."""
    try:
        yield
    except (ConfigError, RunError) as error:
        raise RunError(f"{place}: {error}") from error


def _study(plain: dict[str, Any], path: Path) -> tuple[Study, StudyOptions]:
    _check_keys(plain, _KEYS)
    named = {name: plain[name] for name in ("seeds", "folds", "group") if name in plain}
    options = StudyOptions(plain.get("protocol", "controlled"), **named)
    folder, budget = path.absolute().parent, _table(plain, "controlled")
    base = _changed((FFNConfig(), TrainingConfig()), _table(plain, "base"), "base", folder)
    variants = tuple(_variants(plain, base, folder))
    _check_keys(budget, ("epochs", "learning_rates"), "controlled")
    with _at("controlled"):
        rates = budget.get("learning_rates", RATES)
        controlled = Budget(budget.get("epochs", base[1].epochs), rates)
    study = Study(
        plain.get("name", path.stem.lower()),
        plain.get("question", "Which variant is best?"),
        plain.get("about", ""),
        variants,
        controlled,
    )
    grid = dict(_leaves(_table(plain, "vary")))
    with _at("vary"):
        for field, values in grid.items():
            if not isinstance(values, list) or not values:
                raise RunError(f"{field}: it must be a list of values to try.")
        return vary(study, grid), options


def _variants(plain: Mapping[str, Any], base: Configs, folder: Path) -> Iterator[Variant]:
    variants = _table(plain, "variants")
    if not variants and not _table(plain, "vary"):
        raise RunError(f"variants: a study needs at least one variant. {_EXAMPLE}")
    check_limit(len(variants), MOST_VARIANTS, "variants")
    keeps = "keep" in _table(plain, "base").get("training", {})
    for name, changes in (variants or {"base": {}}).items():
        with _at("variants"):
            check_variant_name(name, _LONGEST_LABEL)
        where = f"variants.{name}"
        if not isinstance(changes, dict):
            raise RunError(f"{where}: it must be a table. {_EXAMPLE}")
        network, training = _changed(base, changes, where, folder)
        own = changes.get("training", {})
        best = training if keeps or "keep" in own else replace(training, keep="best")
        fixed = tuple(axis for axis in get_args(Axis) if axis in own)
        yield Variant(name, network, training, best, fixed=fixed)


def _changed(configs: Configs, changes: Mapping[str, Any], where: str, folder: Path) -> Configs:
    """Configs with the fields that a table of the file sets."""
    _check_keys(changes, ("network", "training"), where)
    with _at(where):
        # The kind of network decides which other fields there are.
        for path, value in sorted(_leaves(changes), key=lambda leaf: leaf[0] not in _KINDS):
            configs = with_field(configs, path, value, folder)
    return configs


def _check_keys(table: Mapping[str, Any], keys: tuple[str, ...], where: str = "") -> None:
    for key in table:
        if key not in keys:
            raise RunError(
                f"{where}{'.' * bool(where)}{key}: there is no such field."
                f"{did_you_mean(key, keys)} {where or 'A study'} has: {', '.join(keys)}."
            )


def _table(plain: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = plain.get(key, {})
    if not isinstance(value, dict):
        raise RunError(f"{key}: it must be a table, such as [{key}].")
    return value


def _leaves(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Paths and values of a table's fields; tables inside are walked through."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield ".".join((*path, key)), value
