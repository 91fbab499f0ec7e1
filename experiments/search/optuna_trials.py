"""Draws and what came of them, as Optuna's trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.design.search_space import Choice, Dimension, Setting, Space
from experiments.search.generations import Draw

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

VARIANT = "variant"


@dataclass(frozen=True)
class Told:
    """A draw, and how its trial ended.

    Args:
        draw: what was drawn.
        status: "finished", "diverged", "failed", or None before its end.
        score: validation macro-F1 of one that finished.
        seconds: that its training took.
    """

    draw: Draw
    status: str | None = None
    score: float | None = None
    seconds: float = 0.0

    @classmethod
    def of(cls, draw: Draw, result: Mapping[str, Any] | None) -> Told:
        """From its trial's result."""
        if result is None:
            return cls(draw)
        finished = result["status"] == "finished"
        score = float(result["validation"]["macro_f1"]) if finished else None
        return cls(draw, str(result["status"]), score, float(result.get("seconds", 0.0)))


def frozen(told: Told, space: Space) -> FrozenTrial:
    """Optuna's trial of a draw.

    One that diverged counts as pruned: its setting was bad. One that failed counts as
    failed: that says nothing of its setting.
    """
    from optuna.trial import TrialState, create_trial

    states = {
        "finished": TrialState.COMPLETE,
        "diverged": TrialState.PRUNED,
        "failed": TrialState.FAIL,
        None: TrialState.RUNNING,
    }
    setting = told.draw.setting
    return create_trial(
        state=states[told.status],
        value=told.score,
        params=_parameters(setting, space),
        distributions=_distributions(setting, space),
        user_attrs={"trial": told.draw.trial.id},
    )


def suggested(trial: Any, space: Space) -> Setting:
    """What one of Optuna's trials that runs proposes."""
    names = [start.variant for start in space.starts]
    variant = trial.suggest_categorical(VARIANT, names) if len(names) > 1 else names[0]
    return Setting(variant, {d.path: _suggested(trial, d) for d in space.dimensions_of(variant)})


def _suggested(trial: Any, dimension: Dimension) -> Any:
    path = dimension.path
    if isinstance(dimension, Choice):
        shown = trial.suggest_categorical(path, dimension.shown)
        return dimension.values[dimension.shown.index(shown)]
    if dimension.whole:
        return trial.suggest_int(path, dimension.low, dimension.high, log=dimension.log)
    return trial.suggest_float(path, dimension.low, dimension.high, log=dimension.log)


def _parameters(setting: Setting, space: Space) -> dict[str, Any]:
    found = {VARIANT: setting.variant} if len(space.starts) > 1 else {}
    for dimension in space.dimensions_of(setting.variant):
        value = setting.values[dimension.path]
        if isinstance(dimension, Choice):
            value = dimension.shown[dimension.values.index(value)]
        found[dimension.path] = value
    return found


def _distributions(setting: Setting, space: Space) -> dict[str, BaseDistribution]:
    from optuna.distributions import CategoricalDistribution

    names = [start.variant for start in space.starts]
    variants = {VARIANT: CategoricalDistribution(names)} if len(names) > 1 else {}
    return variants | {d.path: _distribution(d) for d in space.dimensions_of(setting.variant)}


def _distribution(dimension: Dimension) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.shown)
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
