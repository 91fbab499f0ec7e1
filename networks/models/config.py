"""What a network is and how it is trained: frozen, validated, plain data.

Imports neither Keras nor torch, so that studies can be listed without them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from networks.errors import ConfigError
from networks.models.config_checks import (
    check_at_least,
    check_between,
    check_not_negative,
    check_positive,
    check_share,
    check_sizes,
    check_types,
    listed,
    nested_config,
)
from networks.models.custom import DOCUMENTED_SHAPES, CustomConfig

Activation = Literal["relu", "leaky_relu", "prelu", "hard_shrink", "hard_swish", "linear"]
Initializer = Literal["uniform_fan_in", "glorot_uniform", "he_normal"]
Optimizer = Literal[
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "asgd",
    "nadam",
    "radam",
    "rmsprop",
    "rprop",
    "sgd",
]
ScheduleKind = Literal["none", "cosine", "one_cycle", "reduce_on_plateau"]
Stepping = Literal["epoch", "step"]
Monitor = Literal["val_macro_f1", "val_batch_mean_f1", "val_accuracy", "val_loss"]
Keep = Literal["last", "best"]
ClassWeights = Literal["balanced"]
MOST_EPOCHS = 100_000
MOST_BATCH_ROWS = 1_000_000


@dataclass(frozen=True)
class FFNConfig:
    """A feed-forward network on MFCC statistics.

    Args:
        hidden: units of each hidden layer.
        activation: after each hidden layer.
        batch_norm: normalise each hidden layer before its activation.
        dropout: share of units dropped after the activation of each hidden layer.
        standardize: begin with a `Normalization` layer adapted on the train rows.
        initializer: of every weight; "uniform_fan_in" is uniform in
            +-1/sqrt(fan_in), biases too, as the source's framework does.

    Raises:
        ConfigError: a value of the wrong type, or one that makes no network.

    Example:
    >>> from networks import FFNConfig
    >>> FFNConfig(hidden=(64,), dropout=0.2).hidden
    (64,)
    """

    kind: ClassVar[str] = "ffn"
    features: ClassVar[Literal["mfcc", "mel"]] = "mfcc"

    hidden: tuple[int, ...] = (128, 32)
    activation: Activation = "relu"
    batch_norm: bool = False
    dropout: float = 0.0
    standardize: bool = False
    initializer: Initializer = "uniform_fan_in"

    def __post_init__(self) -> None:
        check_types(self)
        check_sizes(self, "hidden")
        check_share(self, "dropout")


@dataclass(frozen=True)
class CNNConfig:
    """A convolutional network on mel-spectrograms.

    Args:
        filters: output channels of each convolution.
        kernel_size: side of the square kernels.
        padding: keep the size of the image in each convolution ("same").
        pooling: 2 x 2 max pooling after each convolution.
        dense: units of each hidden dense layer.
        activation: after each convolution and, unless `dense_activation` is
            false, after each hidden dense layer.
        dense_activation: apply the activation to the dense layers too.
        batch_norm: normalise before each activation, on the dense layers too.
        dropout: share of units dropped after the activation of the first three
            convolutions.
        standardize: begin with a `Normalization` layer, one mean and variance a
            mel band, adapted on the train rows.
        initializer: as in `FFNConfig`.

    Raises:
        ConfigError: as `FFNConfig`.

    Example:
    >>> from networks import CNNConfig
    >>> CNNConfig(pooling=True, padding=True, batch_norm=True).filters
    (16, 32, 64, 128)
    """

    kind: ClassVar[str] = "cnn"
    features: ClassVar[Literal["mfcc", "mel"]] = "mel"

    filters: tuple[int, ...] = (16, 32, 64, 128)
    kernel_size: int = 5
    padding: bool = True
    pooling: bool = True
    dense: tuple[int, ...] = (1024, 256, 32)
    activation: Activation = "relu"
    dense_activation: bool = True
    batch_norm: bool = False
    dropout: float = 0.0
    standardize: bool = False
    initializer: Initializer = "uniform_fan_in"

    def __post_init__(self) -> None:
        check_types(self)
        check_sizes(self, "filters")
        check_sizes(self, "dense")
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise ConfigError(
                f"kernel_size must be an odd number, at least 1. Received: {self.kernel_size}."
            )
        check_share(self, "dropout")


NetworkConfig = FFNConfig | CNNConfig | CustomConfig


def row_shape(network: NetworkConfig, input_shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of the rows that a network reads, the documented one for None.

    Raises:
        ConfigError: it cannot read such rows, or nothing is left of them after a convolution.
    """
    documented = DOCUMENTED_SHAPES[network.features]
    if input_shape is None:
        input_shape = documented
    if len(input_shape) != len(documented) or min(input_shape) < 1:
        axes = "one axis" if network.features == "mfcc" else "two axes, frames and bands"
        raise ConfigError(
            f"a network on {network.features} features reads rows of {axes}. Received rows of the "
            f"shape {input_shape}."
        )
    if isinstance(network, CNNConfig):
        image = rows, columns = input_shape
        for number in range(1, len(network.filters) + 1):
            if not network.padding:
                rows, columns = rows - network.kernel_size + 1, columns - network.kernel_size + 1
            if network.pooling:
                rows, columns = rows // 2, columns // 2
            if rows < 1 or columns < 1:
                raise ConfigError(
                    f"nothing is left of the {image[0]} x {image[1]} image after convolution "
                    f"{number} of {len(network.filters)} (kernel_size={network.kernel_size}, "
                    f"padding={network.padding}, pooling={network.pooling}): use fewer filters, a "
                    "smaller kernel, padding=True or pooling=False."
                )
    return input_shape


_NETWORKS: dict[str, type[NetworkConfig]] = {
    config.kind: config for config in (FFNConfig, CNNConfig, CustomConfig)
}


def comparable(network: NetworkConfig) -> FFNConfig | CNNConfig:
    """The same config, or for a network of unknown size our own on the same features."""
    if not isinstance(network, CustomConfig):
        return network
    return FFNConfig() if network.features == "mfcc" else CNNConfig()


@dataclass(frozen=True)
class ScheduleConfig:
    """How the learning rate moves while training.

    Args:
        kind: "none"; "cosine": from the base rate to 0 over `period`; "one_cycle":
            from `max_learning_rate` / 25 up to it and down to almost 0 over
            `period`, Adam's beta_1 moving the other way; "reduce_on_plateau":
            multiplied by `factor` when `monitor` has not improved for `patience`
            epochs.
        stepping: what moves "cosine" and "one_cycle" on: an epoch or a step (batch).
        period: length of the schedule in units of `stepping`; None means the whole
            training.
        max_learning_rate: peak of "one_cycle"; None means the base rate.
        factor, patience, monitor: of "reduce_on_plateau".
    """

    kind: ScheduleKind = "none"
    stepping: Stepping = "epoch"
    period: int | None = None
    max_learning_rate: float | None = None
    factor: float = 0.1
    patience: int = 10
    monitor: Monitor = "val_loss"

    def __post_init__(self) -> None:
        check_types(self)
        if self.period is not None:
            if self.kind not in ("cosine", "one_cycle"):
                raise ConfigError(f"the schedule {self.kind!r} has no period: leave it out.")
            check_at_least(self, "period", 1)
        if self.max_learning_rate is not None:
            if self.kind != "one_cycle":
                raise ConfigError(
                    "max_learning_rate belongs to the schedule 'one_cycle'. Received it with "
                    f"{self.kind!r}: leave it out."
                )
            check_positive(self, "max_learning_rate")
        if not 0.0 < self.factor < 1.0:
            raise ConfigError(f"factor must lie between 0 and 1. Received: {self.factor}.")
        check_at_least(self, "patience", 1)


@dataclass(frozen=True)
class EarlyStoppingConfig:
    """Stop when `monitor` has not improved for `patience` epochs in a row."""

    patience: int = 5
    monitor: Monitor = "val_macro_f1"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, "patience", 1)


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained.

    Args:
        optimizer: with the defaults of the source's framework.
        learning_rate: base rate of the optimizer.
        epochs: passes over the train rows, at most.
        batch_size: rows a step; the last batch of an epoch may be smaller.
        l2: L2 weight decay: `l2` times the weights is added to the gradient.
        decoupled_decay: weight decay apart from the gradient: each step takes
            learning rate x `decoupled_decay` of the weights off. None means the
            optimizer's own: 0.01 for adamw, none for the others.
        schedule: of the learning rate.
        early_stopping: None trains all epochs.
        keep: weights to keep: "last" epoch, or "best" validation macro-F1.
        class_weights: "balanced" multiplies the loss of each train row by n / (classes x count),
            of n rows and the count of those of its genre, as `class_weight` of
            `keras.Model.fit`; None weighs all rows alike. Losses on validation are never weighted.

    Raises:
        ConfigError: a value of the wrong type or out of its range, or two kinds of decay.

    Example:
    >>> from networks import TrainingConfig
    >>> TrainingConfig("adam", 1e-3, epochs=20).batch_size
    16
    """

    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    epochs: int = 20
    batch_size: int = 16
    l2: float = 0.0
    decoupled_decay: float | None = None
    schedule: ScheduleConfig = ScheduleConfig()
    early_stopping: EarlyStoppingConfig | None = None
    keep: Keep = "last"
    class_weights: ClassWeights | None = None

    def __post_init__(self) -> None:
        check_types(self)
        check_positive(self, "learning_rate")
        check_between(self, "epochs", 1, MOST_EPOCHS)
        check_between(self, "batch_size", 1, MOST_BATCH_ROWS)
        check_not_negative(self, "l2")
        if self.decoupled_decay is not None:
            check_not_negative(self, "decoupled_decay")
        if self.l2 and (self.decoupled_decay or self.optimizer == "adamw"):
            raise ConfigError(
                f"weights decay in one way only: l2={self.l2} adds to the gradient, while "
                f"{self.optimizer} with decoupled_decay={self.decoupled_decay} decays them "
                "apart from it. Leave one out (adam has l2, adamw is decoupled)."
            )
        if self.optimizer == "rprop" and (self.l2 or self.decoupled_decay):
            raise ConfigError(
                "rprop looks at the gradient's sign only, so weight decay has no meaning: "
                "leave l2 and decoupled_decay out."
            )


_LEFT_OUT_WHERE_NONE = ("class_weights",)  # younger than the ids of trials, which hash the rest


def to_dict(config: Any) -> dict[str, Any]:
    """Plain, JSON-ready data of a config; `kind` tells which network it is."""
    plain: dict[str, Any] = {"kind": config.kind} if isinstance(config, NetworkConfig) else {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value is not None or field.name not in _LEFT_OUT_WHERE_NONE:
            plain[field.name] = _plain(value)
    if isinstance(config, CustomConfig):
        plain["options"] = dict(config.options)
    return plain


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_dict(value)
    return list(value) if isinstance(value, tuple) else value


def network_from_dict(plain: dict[str, Any]) -> NetworkConfig:
    """The network config that `to_dict` made `plain` of.

    Raises:
        ConfigError: an unknown kind or field, or a value of the wrong type.
    """
    return _parsed("network", _network, plain)  # type: ignore[no-any-return]


def _network(plain: dict[str, Any]) -> NetworkConfig:
    fields = dict(plain)
    kind = fields.pop("kind", None)
    if kind not in _NETWORKS:
        raise ConfigError(f"kind must be one of {listed(_NETWORKS)}. Received: {kind!r}.")
    return _build(_NETWORKS[kind], fields)  # type: ignore[no-any-return]


def training_from_dict(plain: dict[str, Any]) -> TrainingConfig:
    """The training config that `to_dict` made `plain` of.

    Raises:
        ConfigError: an unknown field, or a value of the wrong type.
    """
    return _parsed("training", partial(_build, TrainingConfig), plain)  # type: ignore[no-any-return]


_known: dict[
    tuple[str, str], Any
] = {}  # configs by their JSON: the trials of a thousand runs have few
_MOST_KNOWN = 1000


def _parsed(what: str, parse: Callable[[dict[str, Any]], Any], plain: dict[str, Any]) -> Any:
    try:
        key = what, json.dumps(plain)
    except (TypeError, ValueError):  # a value that no config has: `parse` says which
        return parse(plain)
    if key not in _known:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = parse(plain)
    return _known[key]


def _build(config: Any, plain: dict[str, Any]) -> Any:
    names = [field.name for field in dataclasses.fields(config)]
    fields: dict[str, Any] = {}
    for name, value in plain.items():
        if name not in names:
            raise ConfigError(
                f"{config.__name__} has no field {name!r}. It has: {', '.join(names)}."
            )
        nested = nested_config(config, name)
        if nested is not None and isinstance(value, dict):
            value = _build(nested, value)
        fields[name] = value
    return config(**fields)
