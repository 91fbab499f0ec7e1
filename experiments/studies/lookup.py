"""Finds a study by its name or file, and applies the options of `run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from data.datasets.artists import Group
from experiments.design.config_paths import did_you_mean
from experiments.design.limits import check_type
from experiments.design.plan import StudyOptions
from experiments.design.study import Protocol, Study
from experiments.design.study_file import read_study
from experiments.design.variants import only, vary
from experiments.errors import RunError
from experiments.studies import STUDIES
from networks.errors import ConfigError

SUFFIX = ".toml"


def study_and_options(study: str | Path | Study) -> tuple[Study, StudyOptions]:
    """A study and its default options.

    Args:
        study: a name, the path of a .toml file, or a study.

    Raises:
        RunError: there is no such study, or the file cannot be read.
    """
    if isinstance(study, Study):
        return study, StudyOptions()
    name = str(study)
    if name.endswith(SUFFIX):
        return read_study(Path(name))
    if name in STUDIES:
        return STUDIES[name], StudyOptions()
    hint = did_you_mean(name, STUDIES)
    raise RunError(
        f"there is no study {name!r:.80}.{hint} There are: {', '.join(STUDIES)}. A study of your "
        f"own is a file that ends in {SUFFIX}."
    )


def study_from_options(
    study: str | Path | Study,
    *,
    protocol: Protocol | None = None,
    seeds: int | None = None,
    epochs: int | None = None,
    quick: bool = False,
    extended: bool = False,
    folds: int | None = None,
    group: Group | None = None,
    variants: Sequence[str] = (),
    grid: Mapping[str, Sequence[Any]] = MappingProxyType({}),
) -> tuple[Study, StudyOptions]:
    """A study, changed by the options of `run`, and its extent.

    Args:
        study: a name, the path of a .toml file, or a study.
        protocol, seeds, folds, group: None means those of the study.
        epochs, quick, extended: see `StudyOptions`.
        variants: names of those to train; none for all.
        grid: values by the paths of fields, see `vary`.

    Raises:
        RunError: there is no such study, variant or field, or a value is invalid.
    """
    check_type("variants", variants, (list, tuple), "a list of names")
    check_type("vary", grid, Mapping, "a dict of lists of values by the paths of fields")
    for path, values in grid.items():
        check_type(f"vary: {path}", values, (list, tuple), "a list of values")
    chosen, options = study_and_options(study)
    options = StudyOptions(
        protocol or ("controlled" if quick else options.protocol),
        options.seeds if seeds is None else seeds,
        epochs,
        quick,
        extended,
        options.folds if folds is None else folds,
        group or options.group,
    )
    if variants:
        chosen = only(chosen, variants)
        if chosen.can_be_extended:
            options = replace(options, extended=True)
    try:
        return vary(chosen, grid), options
    except ConfigError as error:
        raise RunError(str(error)) from error


def split_names(text: str) -> list[str]:
    """Names with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]
