"""Training and evaluation as functions of Python: `fit`, `fit_many` and `evaluate`.

Configs train on the traced engine, and so do Keras models that it can take; others train
through `keras.Model.fit`, with a note that says why.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import keras
import numpy as np
import numpy.typing as npt
import torch

from networks.engine.cohort import FailedTrial, Outcome, TrialSpec
from networks.engine.fallback import FALLBACK, obstacle, train_trials
from networks.errors import ConfigError
from networks.inference import probabilities_of
from networks.models.build import CONFIG_EXPECTED, build_with, check_shapes
from networks.models.config import NetworkConfig, TrainingConfig, row_shape
from networks.models.config_checks import check_whole, listed, require
from networks.models.custom import DOCUMENTED_SHAPES, Features
from networks.training import metrics
from networks.training.callbacks import batch_hook
from networks.training.cohort_key import LARGEST_COHORT, PRECISIONS, Precision, cohort_key
from networks.training.results import LabelledRows, TrainingResult

ModelFunction: TypeAlias = Callable[[tuple[int, ...], int], keras.Model]
_TRIPLES = "triples (network, training, seed), such as (FFNConfig(), TrainingConfig(), 0)"
Network: TypeAlias = NetworkConfig | keras.Model | ModelFunction


class SplitLike(Protocol):
    """Rows of a dataset, as `data.load_dataset` gives them.

    Args:
        mfcc: [shape=(n, d)], or None.
        mel: [shape=(n, frames, bands)], or None.
        label: classes. [shape=(n,)]
    """

    @property
    def mfcc(self) -> npt.NDArray[Any] | None: ...  # noqa: D102
    @property
    def mel(self) -> npt.NDArray[Any] | None: ...  # noqa: D102
    @property
    def label(self) -> npt.NDArray[np.int64]: ...  # noqa: D102


class DatasetLike(Protocol):
    """What is trained on, as `data.load_dataset` gives it."""

    @property
    def genres(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def train(self) -> SplitLike: ...  # noqa: D102
    @property
    def validation(self) -> SplitLike: ...  # noqa: D102


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model on the rows of a split.

    Args:
        accuracy: share of the rows that are predicted right.
        macro_f1: mean F1 of the classes, pooled over all rows.
        confusion_matrix: true classes in rows, predicted ones in columns.
            [shape=(classes, classes)]
        classes: precision, recall, F1 and support of each class.
        probabilities: of each row. [shape=(n, classes)]
    """

    accuracy: float
    macro_f1: float
    confusion_matrix: npt.NDArray[np.int64]
    classes: metrics.PerClassScores
    probabilities: npt.NDArray[np.float64]


def fit(
    network: Network,
    training: TrainingConfig,
    data: DatasetLike,
    *,
    seed: int = 0,
    features: Features | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    device: str = "cpu",
    precision: Precision = "float32",
) -> TrainingResult:
    """Train one network on the train rows of a dataset and score it after each epoch.

    Ctrl-C raises KeyboardInterrupt. A model of yours then has the weights that it had reached,
    is not compiled and can be trained on.

    Args:
        network: a config; or a Keras model that maps raw rows to one logit, or softmax
            probability, a genre, which is trained in place; or a function that builds one
            from an input shape and the number of genres. A compiled model keeps its own
            optimizer and loss.
        training: optimizer, learning rate, epochs, batch size, schedule and so on.
        data: with splits `train` and `validation`, and `genres`.
        seed: of the initial weights (but for a built model), the order of rows and dropout.
        features: "mfcc" or "mel", which a Keras model reads; None goes by its input shape,
            and takes "mfcc" for a function, where there are such features.
        callbacks: further Keras callbacks.
        device: "cpu" or "cuda".
        precision: of products: "float32", "tf32" (on CUDA) or "bfloat16".

    Returns:
        The trained model, on the CPU, its history, best epoch and status. Where the traced
        engine could not train it, `notes` says why, and a warning does.

    Raises:
        ConfigError: an argument of the wrong type, or some that do not fit together.
        RuntimeError: a callback raised; its traceback is in the notes of the error.

    Example:
    >>> from data import load_dataset
    >>> from networks import FFNConfig, TrainingConfig, fit
    >>> music = load_dataset("demo")
    >>> trained = fit(FFNConfig(), TrainingConfig("adam", 1e-3, epochs=5), music, seed=42)
    >>> len(trained.history["val_macro_f1"])
    5
    """
    (outcome,) = fit_many(
        [(network, training, seed)],
        data,
        features=features,
        callbacks=lambda _: callbacks,  # checked as those of a trial are
        device=device,
        precision=precision,
    )
    if isinstance(outcome, FailedTrial):
        error = RuntimeError(f"the training failed: {outcome.reason}")
        error.add_note(outcome.traceback)
        raise error
    return outcome


def fit_many(
    trials: Iterable[tuple[Network, TrainingConfig, int]],
    data: DatasetLike,
    *,
    features: Features | None = None,
    callbacks: Callable[[int], Sequence[keras.callbacks.Callback]] | None = None,
    device: str = "cpu",
    precision: Precision = "float32",
) -> list[Outcome]:
    """Train several networks, those of one architecture, optimizer and batch size together.

    Each ends as `fit` would end it alone, up to rounding, in a fraction of the time.

    Args:
        trials: (network, training, seed) of each, as `fit` takes them.
        data, features, device, precision: see `fit`.
        callbacks: gives the further Keras callbacks of the trial of an index.

    Returns:
        A result a trial, in their order; a `FailedTrial` for one whose callback raised.

    Raises:
        ConfigError: as `fit`.

    Example:
    >>> from data import load_dataset
    >>> from networks import FFNConfig, TrainingConfig, fit_many
    >>> sgd = TrainingConfig("sgd", 0.01, epochs=5)
    >>> results = fit_many([(FFNConfig(), sgd, seed) for seed in range(8)], load_dataset("demo"))
    >>> [result.status for result in results].count("finished")
    8
    """
    require(
        all(hasattr(data, name) for name in ("genres", "train", "validation")),
        "data must have the splits train and validation, and genres, as data.load_dataset gives "
        "them",
        data,
    )
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise ConfigError(f"device must be 'cpu', or 'cuda' with a GPU. Received: {device!r}.")
    require(precision in PRECISIONS, f"precision must be one of {listed(PRECISIONS)}", precision)
    _check_features(features)
    require(
        callbacks is None or callable(callbacks),
        "callbacks must be a function that gives the list of Keras callbacks of the trial of an "
        "index",
        callbacks,
    )
    require(isinstance(trials, Iterable), f"trials must be a list of {_TRIPLES}", trials)
    prepared = []
    for index, trial in enumerate(trials):
        is_triple = isinstance(trial, (tuple, list)) and len(trial) == 3
        require(is_triple, f"trials must be {_TRIPLES}", trial)
        further = callbacks(index) if callbacks else None
        prepared.append(_Trial.of(*trial, data, features, further))
    outcomes: dict[int, Outcome] = {}
    for group in _cohorts(prepared, device):
        found = _train([prepared[index] for index in group], data, device, precision)
        outcomes.update(zip(group, found, strict=True))
    return [outcomes[index] for index in range(len(prepared))]


def evaluate(
    model: TrainingResult | keras.Model, split: SplitLike, *, features: Features | None = None
) -> Evaluation:
    """Score a trained model on the rows of a split.

    Args:
        model: what `fit` or `load_model` returned, or another Keras model that maps rows
            to one logit, or softmax probability, a genre.
        split: raw rows and their labels, such as `music.test`.
        features: "mfcc" or "mel", which the model reads; None goes by its input shape.

    Returns:
        Accuracy, macro-F1, confusion matrix, scores of each class and probabilities.

    Raises:
        ConfigError: an argument of the wrong type, or a model that cannot read these rows,
            has fewer classes or gives probabilities that are not finite (`NotFiniteError`).

    Example:
    >>> from data import load_dataset
    >>> from networks import FFNConfig, TrainingConfig, evaluate, fit
    >>> music = load_dataset("demo")
    >>> trained = fit(FFNConfig(), TrainingConfig(epochs=5), music)
    >>> evaluate(trained, music.test).confusion_matrix.shape
    (4, 4)
    """
    if isinstance(model, TrainingResult):
        model = model.model
    require(
        isinstance(model, keras.Model),
        "model must be what fit or load_model returned, or another Keras model",
        model,
    )
    _check_features(features)
    features = features or _features_of(model)
    rows = _rows(split, features)
    check_shapes(model, rows.features.shape[1:], None)
    probabilities = probabilities_of(model, rows.features)
    classes = probabilities.shape[1]
    if rows.label.max() >= classes:
        raise ConfigError(
            f"the model tells {classes} genres apart. Received: labels up to {rows.label.max()}."
        )
    confusion = metrics.confusion_matrix(rows.label, probabilities.argmax(axis=1), classes)
    return Evaluation(
        accuracy=metrics.accuracy(confusion),
        macro_f1=metrics.macro_f1(confusion),
        confusion_matrix=confusion,
        classes=metrics.class_scores(confusion),
        probabilities=probabilities,
    )


@dataclass(frozen=True)
class _Trial:
    """A trial of `fit_many`.

    Args:
        spec: without a network where `model` is there.
        model: of the user, built.
        source: what else than `spec` trials of a cohort must have in common.
        features: that it reads.
        callbacks: of the user.
        is_alone: whether it trains without others, through Keras.
    """

    spec: TrialSpec
    model: keras.Model | None
    source: object
    features: Features
    callbacks: Sequence[keras.callbacks.Callback]
    is_alone: bool

    @classmethod
    def of(
        cls,
        network: Network,
        training: TrainingConfig,
        seed: int,
        data: DatasetLike,
        features: Features | None,
        callbacks: Sequence[keras.callbacks.Callback] | None,
    ) -> _Trial:
        callbacks = () if callbacks is None else callbacks
        require(
            isinstance(callbacks, Sequence)
            and all(isinstance(callback, keras.callbacks.Callback) for callback in callbacks),
            "callbacks must be a list of Keras callbacks",
            callbacks,
        )
        require(
            isinstance(training, TrainingConfig),
            'training must be a TrainingConfig, such as TrainingConfig("adam", 1e-3)',
            training,
        )
        check_whole("seed", seed, 0)
        is_alone = any(map(batch_hook, callbacks))
        if isinstance(network, NetworkConfig):
            kind = network.features
            require(
                features in (None, kind),
                f"features is for Keras models and functions, while this {type(network).__name__} "
                f"reads {kind!r}: leave it out",
                features,
            )
            row_shape(network, _input_shape(data, kind))
            return cls(TrialSpec(network, training, seed), None, None, kind, callbacks, is_alone)
        source: object = network
        if isinstance(network, keras.Model):
            features = features or _features_of(network)
            check_shapes(network, _input_shape(data, features), len(data.genres))
        else:
            is_model = isinstance(network, type) and issubclass(network, keras.Model)
            require(
                callable(network) and (is_model or not isinstance(network, type)),
                f"{CONFIG_EXPECTED}, a Keras model or a function that builds one",
                network,
            )
            there: Features = "mel" if getattr(data.train, "mfcc", None) is None else "mfcc"
            features = features or there
            network = build_with(network, _input_shape(data, features), len(data.genres), seed)
        is_alone |= obstacle(network) is not None
        return cls(TrialSpec(None, training, seed), network, source, features, callbacks, is_alone)


def _cohorts(trials: Sequence[_Trial], device: str) -> list[list[int]]:
    """Indices of the trials in groups that can train together."""
    groups: dict[object, list[int]] = {}
    for index, trial in enumerate(trials):
        key = (
            trial.features,
            id(trial.source),
            cohort_key(trial.spec.network, trial.spec.training),
        )
        groups.setdefault(index if trial.is_alone else key, []).append(index)
    cohorts = []
    for group in groups.values():
        size = LARGEST_COHORT[trials[group[0]].features][device]
        cohorts += [group[begin : begin + size] for begin in range(0, len(group), size)]
    return cohorts


def _train(
    trials: Sequence[_Trial], data: DatasetLike, device: str, precision: Precision
) -> Sequence[Outcome]:
    """Train a cohort, by `keras.Model.fit` where the engine cannot."""
    kind, notes = trials[0].features, list[str]()
    outcomes = train_trials(
        [trial.spec for trial in trials],
        _rows(data.train, kind),
        _rows(data.validation, kind),
        len(data.genres),
        device=device,
        precision=precision,
        callbacks=lambda index: trials[index].callbacks,
        report=notes.append,
        models=[trial.model for trial in trials],
    )
    for note in notes:
        if note.startswith(FALLBACK):
            warnings.warn(note, stacklevel=4)
    found = [outcome for outcome in outcomes if outcome is not None]
    return [o if isinstance(o, FailedTrial) else replace(o, notes=tuple(notes)) for o in found]


def _features_of(model: keras.Model) -> Features:
    try:
        shape = tuple(model.input_shape[1:])
    except (AttributeError, TypeError, ValueError):
        shape = None
    for features, documented in DOCUMENTED_SHAPES.items():
        if shape is not None and len(shape) == len(documented):
            return features
    raise ConfigError(
        "a model must read rows of the shape (statistics,), of mfcc features, or (frames, bands), "
        f"of mel. Received: {'one that is not built' if shape is None else shape}. Name what it "
        f"reads with features, {listed(DOCUMENTED_SHAPES)}."
    )


def _check_features(features: Features | None) -> None:
    expected = f"features must be one of {listed(DOCUMENTED_SHAPES)}, or None"
    require(features in (None, *DOCUMENTED_SHAPES), expected, features)


def _input_shape(data: DatasetLike, features: Features) -> tuple[int, ...]:
    return tuple(_rows(data.train, features).features.shape[1:])


def _rows(split: SplitLike, features: Features) -> LabelledRows:
    require(
        hasattr(split, features) and hasattr(split, "label"),
        "a split must have the rows mfcc and mel and their label, such as music.test of "
        'music = load_dataset("demo")',
        split,
    )
    values = getattr(split, features)
    if values is None:
        raise ConfigError(
            f"the network reads {features} features, which these rows do not have: use another "
            "dataset, or a network on the others."
        )
    return LabelledRows(values, split.label)
