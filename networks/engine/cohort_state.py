"""The state of a cohort after an epoch, from which its training can resume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from networks.engine.cohort_epoch import CohortTrainer
from networks.engine.trial_state import TrialState
from networks.errors import ConfigError

_HISTORY, _SECONDS, _BEST = "history/", "epoch_seconds", "best_weights/"
_OTHER = "the state of training must be of the same cohort, in the same versions."


@dataclass(frozen=True)
class CohortState:
    """A cohort between two epochs.

    With the same trials, rows, machine and versions, training that resumes from here
    gives the bits of training that never stopped. The order of rows, dropout and learning
    rates are functions of seed and epoch, so they are not part of the state.

    Args:
        epoch: epochs that are done.
        indices: of the trials, in the order of the arrays' first axis. Some may have ended:
            their values are computed all the same, and whether they are can show in the
            last bits of the others.
        active: indices of the trials that still train.
        callbacks: state of the callbacks of each active trial, see `TrialState`.
        arrays: by name. The values of variables: `weights/...`, `non_trainable/...` and
            `optimizer/...` [shape=(indices, ...)]; of the active trials `history/<metric>`
            and `epoch_seconds`, float64 [shape=(active, epoch)]; and the weights that
            callbacks keep, `best_weights/<index>/<number>`.
    """

    epoch: int
    indices: tuple[int, ...]
    active: tuple[int, ...]
    callbacks: Mapping[int, Sequence[Mapping[str, Any]]]
    arrays: Mapping[str, npt.NDArray[Any]]

    @classmethod
    def capture(
        cls, trainer: CohortTrainer, active: Sequence[TrialState], epoch: int
    ) -> CohortState:
        """The state now. On a CPU the arrays are views: copy or write them before going on."""
        arrays = {name: value.detach().cpu().numpy() for name, value in trainer.values().items()}
        for name in active[0].history:
            arrays[_HISTORY + name] = np.array([trial.history[name] for trial in active])
        arrays[_SECONDS] = np.array([trial.epoch_seconds for trial in active])
        for trial in active:
            for i, weights in enumerate(trial.best_weights()):
                arrays[f"{_BEST}{trial.index}/{i}"] = weights
        return cls(
            epoch,
            tuple(trial.index for trial in trainer.trials),
            tuple(trial.index for trial in active),
            {trial.index: trial.callback_state() for trial in active},
            arrays,
        )

    def restore(self, trainer: CohortTrainer, active: Sequence[TrialState]) -> None:
        """Put the state into a cohort whose training has just begun.

        Raises:
            ConfigError: this is the state of another cohort.
        """
        values = trainer.values()
        of_trials = (_HISTORY, _SECONDS, _BEST)
        known = {name for name in self.arrays if not name.startswith(of_trials)}
        if known != values.keys():
            raise ConfigError(f"{_OTHER} Received: {len(known)} arrays for {len(values)}.")
        for name, value in values.items():
            _copy(self.arrays[name], value, name)
        histories = {
            name.removeprefix(_HISTORY): array
            for name, array in self.arrays.items()
            if name.startswith(_HISTORY)
        }
        for trial in active:
            row = self.active.index(trial.index)
            trial.restore(
                self.callbacks[trial.index],
                {name: array[row].tolist() for name, array in histories.items()},
                self.arrays[_SECONDS][row].tolist(),
                self._best_weights(trial.index),
            )

    def _best_weights(self, index: int) -> list[npt.NDArray[Any]]:
        names = [name for name in self.arrays if name.startswith(f"{_BEST}{index}/")]
        return [self.arrays[f"{_BEST}{index}/{i}"] for i in range(len(names))]


def _copy(array: npt.NDArray[Any], value: torch.Tensor, name: str) -> None:
    if array.shape != tuple(value.shape):
        raise ConfigError(f"{_OTHER} Received: {name} of shape {array.shape}.")
    with torch.no_grad():
        value.copy_(torch.from_numpy(array))
