"""A study that a user writes: a TOML file.

name = "wider"                       # what runs are filed under; the file's name if left out
question = "Does a wider network help?"
about = "..."                        # may be left out
protocol = "controlled"              # of `run`, unless it names another; the default
seeds = 5

[base.network]                       # fields of networks.config.FFNConfig or CNNConfig
kind = "ffn"
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

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from experiments.design.config_paths import Configs, did_you_mean, with_field
from experiments.design.plan import StudyOptions
from experiments.design.study import BUDGET, PROTOCOLS, Axis, Budget, Study, Variant
from experiments.design.toml_lines import line_of
from experiments.design.variants import vary
from experiments.errors import RunError
from networks.models.checks import ConfigError
from networks.models.config import FFNConfig, TrainingConfig

_LARGEST = 2**20  # bytes
_KEYS = ("name", "question", "about", "protocol", "seeds", "base", "controlled", "variants", "vary")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LONGEST_LABEL = 100
_EXAMPLE = "Write for example: [variants.wide] and below it network.hidden = [512, 128]."


@dataclass(frozen=True)
class OwnStudy:
    """A study with how much of it its author wants, unless the command says otherwise."""

    study: Study
    options: StudyOptions


def read_study(path: Path) -> OwnStudy:
    """Read a study from a TOML file.

    Raises:
        RunError: it cannot be read, or says what cannot be: where, and what could.
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
    return _Reader(path, text, plain).read()


class _Reader:
    """Reads one file; its errors name the line."""

    def __init__(self, path: Path, text: str, plain: dict[str, Any]) -> None:
        self._path, self._text, self._plain = path, text, plain

    def read(self) -> OwnStudy:
        self._known(self._plain, _KEYS, ())
        name = self._field("name", str, self._path.stem.lower())
        if not _NAME.fullmatch(name):
            raise self._error(
                ("name",),
                "a study's name must be 1 to 64 lower-case letters, digits, '.', '_' or '-', "
                f"beginning with a letter or digit. Received: {name!r}.",
            )
        asked = self._field("protocol", str, "controlled")
        protocol = next((known for known in PROTOCOLS if known == asked), None)
        if protocol is None:
            allowed = " or ".join(PROTOCOLS)
            raise self._error(("protocol",), f"protocol must be {allowed}. Received: {asked!r}.")
        seeds = self._field("seeds", int, None)
        if seeds is not None and not 1 <= seeds <= 1000:
            raise self._error(("seeds",), f"seeds must be 1 to 1000. Received: {seeds}.")
        base = self._configs((FFNConfig(), TrainingConfig()), self._table("base"), ("base",))
        study = Study(
            name,
            self._field("question", str, "Which variant is best?"),
            self._field("about", str, ""),
            tuple(self._variants(base)),
            self._budget(base[1]),
        )
        return OwnStudy(self._with_grid(study), StudyOptions(protocol, seeds))

    def _variants(self, base: Configs) -> Iterator[Variant]:
        variants = self._table("variants")
        if not variants and not self._table("vary"):
            raise self._error(("variants",), f"a study needs at least one variant. {_EXAMPLE}")
        keeps = "keep" in dict(self._plain.get("base", {})).get("training", {})
        for name, changes in (variants or {"base": {}}).items():
            where = ("variants", name)
            if not isinstance(changes, dict):
                raise self._error(where, f"the variant {name!r} must be a table. {_EXAMPLE}")
            if len(name) > _LONGEST_LABEL or not name.isprintable() or not name.strip():
                raise self._error(where, "a variant's name must be 1 to 100 printable characters.")
            network, training = self._configs(base, changes, where)
            own = changes.get("training", {})
            best = training if keeps or "keep" in own else replace(training, keep="best")
            fixed = tuple(axis for axis in get_args(Axis) if axis in own)
            yield Variant(name, network, training, best, fixed=fixed)

    def _budget(self, training: TrainingConfig) -> Budget:
        table = self._table("controlled")
        self._known(table, ("epochs", "learning_rates"), ("controlled",))
        epochs = table.get("epochs", training.epochs)
        if type(epochs) is not int or epochs < 1:
            where = ("controlled", "epochs")
            raise self._error(where, f"epochs must be a whole number from 1. Received: {epochs!r}.")
        rates = table.get("learning_rates", list(BUDGET.learning_rates))
        if not (
            isinstance(rates, list)
            and rates
            and all(type(rate) in (int, float) and 0 < rate < float("inf") for rate in rates)
        ):
            raise self._error(
                ("controlled", "learning_rates"),
                f"learning_rates must be a list of numbers above 0. Received: {rates!r:.100}.",
            )
        return Budget(epochs, tuple(sorted({float(rate) for rate in rates})))

    def _with_grid(self, study: Study) -> Study:
        grid = dict(_leaves(self._table("vary")))
        for path, values in grid.items():
            if not isinstance(values, list) or not values:
                raise self._error(
                    ("vary", *path.split(".")), f"{path} must be a list of values to try."
                )
            for value in values:  # one by one, so that the error has its line
                for variant in study.variants:
                    self._changed((variant.network, variant.training), path, value, ("vary",))
        return vary(study, grid)

    def _configs(
        self, configs: Configs, changes: Mapping[str, Any], where: tuple[str, ...]
    ) -> Configs:
        self._known(changes, ("network", "training"), where)
        leaves = list(_leaves(changes))
        # The kind of network decides which other fields there are.
        for path, value in sorted(leaves, key=lambda leaf: leaf[0] != "network.kind"):
            configs = self._changed(configs, path, value, where)
        return configs

    def _changed(self, configs: Configs, path: str, value: Any, where: tuple[str, ...]) -> Configs:
        try:
            return with_field(configs, path, value)
        except ConfigError as error:
            raise self._error((*where, *path.split(".")), str(error)) from error

    def _known(
        self, table: Mapping[str, Any], keys: tuple[str, ...], where: tuple[str, ...]
    ) -> None:
        for key in table:
            if key not in keys:
                what = f"[{'.'.join(where)}]" if where else "a study"
                raise self._error(
                    (*where, key),
                    f"{what} has no {key!r}.{did_you_mean(key, keys)} It has: {', '.join(keys)}.",
                )

    def _table(self, key: str) -> dict[str, Any]:
        value = self._plain.get(key, {})
        if not isinstance(value, dict):
            raise self._error((key,), f"{key} must be a table, such as [{key}].")
        return value

    def _field(self, key: str, kind: type, default: Any) -> Any:
        value = self._plain.get(key, default)
        if value is not default and type(value) is not kind:
            what = "a text" if kind is str else "a whole number"
            raise self._error((key,), f"{key} must be {what}. Received: {value!r:.60}.")
        return value

    def _error(self, where: tuple[str, ...], sentence: str) -> RunError:
        return RunError(f"{self._path}, line {line_of(self._text, where)}: {sentence}")


def _leaves(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Paths and values of a table's fields; tables inside are walked through."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield ".".join((*path, key)), value
