import json

import pytest

from networks.errors import ConfigError
from networks.models.config import (
    CNNConfig,
    EarlyStoppingConfig,
    FFNConfig,
    NetworkConfig,
    ScheduleConfig,
    TrainingConfig,
    network_from_dict,
    row_shape,
    to_dict,
    training_from_dict,
)

NETWORKS = [
    FFNConfig(),
    FFNConfig(hidden=(64,), activation="prelu", batch_norm=True, dropout=0.3, standardize=True),
    CNNConfig(),
    CNNConfig(padding=False, pooling=False, dense_activation=False),
]
TRAININGS = [
    TrainingConfig(),
    TrainingConfig(
        optimizer="adamw",
        decoupled_decay=0.1,
        schedule=ScheduleConfig("one_cycle", "step", 7, max_learning_rate=0.1),
        early_stopping=EarlyStoppingConfig(3, "val_loss"),
        keep="best",
    ),
    TrainingConfig(class_weights="balanced"),
]


@pytest.mark.parametrize("config", NETWORKS)
def test_networks_survive_json(config: FFNConfig | CNNConfig) -> None:
    assert network_from_dict(json.loads(json.dumps(to_dict(config)))) == config


def test_lists_of_sizes_are_tuples() -> None:
    config = FFNConfig(hidden=[64, 32])  # type: ignore[arg-type]
    assert config == FFNConfig(hidden=(64, 32))
    assert hash(config) == hash(FFNConfig(hidden=(64, 32)))


@pytest.mark.parametrize("config", TRAININGS)
def test_trainings_survive_json(config: TrainingConfig) -> None:
    assert training_from_dict(json.loads(json.dumps(to_dict(config)))) == config


def test_class_weights_are_left_out_where_there_are_none() -> None:
    assert "class_weights" not in to_dict(TrainingConfig())
    assert to_dict(TrainingConfig(class_weights="balanced"))["class_weights"] == "balanced"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FFNConfig(hidden=()), "hidden must list at least one size"),
        (lambda: FFNConfig(hidden=(0,)), "each at least 1"),
        (lambda: FFNConfig(hidden=(1,) * 101), "at most 100 sizes, each at most 100,000"),
        (lambda: CNNConfig(dense=(10**9,)), "Received: 1 of up to 1,000,000,000."),
        (lambda: FFNConfig(hidden=[1.5]), "hidden must be a list of whole numbers from 1 on"),
        (lambda: FFNConfig(hidden="128"), "hidden must be a list of whole numbers from 1 on"),
        (
            lambda: TrainingConfig(class_weights="even"),
            "class_weights must be one of 'balanced' or none",
        ),
        (lambda: TrainingConfig(early_stopping=3), "early_stopping must be an EarlyStoppingConfig"),
        (lambda: FFNConfig(dropout=1.0), "dropout must lie in 0 <= dropout < 1"),
        (lambda: FFNConfig(activation="tanh"), "activation must be one of 'relu'"),
        (lambda: FFNConfig(batch_norm=1), "batch_norm must be true or false. Received: 1"),
        (lambda: CNNConfig(kernel_size=4), "odd number"),
        (lambda: TrainingConfig(optimizer="adam2"), "optimizer must be one of 'adadelta'"),
        (lambda: TrainingConfig(learning_rate=0), "learning_rate must be a finite number above 0"),
        (lambda: TrainingConfig(learning_rate=float("nan")), "Received: nan"),
        (lambda: TrainingConfig(learning_rate="fast"), "learning_rate must be a number"),
        (lambda: TrainingConfig(epochs=0), "epochs must be a whole number from 1 to"),
        (lambda: TrainingConfig(batch_size=2.5), "batch_size must be a whole number"),
        (lambda: TrainingConfig(l2=-1), "l2 must be a finite number, at least 0"),
        (lambda: TrainingConfig(optimizer="adamw", l2=0.1), "decay in one way only"),
        (lambda: TrainingConfig(l2=0.1, decoupled_decay=0.1), "decay in one way only"),
        (lambda: TrainingConfig(optimizer="rprop", l2=0.1), "rprop"),
        (lambda: ScheduleConfig("none", period=3), "'none' has no period"),
        (lambda: ScheduleConfig("cosine", max_learning_rate=1.0), "belongs to the schedule"),
        (lambda: ScheduleConfig("reduce_on_plateau", factor=1.0), "factor must lie between"),
        (lambda: EarlyStoppingConfig(patience=0), "patience must be at least 1"),
        (lambda: network_from_dict({"kind": "rnn"}), "kind must be one of 'ffn', 'cnn'"),
        (lambda: network_from_dict({"kind": "ffn", "units": 3}), "FFNConfig has no field 'units'"),
        (lambda: training_from_dict({"schedule": {"kind": "x"}}), "kind must be one of 'none'"),
        (lambda: training_from_dict({"schedule": 3}), "schedule must be a ScheduleConfig"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(make: object, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make()  # type: ignore[operator]
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("network", "shape", "words"),
    [
        (CNNConfig(padding=False), None, "nothing is left of the 21 x 128 image after convolution"),
        (CNNConfig(filters=(8,) * 5), None, "after convolution 5 of 5"),
        (CNNConfig(), (61, 8), "of the 61 x 8 image after convolution 4 of 4"),
        (CNNConfig(), (128,), "a network on mel features reads rows of two axes"),
        (FFNConfig(), (21, 128), "a network on mfcc features reads rows of one axis"),
        (FFNConfig(), (0,), "Received rows of the shape (0,)."),
    ],
)
def test_rows_that_a_network_cannot_read(
    network: NetworkConfig, shape: tuple[int, ...] | None, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        row_shape(network, shape)
    assert words in str(caught.value)


def test_rows_of_other_shapes() -> None:
    assert row_shape(FFNConfig(), (40,)) == (40,)
    assert row_shape(CNNConfig(filters=(8,) * 5), (61, 64)) == (61, 64), "2 x 1 is left"
    assert row_shape(CNNConfig(), None) == (21, 128)
