"""The trials that a search has drawn, read from Optuna's journal without importing Optuna.

`optuna.journal` is written by `optuna.storages.JournalStorage`: one operation a line, as
JSON. A trial is drawn by one operation, which holds its parameters and, as the trial's user
attributes, our names for it. The journal may be somebody else's: what it says is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.files.plain import plain_file
from experiments.design.search_settings import Search
from experiments.design.search_space import Choice, Dimension, Setting
from experiments.design.study import FIRST_SEED
from experiments.design.trial import Trial
from experiments.errors import RunError
from experiments.runs.validation import count, number, of_type, parsing

JOURNAL = "optuna.journal"
EXHAUSTED = "exhausted"  # the study's user attribute: nothing new is left in the space
_SET_STUDY_USER_ATTR, _CREATE_TRIAL = 2, 4  # values of Optuna's JournalOperation
_LARGEST = 2**28  # bytes; a search of 100,000 trials has about a third of it


@dataclass(frozen=True)
class Draw:
    """A trial that was drawn.

    Args:
        number: of Optuna's trial, counted from 0.
        setting: that was drawn.
        trial: that it makes.
        generation: counted from 1; its trials were drawn at once.
        cohort: counted from 0 in the generation; its trials train in lockstep.
    """

    number: int
    setting: Setting
    trial: Trial
    generation: int
    cohort: int


def read_draws(folder: Path, search: Search, dataset_sha256: str) -> tuple[list[Draw], bool]:
    """All draws in a journal, and whether nothing new is left to draw.

    A last line without its end, which a process was writing, is left out.

    Args:
        folder: of the run; where its journal is missing there are no draws.
        search: with the settings of the run.
        dataset_sha256: content hash of the run's dataset.

    Raises:
        RunError: the journal cannot be read, is damaged or of an earlier version.
    """
    if (folder / "generations").exists():
        raise RunError(
            f"{folder} is a search of an earlier version, which kept its draws elsewhere. Use the "
            "version of genre-tui that made it."
        )
    path = folder / JOURNAL
    draws: list[Draw] = []
    created, exhausted = 0, False
    with parsing(str(path)):
        for operation in _operations(path):
            code = operation["op_code"]
            if code == _CREATE_TRIAL:
                if (names := of_type(dict, operation.get("user_attrs", {}))).get("trial"):
                    parameters = of_type(dict, operation["params"])
                    draws.append(_draw(created, parameters, names, search, dataset_sha256))
                created += 1
            elif code == _SET_STUDY_USER_ATTR:
                exhausted |= of_type(dict, operation["user_attr"]).get(EXHAUSTED) is True
        if len({draw.trial.id for draw in draws}) < len(draws):
            raise ValueError("a trial was drawn twice")
    return draws, exhausted


def _operations(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    try:
        with open(path, "rb", opener=plain_file) as file:
            lines = file.read(_LARGEST + 1)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    if len(lines) > _LARGEST:
        raise ValueError("it is larger than any journal of ours")
    for line in lines.split(b"\n")[:-1]:
        yield of_type(dict, json.loads(line))


def _draw(
    created: int,
    parameters: Mapping[str, Any],
    names: Mapping[str, Any],
    search: Search,
    dataset_sha256: str,
) -> Draw:
    variant = of_type(str, names["variant"])
    dimensions = search.space.dimensions_of(variant)
    setting = Setting(variant, {d.path: _value(parameters[d.path], d) for d in dimensions})
    trial = search.space.trial(setting, FIRST_SEED, dataset_sha256)
    if trial.id != names["trial"]:
        raise ValueError(f"{names['trial']!r:.40} is the name of another trial")
    return Draw(created, setting, trial, count(names["generation"]), count(names["cohort"]))


def _value(internal: Any, dimension: Dimension) -> Any:
    """A field's value from a parameter as Optuna stores it."""
    if isinstance(dimension, Choice):
        return dimension.values[count(internal)]
    return int(number(internal)) if dimension.whole else number(internal)
