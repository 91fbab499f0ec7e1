"""Settings of a search: number of trials, sampler, space."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from importlib.util import find_spec
from typing import Any, Literal, get_args

from experiments.design.limits import check_bounds, check_choice
from experiments.design.search_space import Space
from experiments.design.study import FIRST_SEED
from experiments.errors import RunError

Sampler = Literal["random", "tpe"]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)
TRIALS = 20
# Trials drawn at once: more train faster together, but a sampler that learns has seen fewer
# results. On a GPU a cohort of these takes hardly longer than a smaller one.
COHORTS = {"cpu": 8, "cuda": 32}
_NAMES: dict[Sampler, str] = {"random": "Random search", "tpe": "TPE search"}


def require_optuna() -> None:
    """Raise RunError unless Optuna is installed."""
    if find_spec("optuna") is None:
        raise RunError(
            "a search draws its trials with Optuna, which is not installed: in the project's "
            "folder, pip install -c constraints.txt -e '.[search]'."
        )


@dataclass(frozen=True)
class Search:
    """Settings of a search.

    Args:
        space: fields and values to draw from.
        trials: in total.
        cohort: trials drawn at once, a generation; None means the device's `COHORTS`.
        sampler: "random", or "tpe", which draws near the best trials so far.
        seed: of the sampler.
        free_memory: bytes of the GPU when the search began, which limit the size of cohorts;
            None on a CPU.
    """

    space: Space
    trials: int = TRIALS
    cohort: int | None = None
    sampler: Sampler = "random"
    seed: int = FIRST_SEED
    free_memory: int | None = None

    def __post_init__(self) -> None:
        check_bounds(trials=self.trials, cohort=self.cohort, seed=self.seed)
        check_choice("sampler", self.sampler, SAMPLERS)

    def settled(self, variants: Collection[str], device: str, free_memory: int | None) -> Search:
        """The same search for a device, "cpu" or "cuda", and the variants that it can train."""
        starts = tuple(start for start in self.space.starts if start.variant in variants)
        cohort = self.cohort or COHORTS[device]
        space = replace(self.space, starts=starts)
        return replace(self, space=space, cohort=cohort, free_memory=free_memory)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Descriptions of a settled search that belong to its results."""
        names = [start.variant for start in self.space.starts]
        drawn = [f"variant ({', '.join(names)})"] if len(names) > 1 else []
        drawn += map(str, self.space.dimensions)
        without = {
            d.path: [start.variant for start in self.space.starts if d.path not in start.paths]
            for d in self.space.dimensions
        }
        return (
            f"{_NAMES[self.sampler]} with seed {self.seed}: {self.trials} trials, {self.cohort} "
            f"drawn at a time, one training (seed {FIRST_SEED}) each. Drawn: {'; '.join(drawn)}.",
            *(f"{path} is not drawn for {', '.join(v)}." for path, v in without.items() if v),
            "Each variant stands for its best trial on validation; the test rows are looked at "
            "once, for these trials alone.",
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return vars(self) | {"space": self.space.to_dict()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Search:
        """The inverse of `to_dict`; other fields of `plain` are ignored.

        Raises:
            LookupError, TypeError, ValueError: `plain` is damaged.
        """
        given = {one.name: plain[one.name] for one in fields(cls)}
        return cls(**given | {"space": Space.from_dict(plain["space"])})
