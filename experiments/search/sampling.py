"""Draws the trials of a search with Optuna, a generation at a time."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from experiments.design.dataset_size import DatasetSize
from experiments.design.search_settings import Search
from experiments.design.search_space import Choice, Dimension, Setting, Space
from experiments.design.study import FIRST_SEED
from experiments.design.trial import Trial
from experiments.errors import RunError
from experiments.training.cohorts import Cohort, plan_cohorts
from networks.errors import ConfigError

_TRIES = 1000  # random draws, after which a space counts as exhausted
_VARIANT = "variant"  # the parameter that chooses it


@dataclass(frozen=True)
class TrialContext:
    """Content hash and size of the dataset, and device ("cpu" or "cuda") of trials."""

    dataset_sha256: str
    size: DatasetSize
    device: str


@dataclass(frozen=True)
class Generation:
    """Trials that are drawn at once.

    Args:
        number: counted from 1.
        trials: of Optuna, with trial id, variant, generation and cohort as user attributes.
        cohorts: the same trials in groups that train in lockstep.
        exhausted: whether the space has no other trials.
    """

    number: int
    trials: tuple[FrozenTrial, ...]
    cohorts: tuple[Cohort, ...]
    exhausted: bool


def next_generation(
    search: Search, number: int, known: Sequence[FrozenTrial], context: TrialContext
) -> Generation:
    """Draw a generation, no more trials than the search has left.

    A setting that is invalid, too large for the device, or known already is replaced by a random
    one.

    Args:
        search: settled.
        number: of the generation, counted from 1.
        known: Optuna's trials so far.
        context: dataset and device of the trials.

    Raises:
        RunError: the space has no valid trial.
    """
    sampler, random_sampler = _samplers(search, number)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.add_trials(known)
    random = optuna.create_study(sampler=random_sampler)
    maker = _Maker(search, context, known)
    wanted = min(search.cohort or search.trials, search.trials - maker.count)
    drawn: list[tuple[FrozenTrial, str, Trial]] = []
    for _ in range(wanted):
        proposal = study.ask()
        found = maker.make(proposal)
        frozen = study.get_trials(deepcopy=False)[proposal.number]
        if found is None:
            study.tell(proposal, state=TrialState.FAIL)
            tries = (random.ask() for _ in range(_TRIES))
            found = next(filter(None, map(maker.make, tries)), None)
            if found is None:
                break
            frozen = random.get_trials(deepcopy=False)[-1]
            study.add_trial(frozen)
        drawn.append((frozen, *found))
    if not (drawn or maker.count):
        raise RunError(
            f"none of {_TRIES} draws makes a trial: values of the fields exclude each other, or "
            "the networks are too large for the device, or for the rows. Draw from fewer or other "
            "values."
        )
    named = [(variant, trial) for _, variant, trial in drawn]
    cohorts = plan_cohorts(named, context.device, context.size, search.free_memory)
    numbers = {trial.id: n for n, cohort in enumerate(cohorts) for _, trial in cohort.trials}
    for frozen, variant, trial in drawn:
        frozen.user_attrs = {
            "trial": trial.id,
            "variant": variant,
            "generation": number,
            "cohort": numbers[trial.id],
        }
    trials = tuple(frozen for frozen, _, _ in drawn)
    return Generation(number, trials, cohorts, exhausted=len(drawn) < wanted)


class _Maker:
    """Turns Optuna's proposals into trials, each once."""

    def __init__(self, search: Search, context: TrialContext, known: Sequence[FrozenTrial]) -> None:
        self._search, self._context = search, context
        self._known = {trial.user_attrs.get("trial") for trial in known} - {None}
        self._seen: set[str] = set()  # settings
        self.count = len(self._known)  # trials that were drawn before

    def make(self, proposal: optuna.Trial) -> tuple[str, Trial] | None:
        """A variant and a trial; None for an invalid, too large or known setting."""
        setting = _suggested(proposal, self._search.space)
        seen = json.dumps([setting.variant, dict(setting.values)])
        if seen in self._seen:
            return None
        self._seen.add(seen)
        context, memory = self._context, self._search.free_memory
        try:
            trial = self._search.space.trial(setting, FIRST_SEED, context.dataset_sha256)
            context.size.check(setting.variant, trial.network)
            plan_cohorts([(setting.variant, trial)], context.device, context.size, memory)
        except (ConfigError, RunError):
            return None
        if trial.id in self._known:
            return None
        self._known.add(trial.id)
        return setting.variant, trial


def _suggested(proposal: optuna.Trial, space: Space) -> Setting:
    """The setting that a running trial of Optuna proposes."""
    names = [start.variant for start in space.starts]
    variant = proposal.suggest_categorical(_VARIANT, names) if len(names) > 1 else names[0]
    return Setting(variant, {d.path: _value(proposal, d) for d in space.dimensions_of(variant)})


def _value(proposal: optuna.Trial, dimension: Dimension) -> Any:
    path = dimension.path
    if isinstance(dimension, Choice):
        shown = proposal.suggest_categorical(path, dimension.shown)
        return dimension.values[dimension.shown.index(shown)]
    if dimension.whole:
        low, high = int(dimension.low), int(dimension.high)
        return proposal.suggest_int(path, low, high, log=dimension.log)
    return proposal.suggest_float(path, dimension.low, dimension.high, log=dimension.log)


def _samplers(search: Search, number: int) -> tuple[BaseSampler, BaseSampler]:
    """The sampler of a generation, and one for replacements."""
    first, second = map(int, np.random.SeedSequence((search.seed, number)).generate_state(2))
    if search.sampler == "random":
        return RandomSampler(first), RandomSampler(second)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        # It makes trials of a generation, whose results are unknown, differ.
        return TPESampler(seed=first, constant_liar=True), RandomSampler(second)
