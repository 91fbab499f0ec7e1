"""Draws the trials of a search with Optuna.

What is drawn depends on the search, the number of the generation and the results before
it, and on nothing else: a search that was interrupted draws what it would have drawn.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from experiments.design.search_settings import Search
from experiments.design.search_space import Setting
from experiments.design.study import FIRST_SEED
from experiments.errors import RunError
from experiments.search.generations import Draw, Generation
from experiments.search.optuna_trials import Told, frozen, suggested
from experiments.training.cohorts import plan_cohorts
from networks.models.checks import ConfigError

if TYPE_CHECKING:
    import optuna

_TRIES = 1000  # random draws, after which a space counts as exhausted


@dataclass(frozen=True)
class Place:
    """What trials are drawn for.

    Args:
        dataset_sha256: content hash of the dataset.
        classes: number of genres.
        device: "cpu" or "cuda".
    """

    dataset_sha256: str
    classes: int
    device: str


def draw(search: Search, number: int, told: Sequence[Told], place: Place) -> list[Draw]:
    """The trials of a generation.

    A setting that makes no trial, one that does not fit the device or one that was drawn
    before is replaced by one that is drawn at random.

    Args:
        search: settled.
        number: of the generation, counted from 1.
        told: all draws before it, with their ends.
        place: what for.

    Returns:
        No more than the search has left; fewer where nothing new is left in the space.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler, blind = _samplers(search, number)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.add_trials([frozen(one, search.space) for one in told])
    chance = optuna.create_study(sampler=blind)
    maker = _Maker(search, place, told)
    draws: list[Draw] = []
    for _ in range(_wanted(search, told)):
        asked = study.ask()
        found = maker.make(suggested(asked, search.space))
        if found is None:
            study.tell(asked, state=optuna.trial.TrialState.FAIL)
            settings = (suggested(chance.ask(), search.space) for _ in range(_TRIES))
            found = next(filter(None, map(maker.make, settings)), None)
            if found is None:
                break
            study.add_trial(frozen(Told(found), search.space))
        draws.append(found)
    return draws


def next_generation(search: Search, number: int, told: Sequence[Told], place: Place) -> Generation:
    """Draw a generation, see `draw`, and plan its cohorts.

    Raises:
        RunError: there is nothing to draw.
    """
    draws = draw(search, number, told, place)
    if not (told or draws):
        raise RunError(
            f"none of {_TRIES} draws makes a trial: values of the fields exclude each other, or "
            "the networks are too large for the device. Draw from fewer or other values."
        )
    named = [(one.setting.variant, one.trial) for one in draws]
    exhausted = len(draws) < _wanted(search, told)
    return Generation(
        number,
        tuple(draws),
        plan_cohorts(named, place.device, place.classes, search.free_memory),
        is_last=exhausted or len(told) + len(draws) >= search.trials,
    )


def _wanted(search: Search, told: Sequence[Told]) -> int:
    return min(search.cohort or search.trials, search.trials - len(told))


class _Maker:
    """Makes the trials of settings, each once."""

    def __init__(self, search: Search, place: Place, told: Sequence[Told]) -> None:
        self._search, self._place = search, place
        self._known = {one.draw.trial.id for one in told}
        self._seen: set[str] = set()  # settings
        self._number = len(told)

    def make(self, setting: Setting) -> Draw | None:
        """A draw, unless its setting makes no trial here or one that is known."""
        seen = json.dumps([setting.variant, dict(setting.values)])
        if seen in self._seen:
            return None
        self._seen.add(seen)
        place, memory = self._place, self._search.free_memory
        try:
            trial = self._search.space.trial(setting, FIRST_SEED, place.dataset_sha256)
            plan_cohorts([(setting.variant, trial)], place.device, place.classes, memory)
        except (ConfigError, RunError):  # its values exclude each other, or it is too large
            return None
        if trial.id in self._known:
            return None
        self._known.add(trial.id)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._number += 1
        return Draw(self._number - 1, setting, trial, now)


def _samplers(
    search: Search, number: int
) -> tuple[optuna.samplers.BaseSampler, optuna.samplers.BaseSampler]:
    """The sampler of a generation, and one for replacements."""
    import numpy as np
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import RandomSampler, TPESampler

    first, second = map(int, np.random.SeedSequence((search.seed, number)).generate_state(2))
    if search.sampler == "random":
        return RandomSampler(first), RandomSampler(second)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        # The liar keeps trials of a generation, whose results are unknown, apart.
        return TPESampler(seed=first, constant_liar=True), RandomSampler(second)
