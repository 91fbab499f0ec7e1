"""Where a cohort's training is after an epoch: all that going on from there takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import torch

from networks.engine.cohort_epoch import Together
from networks.engine.trial_state import Trainee
from networks.models.checks import ConfigError


@dataclass(frozen=True)
class CohortState:
    """A cohort between two epochs.

    With the same members, rows, machine and versions, training that goes on from here
    gives the bits of training that never stopped. Row order, dropout and rates are
    functions of seed and epoch, so they are not in it.

    Args:
        epoch: epochs that are done.
        places: members' numbers in the order of the arrays' rows. Some may have left:
            an empty place is computed all the same, and whether it is can show in the
            last bits of its neighbours.
        live: numbers of those that still train.
        members: of each of those its history and its callbacks' state, JSON-ready
            apart from NaN and infinities.
        arrays: the values of all places, and weights that callbacks keep.
    """

    epoch: int
    places: tuple[int, ...]
    live: tuple[int, ...]
    members: Mapping[int, Mapping[str, Any]]
    arrays: Mapping[str, npt.NDArray[Any]]

    @classmethod
    def of(cls, together: Together, live: Sequence[Trainee], epoch: int) -> CohortState:
        """The state now. On a CPU the arrays are views: copy or write them before going on."""
        arrays = {name: value.detach().cpu().numpy() for name, value in together.values().items()}
        for trainee in live:
            for i, weights in enumerate(trainee.kept_weights()):
                arrays[f"kept/{trainee.number}/{i}"] = weights
        return cls(
            epoch,
            tuple(trainee.number for trainee in together.trainees),
            tuple(trainee.number for trainee in live),
            {trainee.number: trainee.state() for trainee in live},
            arrays,
        )

    def put_into(self, together: Together, live: Sequence[Trainee]) -> None:
        """Make a cohort that has just begun the one that this was taken of.

        Raises:
            ConfigError: this is the state of another cohort.
        """
        values = together.values()
        known = {name for name in self.arrays if not name.startswith("kept/")}
        if known != values.keys():
            raise ConfigError(f"{_OTHER} Received: {len(known)} arrays for {len(values)}.")
        for name, value in values.items():
            _copy(self.arrays[name], value, name)
        for trainee in live:
            kept = [self.arrays[name] for name in self._kept_by(trainee.number)]
            trainee.restore(self.members[trainee.number], kept)

    def _kept_by(self, number: int) -> list[str]:
        names = (name for name in self.arrays if name.startswith(f"kept/{number}/"))
        return sorted(names, key=lambda name: int(name.rpartition("/")[2]))


_OTHER = "the state of training must be of the same cohort, in the same versions."


def _copy(array: npt.NDArray[Any], value: torch.Tensor, name: str) -> None:
    if array.shape != tuple(value.shape):
        raise ConfigError(f"{_OTHER} Received: {name} of shape {array.shape}.")
    with torch.no_grad():
        value.copy_(torch.from_numpy(array))
