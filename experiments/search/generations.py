"""Generations: the trials that a search has drawn at once, each committed before it trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.design.search_space import Setting
from experiments.design.trial import Trial
from experiments.errors import MISSHAPEN, RunError
from experiments.training.cohorts import Cohort


@dataclass(frozen=True)
class Draw:
    """A trial that was drawn.

    Args:
        number: counted from 0 over the whole search, as Optuna does.
        setting: that was drawn.
        trial: that it makes.
        created: when it was drawn, UTC.
    """

    number: int
    setting: Setting
    trial: Trial
    created: str = field(compare=False)


@dataclass(frozen=True)
class Generation:
    """Trials that were drawn at once.

    Args:
        number: counted from 1.
        draws: its trials; none where nothing was left to draw.
        cohorts: in which they train.
        is_last: whether nothing is drawn after it.
    """

    number: int
    draws: tuple[Draw, ...]
    cohorts: tuple[Cohort, ...]
    is_last: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "number": self.number,
            "draws": [
                {
                    "number": draw.number,
                    "variant": draw.setting.variant,
                    "values": dict(draw.setting.values),
                    "trial": draw.trial.id,
                    "created": draw.created,
                }
                for draw in self.draws
            ],
            "trials": {draw.trial.id: draw.trial.to_dict() for draw in self.draws},
            "cohorts": [
                {"id": cohort.id, "trials": [trial.id for _, trial in cohort.trials]}
                for cohort in self.cohorts
            ],
            "is_last": self.is_last,
        }


def draws_of(facts: Mapping[str, Any]) -> tuple[Draw, ...]:
    """All that a search has drawn so far, from its run's facts.

    Raises:
        RunError: they are damaged.
    """
    try:
        return tuple(
            Draw(
                number,
                Setting(str(draw["variant"]), dict(draw["values"])),
                Trial.from_dict(facts["trials"][draw["trial"]]),
                str(draw["created"]),
            )
            for number, draw in enumerate(facts["search"]["draws"])
        )
    except MISSHAPEN as error:
        raise RunError(f"the generations of a run are damaged ({error!s:.200}).") from error
