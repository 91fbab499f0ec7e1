"""The study that a user means: a name of ours, or a file of the user's own."""

from __future__ import annotations

from pathlib import Path

from experiments.errors import RunError
from experiments.fields import alike
from experiments.own_study import read_study
from experiments.plan import Wish
from experiments.studies import STUDIES
from experiments.study import Study

SUFFIX = ".toml"


def study_and_wish(name: str) -> tuple[Study, Wish]:
    """A study, and how much of it is trained unless the user says otherwise.

    Args:
        name: of a study, or path of a file that ends in .toml.

    Raises:
        RunError: there is none, or the file cannot be read.
    """
    if name.endswith(SUFFIX):
        own = read_study(Path(name))
        return own.study, own.wish
    if name in STUDIES:
        return STUDIES[name], Wish()
    hint = alike(name, STUDIES)
    raise RunError(
        f"there is no study {name!r:.80}.{hint} There are: {', '.join(STUDIES)}. A study of your "
        f"own is a file that ends in {SUFFIX}."
    )
