"""The study that a user means: a name of ours, or a file of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from experiments.design.config_paths import did_you_mean
from experiments.design.plan import StudyOptions
from experiments.design.study import Protocol, Study
from experiments.design.study_file import read_study
from experiments.design.variants import only, parse_grid, vary
from experiments.errors import RunError
from experiments.studies import STUDIES
from networks.errors import ConfigError

SUFFIX = ".toml"


def study_and_options(name: str) -> tuple[Study, StudyOptions]:
    """A study, and how much of it is trained unless the user says otherwise.

    Args:
        name: of a study, or path of a file that ends in .toml.

    Raises:
        RunError: there is none, or the file cannot be read.
    """
    if name.endswith(SUFFIX):
        own = read_study(Path(name))
        return own.study, own.options
    if name in STUDIES:
        return STUDIES[name], StudyOptions()
    hint = did_you_mean(name, STUDIES)
    raise RunError(
        f"there is no study {name!r:.80}.{hint} There are: {', '.join(STUDIES)}. A study of your "
        f"own is a file that ends in {SUFFIX}."
    )


def study_from_options(
    name: str,
    *,
    protocol: Protocol | None = None,
    seeds: int | None = None,
    epochs: int | None = None,
    quick: bool = False,
    extended: bool = False,
    variants: str = "",
    varied: Sequence[str] = (),
) -> tuple[Study, StudyOptions]:
    """A study as a user asks for it with the options of `run`, and how much of it.

    Args:
        name: of a study, or path of a file that ends in .toml.
        protocol, seeds: None leaves them to the study.
        epochs, quick, extended: see `StudyOptions`.
        variants: only these, by their names with commas between them; "" for all.
        varied: fields with values, such as training.learning_rate=1e-4,1e-3.

    Raises:
        RunError: there is no such study, variant or field, or a value cannot be.
    """
    study, options = study_and_options(name)
    options = StudyOptions(
        protocol or ("controlled" if quick else options.protocol),
        seeds or options.seeds,
        epochs,
        quick,
        extended,
    )
    if variants:
        study = only(study, [name.strip() for name in variants.split(",") if name.strip()])
        if study.can_be_extended:
            options = replace(options, extended=True)
    try:
        return vary(study, parse_grid(varied)), options
    except ConfigError as error:
        raise RunError(str(error)) from error
