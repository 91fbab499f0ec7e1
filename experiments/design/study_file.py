"""A study that a user writes: a TOML file.

name = "wider"                       # what runs are filed under; the file's name if left out
question = "Does a wider network help?"
about = "..."                        # may be left out
protocol = "controlled"              # of `run`, unless it names another; the default
seeds = 5

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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from experiments.design.config_paths import Configs, did_you_mean, with_field
from experiments.design.limits import (
    MOST_VARIANTS,
    check_limit,
    check_study_name,
    check_variant_name,
)
from experiments.design.plan import StudyOptions
from experiments.design.study import RATES, Axis, Budget, Study, Variant
from experiments.design.variants import vary
from experiments.errors import RunError
from networks.errors import ConfigError
from networks.models.config import FFNConfig, TrainingConfig

_LARGEST = 2**20  # bytes
_KEYS = ("name", "question", "about", "protocol", "seeds", "base", "controlled", "variants", "vary")
_KINDS = ("network.kind", "network.build")
_LONGEST_LABEL = 100
_EXAMPLE = "Write for example: [variants.wide] and below it network.hidden = [512, 128]."


@dataclass(frozen=True)
class OwnStudy:
    """A study from a file, and the options of `run` that its author chose."""

    study: Study
    options: StudyOptions


def read_study(path: Path) -> OwnStudy:
    """Read a study from a TOML file.

    Raises:
        RunError: it cannot be read or is invalid; the message names the field.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise RunError(f"{path} is larger than any study: at most 1 MiB.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise RunError(f"the study {path} cannot be read: {reason}.") from error
    try:
        plain = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RunError(f"{path} is no valid TOML: {error!s:.200}.") from error
    return _Reader(path, plain).read()


class _Reader:
    """Parses the tables of one file; its errors name the file and the path of the field."""

    def __init__(self, path: Path, plain: dict[str, Any]) -> None:
        self._path, self._plain = path, plain

    def read(self) -> OwnStudy:
        self._check_keys(self._plain, _KEYS, "")
        name = self._text("name", self._path.stem.lower())
        with self._naming("name"):
            check_study_name(name)
        with self._naming(""):
            protocol = self._plain.get("protocol", "controlled")
            options = StudyOptions(protocol, self._plain.get("seeds"))
        base = self._configs((FFNConfig(), TrainingConfig()), self._table("base"), "base")
        study = Study(
            name,
            self._text("question", "Which variant is best?"),
            self._text("about", ""),
            tuple(self._variants(base)),
            self._budget(base[1]),
        )
        return OwnStudy(self._with_grid(study), options)

    def _variants(self, base: Configs) -> Iterator[Variant]:
        variants = self._table("variants")
        if not variants and not self._table("vary"):
            raise self._error(f"variants: a study needs at least one variant. {_EXAMPLE}")
        with self._naming(""):
            check_limit(len(variants), MOST_VARIANTS, "variants")
        keeps = "keep" in self._table("base").get("training", {})
        for name, changes in (variants or {"base": {}}).items():
            with self._naming("variants"):
                check_variant_name(name, _LONGEST_LABEL)
            where = f"variants.{name}"
            if not isinstance(changes, dict):
                raise self._error(f"{where}: it must be a table. {_EXAMPLE}")
            network, training = self._configs(base, changes, where)
            own = changes.get("training", {})
            best = training if keeps or "keep" in own else replace(training, keep="best")
            fixed = tuple(axis for axis in get_args(Axis) if axis in own)
            yield Variant(name, network, training, best, fixed=fixed)

    def _budget(self, training: TrainingConfig) -> Budget:
        table = self._table("controlled")
        self._check_keys(table, ("epochs", "learning_rates"), "controlled")
        with self._naming("controlled"):
            return Budget(table.get("epochs", training.epochs), table.get("learning_rates", RATES))

    def _with_grid(self, study: Study) -> Study:
        grid = dict(_leaves(self._table("vary")))
        for path, values in grid.items():
            if not isinstance(values, list) or not values:
                raise self._error(f"vary: {path}: it must be a list of values to try.")
        with self._naming("vary"):
            return vary(study, grid)

    def _configs(self, configs: Configs, changes: Mapping[str, Any], where: str) -> Configs:
        self._check_keys(changes, ("network", "training"), where)
        leaves = list(_leaves(changes))
        try:
            # The kind of network decides which other fields there are.
            for path, value in sorted(leaves, key=lambda leaf: leaf[0] not in _KINDS):
                configs = with_field(configs, path, value, self._path.absolute().parent)
        except ConfigError as error:
            raise self._error(f"{where}: {error}") from error
        return configs

    def _check_keys(self, table: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
        for key in table:
            if key not in keys:
                path = f"{where}.{key}" if where else key
                raise self._error(
                    f"{path}: there is no such field.{did_you_mean(key, keys)} "
                    f"{where or 'A study'} has: {', '.join(keys)}."
                )

    @contextmanager
    def _naming(self, path: str) -> Iterator[None]:
        """Let errors of checks name the file and a field's path, "" for none."""
        try:
            yield
        except (ConfigError, RunError) as error:
            raise self._error(f"{path}: {error}" if path else str(error)) from error

    def _table(self, key: str) -> dict[str, Any]:
        value = self._plain.get(key, {})
        if not isinstance(value, dict):
            raise self._error(f"{key}: it must be a table, such as [{key}].")
        return value

    def _text(self, key: str, default: str) -> str:
        value = self._plain.get(key, default)
        if not isinstance(value, str):
            raise self._error(f"{key}: it must be a text. Received: {value!r:.60}.")
        return value

    def _error(self, sentence: str) -> RunError:
        return RunError(f"{self._path}: {sentence}")


def _leaves(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Paths and values of a table's fields; tables inside are walked through."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield ".".join((*path, key)), value
