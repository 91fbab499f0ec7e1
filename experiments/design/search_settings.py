"""A search that a user asks for: how many trials, drawn how, from what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Literal, get_args

from experiments.design.search_space import Space
from experiments.design.study import FIRST_SEED
from experiments.errors import RunError

Sampler = Literal["random", "tpe"]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)
TRIALS = 20
# How many are drawn at once: more train faster together, but a sampler that learns has
# seen fewer results. On a GPU a cohort of these takes hardly longer than a smaller one.
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
    """What is searched, and how.

    Args:
        space: what is drawn from.
        trials: in all.
        cohort: trials that are drawn at once, a generation; None leaves it to the device.
        sampler: "random", or "tpe", which draws near what was good so far.
        seed: of the sampler.
        free_memory: of the GPU in bytes when the search began, that cohorts are sized
            by; None on a CPU.
    """

    space: Space
    trials: int = TRIALS
    cohort: int | None = None
    sampler: Sampler = "random"
    seed: int = FIRST_SEED
    free_memory: int | None = None

    def settled(self, variants: Collection[str], device: str, free_memory: int | None) -> Search:
        """The search as it is carried out here.

        Args:
            variants: that can be trained here.
            device: "cpu" or "cuda".
            free_memory: of the GPU, in bytes.
        """
        starts = tuple(start for start in self.space.starts if start.variant in variants)
        cohort = self.cohort or COHORTS[device]
        space = replace(self.space, starts=starts)
        return replace(self, space=space, cohort=cohort, free_memory=free_memory)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a reader of its results must know of one that is settled."""
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
        return {
            "sampler": self.sampler,
            "seed": self.seed,
            "trials": self.trials,
            "cohort": self.cohort,
            "free_memory": self.free_memory,
            "space": self.space.to_dict(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Search:
        """The search that `to_dict` made `plain` of; other fields are left alone.

        Raises:
            LookupError, TypeError, ValueError: `plain` is damaged.
        """
        search = cls(
            Space.from_dict(plain["space"]),
            int(plain["trials"]),
            None if plain["cohort"] is None else int(plain["cohort"]),
            plain["sampler"],
            int(plain["seed"]),
            plain["free_memory"],
        )
        if search.sampler not in SAMPLERS or search.trials < 1 or (search.cohort or 1) < 1:
            raise ValueError("its sampler or its number of trials is none")
        return search
