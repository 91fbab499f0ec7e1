"""One trial's Keras side: its model, optimizer and callbacks."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from networks.models.checks import ConfigError
from networks.models.config import NetworkConfig, TrainingConfig
from networks.optimizers.adam_family import AdamFamily
from networks.optimizers.plain import PlainOptimizer
from networks.training.callbacks import BestWeights, early_stopping, restore, state_of
from networks.training.results import Status, Trained, best_epoch, compile_model
from networks.training.schedules import rates_at, schedule_callbacks

_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")


@dataclass(frozen=True)
class Member:
    """A trial to train in a cohort.

    Args:
        network: what to train.
        training: how.
        seed: of everything that is left to chance.
    """

    network: NetworkConfig
    training: TrainingConfig
    seed: int


@dataclass(frozen=True)
class Failed:
    """A member that could not go on, while the others could.

    Args:
        reason: one line.
        traceback: where it happened.
    """

    reason: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> Failed:
        """From what was raised."""
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return cls(lines[0], "".join(traceback.format_exception(error)))


@dataclass(frozen=True)
class MemberEpoch:
    """What an epoch brought a member.

    Args:
        number: of the member in its cohort.
        logs: its figures, as Keras calls them.
        confusion: of the validation rows, rows true. [shape=(classes, classes)]
    """

    number: int
    logs: dict[str, float]
    confusion: npt.NDArray[np.int64]


class Trainee:
    """A member while it trains; its Keras callbacks see what `keras.Model.fit` shows them.

    Args:
        number: of the member in its cohort.
        member: what it is.
        model: its network.
        steps: batches in an epoch.
        callbacks: further Keras callbacks, called after ours.

    Raises:
        ConfigError: a callback wants to be called for every batch.
    """

    def __init__(
        self,
        number: int,
        member: Member,
        model: keras.Model,
        steps: int,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        _refuse_batch_hooks(callbacks)
        self.number, self.seed = number, member.seed
        self.training = member.training
        self.dropout: float = member.network.dropout
        self.model = compile_model(model, member.training)
        self.optimizer: PlainOptimizer = model.optimizer
        self.optimizer.build(model.trainable_variables)
        self.status: Status = "finished"
        self._steps = steps
        self._seconds: list[float] = []
        ours = schedule_callbacks(member.training, steps)
        if member.training.early_stopping is not None:
            ours.append(early_stopping(member.training.early_stopping))
        if member.training.keep == "best":
            ours.append(BestWeights())
        self._ours, self._has_others = ours, bool(callbacks)
        self._callbacks = keras.callbacks.CallbackList(
            [*ours, *callbacks],
            add_history=True,
            add_progbar=False,
            model=model,
            epochs=member.training.epochs,
            steps=steps,
            verbose=0,
        )
        self._history = model.history
        self._logs: dict[str, float] = {}

    def begin(self) -> None:
        """Training begins."""
        self.model.stop_training = False
        self._callbacks.on_train_begin()

    def begin_epoch(self, epoch: int) -> None:
        """An epoch, counted from 0, begins."""
        self._callbacks.on_epoch_begin(epoch)

    @property
    def rates_move_by_step(self) -> bool:
        """Whether the schedule sets other rates for each step of an epoch."""
        schedule = self.training.schedule
        return schedule.stepping == "step" and schedule.kind in ("cosine", "one_cycle")

    def set_rates(self, epoch: int, step: int) -> None:
        """Set the rates of a step after an epoch's first, if they move by steps."""
        if not self.rates_move_by_step:
            return
        rates = rates_at(self.training, self._steps, epoch, step)
        self.optimizer.learning_rate = rates.learning_rate
        if rates.beta_1 is not None and isinstance(self.optimizer, AdamFamily):
            self.optimizer.beta_1.assign(rates.beta_1)

    def end_epoch(self, epoch: int, logs: dict[str, float], seconds: float) -> None:
        """An epoch has ended.

        Args:
            epoch: counted from 0.
            logs: what Keras calls them.
            seconds: that the cohort took for the epoch so far.
        """
        self._seconds.append(seconds)
        if not (math.isfinite(logs["loss"]) and math.isfinite(logs["val_loss"])):
            self.status = "diverged"
            self.model.stop_training = True
        self._callbacks.on_epoch_end(epoch, logs)
        self._logs = logs

    def is_over(self, epoch: int) -> bool:
        """Whether an epoch that has ended was the last."""
        return bool(self.model.stop_training) or epoch + 1 >= self.training.epochs

    def state(self) -> dict[str, Any]:
        """What it carries from one epoch to the next, beside its variables.

        Raises:
            ConfigError: there are callbacks whose state is not known.
        """
        if self._has_others:
            raise ConfigError(
                "the state of training can be taken with the callbacks of its config only: "
                "what further ones carry is not known. Train without them."
            )
        carried = [state_of(callback) for callback in (*self._ours, self._history)]
        return {"seconds": self._seconds, "callbacks": carried}

    def kept_weights(self) -> list[npt.NDArray[Any]]:
        """Weights of an earlier epoch that a callback keeps."""
        return [w for c in self._ours if isinstance(c, BestWeights) for w in c.weights]

    def restore(self, state: Mapping[str, Any], kept: Sequence[npt.NDArray[Any]]) -> None:
        """Take up what `state` and `kept_weights` gave, after training began."""
        self._seconds = list(state["seconds"])
        for callback, carried in zip((*self._ours, self._history), state["callbacks"], strict=True):
            restore(callback, carried)
            if isinstance(callback, BestWeights):
                callback.weights = kept

    def end(self) -> None:
        """Training has ended; callbacks may put other weights back."""
        self._callbacks.on_train_end(self._logs)

    def trained(self) -> Trained:
        """What it leaves."""
        _undo_compile(self.model)
        history = self._history.history
        return Trained(
            model=self.model,
            status=self.status,
            history={name: [float(value) for value in values] for name, values in history.items()},
            best_epoch=best_epoch(history["val_macro_f1"]),
            epoch_seconds=self._seconds,
        )


def _undo_compile(model: keras.Model) -> None:
    """A model as it was built: saving it must not write the optimizer's state, too."""
    model.optimizer = None
    model.compiled = False
    model.history = None


def _refuse_batch_hooks(callbacks: Sequence[keras.callbacks.Callback]) -> None:
    for callback in callbacks:
        for hook in _BATCH_HOOKS:
            if getattr(type(callback), hook) is not getattr(keras.callbacks.Callback, hook):
                raise ConfigError(
                    f"callbacks are called at the ends of epochs, as many trials train in one "
                    f"computation. {type(callback).__name__} has {hook}: use on_epoch_begin or "
                    "on_epoch_end instead."
                )
