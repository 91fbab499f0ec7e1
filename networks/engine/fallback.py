"""Training on the traced engine, and through `keras.Model.fit` where that cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import keras
import numpy as np
import numpy.typing as npt

from networks.engine.cohort import CohortState, Outcome, train_cohort
from networks.engine.trial_state import EpochScores, FailedTrial, TrialSpec
from networks.errors import ConfigError
from networks.inference import ends_in_softmax
from networks.models.build import build_model
from networks.models.custom import CustomConfig
from networks.training.callbacks import batch_hook
from networks.training.cohort_key import Precision
from networks.training.keras_fit import fit_with_keras
from networks.training.results import LabelledRows

FALLBACK = "trained by keras.Model.fit, not by the traced engine"

OnEpoch = Callable[[int, float, Sequence[EpochScores]], None]
AfterEpoch = Callable[[int, Callable[[], CohortState] | None], bool]
Callbacks = Callable[[int], Sequence[keras.callbacks.Callback]]


def train_trials(
    trials: Sequence[TrialSpec],
    train_rows: LabelledRows,
    validation_rows: LabelledRows,
    classes: int,
    *,
    device: str = "cpu",
    precision: Precision = "float32",
    on_epoch: OnEpoch | None = None,
    on_end: Callable[[int, Outcome], None] | None = None,
    after_epoch: AfterEpoch | None = None,
    state: CohortState | None = None,
    callbacks: Callbacks | None = None,
    report: Callable[[str], None] | None = None,
    models: Sequence[keras.Model | None] | None = None,
) -> list[Outcome | None]:
    """Train as `train_cohort`; what that cannot take, one by one through `keras.Model.fit`.

    Args:
        trials, train_rows, validation_rows, classes: see `train_cohort`.
        device, precision, on_epoch, on_end, state, callbacks, report, models: likewise.
            `report` is called with a sentence that begins with `FALLBACK` where Keras trains.
        after_epoch: likewise; Keras's training has no state that could be captured: None.

    Returns:
        As `train_cohort`.

    Raises:
        ConfigError: as `train_cohort`; a function of the user builds no such model.
    """
    report = report or (lambda _: None)
    built = models if models and models[0] is not None else None
    is_own = built is not None or isinstance(trials[0].network, CustomConfig)
    input_shape = train_rows.features.shape[1:]
    further = callbacks and callbacks(0)
    problem = _problem(trials[0], built and built[0], classes, input_shape, further)
    if problem is None:
        initial = [model.get_weights() for model in built or () if model is not None]
        ended = False

        def first_epoch(number: int, seconds: float, scores: Sequence[EpochScores]) -> None:
            nonlocal ended
            ended = True
            if on_epoch is not None:
                on_epoch(number, seconds, scores)

        try:
            return train_cohort(
                trials,
                train_rows,
                validation_rows,
                classes,
                device=device,
                precision=precision,
                on_epoch=first_epoch,
                on_end=on_end,
                after_epoch=after_epoch,
                state=state,
                callbacks=callbacks,
                report=report,
                models=models,
            )
        except Exception as error:  # of any kind, from tracing
            if not is_own or ended or state is not None or isinstance(error, ConfigError):
                raise
            problem = f"it could not be traced ({(str(error) or type(error).__name__):.150})"
        for model, weights in zip(built or (), initial, strict=bool(built)):
            model.set_weights(weights)  # type: ignore[union-attr]
    note = f"{FALLBACK}: {problem}."
    report(note)
    fallback = _Fallback(train_rows, validation_rows, classes, device, on_epoch, after_epoch)
    outcomes: list[Outcome | None] = [None] * len(trials)
    for index, trial in enumerate(trials):
        further = callbacks(index) if callbacks else ()
        outcome = fallback.train(index, trial, built and built[index], further, note)
        if fallback.is_stopped:
            break
        outcomes[index] = outcome
        if on_end is not None:
            on_end(index, outcome)
    return outcomes


class _Fallback:
    """Trains single trials through `keras.Model.fit`.

    Attributes:
        is_stopped: whether `after_epoch` ended the training.
    """

    def __init__(
        self,
        train_rows: LabelledRows,
        validation_rows: LabelledRows,
        classes: int,
        device: str,
        on_epoch: OnEpoch | None,
        after_epoch: AfterEpoch | None,
    ) -> None:
        self._train, self._validation, self._classes = train_rows, validation_rows, classes
        self._device, self._on_epoch, self._after_epoch = device, on_epoch, after_epoch
        self.is_stopped = False

    def train(
        self,
        index: int,
        trial: TrialSpec,
        model: keras.Model | None,
        callbacks: Sequence[keras.callbacks.Callback],
        note: str,
    ) -> Outcome:
        errors: list[Exception] = []  # of the caller, which end all

        def epoch_ended(
            number: int, seconds: float, logs: dict[str, float], confusion: npt.NDArray[np.int64]
        ) -> bool:
            try:
                if self._on_epoch is not None:
                    self._on_epoch(number, seconds, [EpochScores(index, logs, confusion)])
                if self._after_epoch is not None and number < trial.training.epochs:
                    self.is_stopped = self._after_epoch(number, None)
            except Exception as error:
                errors.append(error)
            return self.is_stopped or bool(errors)

        try:
            if model is None:
                assert trial.network is not None
                features = self._train.features
                with keras.device("cpu"):
                    model = build_model(trial.network, self._classes, trial.seed, features)
            result = fit_with_keras(
                model,
                trial.training,
                trial.seed,
                self._train,
                self._validation,
                self._classes,
                device=self._device,
                on_epoch=epoch_ended,
                callbacks=callbacks,
            )
        except Exception as error:  # it ends this trial and no other
            return FailedTrial.of(error)
        if errors:
            raise errors[0]
        return replace(result, notes=(note,))


def _problem(
    trial: TrialSpec,
    model: keras.Model | None,
    classes: int,
    input_shape: tuple[int, ...],
    callbacks: Sequence[keras.callbacks.Callback] | None,
) -> str | None:
    """Why the traced engine cannot train a trial, or None."""
    hooks = [hook for callback in callbacks or () if (hook := batch_hook(callback))]
    if hooks:
        return f"a callback has {hooks[0]}, which is called for every batch"
    if isinstance(trial.network, CustomConfig):
        model = build_model(trial.network, classes, input_shape=input_shape)
    return None if model is None else obstacle(model)


def obstacle(model: keras.Model) -> str | None:
    """Why the traced engine cannot train a Keras model, or None."""
    layers = list(model._flatten_layers(include_self=False))
    rates = {layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}
    random = [
        layer
        for layer in layers
        if getattr(layer, "seed_generator", None) is not None
        and not (isinstance(layer, keras.layers.Dropout) and layer in model.layers)
    ]
    if model.compiled:
        return "the model is compiled, so its own optimizer and loss train it"
    if type(model).train_step is not keras.Model.train_step:
        return "the model has a train_step of its own"
    if ends_in_softmax(model):
        return "the model ends in softmax, and the engine's loss takes logits"
    if model.losses or any(layer.activity_regularizer for layer in layers):
        return "the model has regularizers or losses of its own"
    if random:
        return f"its layer {random[0].name} draws random numbers of its own"
    if len(rates) > 1:
        return f"its dropout rates differ ({', '.join(map(str, sorted(rates)))})"
    return None
