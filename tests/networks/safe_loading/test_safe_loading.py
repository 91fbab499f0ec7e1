"""Model files of other people: ours load, code in others is neither run nor read."""

from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest

from networks.inference import load_model, logits_of
from networks.models.checks import ConfigError
from networks.models.config import Activation, CNNConfig, FFNConfig, Initializer
from networks.training.results import build
from tests.networks.safe_loading.model_files import (
    EVERYTHING,
    FFN,
    assert_refused,
    change_config,
    expected_logits,
    kept,
    parts_of,
    put,
    rows,
    saved,
    write,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return kept(tmp_path)


ACTIVATIONS = get_args(Activation)
NETWORKS: list[FFNConfig | CNNConfig] = [
    FFNConfig(),
    CNNConfig(),
    *(FFNConfig(hidden=(3, 1), activation=name, **EVERYTHING) for name in ACTIVATIONS),
    *(FFNConfig(hidden=(2,), initializer=name) for name in get_args(Initializer)),
    *(
        CNNConfig(filters=(2, 1), kernel_size=3, dense=(2,), activation=name, **EVERYTHING)
        for name in ACTIVATIONS
    ),
    *(
        CNNConfig(filters=(1, 2), kernel_size=3, dense=(1,), pooling=pooling, padding=padding)
        for pooling in (False, True)
        for padding in (False, True)
    ),
    CNNConfig(filters=(1,), kernel_size=1, dense=(2, 2), dense_activation=False, dropout=0.5),
]


@pytest.mark.parametrize("network", NETWORKS)
def test_what_our_builders_make_loads(network: FFNConfig | CNNConfig, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(saved(network))
    model = load_model(path)
    np.testing.assert_array_equal(logits_of(model, rows(network)), expected_logits(network))
    model.save(path)  # and once more, as Keras writes what it has read
    load_model(path)


def test_a_layer_that_was_not_adapted_loads(tmp_path: Path) -> None:
    build(FFN, 4, 0).save(tmp_path / "model.keras")
    load_model(tmp_path / "model.keras")


def test_keras_reads_a_copy_that_nobody_else_can_change(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, folders = keras.saving.load_model, []

    def swap(folder: str, **options: Any) -> Any:
        path.write_bytes(b"another file")
        folders.append(Path(folder))
        assert b"subprocess" not in (Path(folder) / "config.json").read_bytes()
        assert Path(folder).stat().st_mode & 0o077 == 0
        return read(folder, **options)

    parts = parts_of(path)
    twice = b'{"module": "subprocess", ' + parts["config.json"][1:]  # the second counts
    write(path, parts | {"config.json": twice})
    monkeypatch.setattr(keras.saving, "load_model", swap)
    np.testing.assert_array_equal(logits_of(load_model(path), rows(FFN)), expected_logits(FFN))
    assert not folders[0].exists()


def test_what_keras_refuses_is_a_sentence_too(path: Path) -> None:
    def change(config: Any) -> None:
        start = config["config"]["layers"][2]["config"]["kernel_initializer"]
        start["config"]["distribution"] = "nonsense"

    change_config(path, change)
    with pytest.raises(ConfigError, match=r"none of ours \(.*could not be deserialized") as error:
        load_model(path)
    assert "\n" not in str(error.value)


def test_a_lambda_is_refused_and_not_run(tmp_path: Path) -> None:
    path, marker = tmp_path / "model.keras", tmp_path / "marker"
    trap = eval(f"lambda x: (open({str(marker)!r}, 'w').close(), x)[1]")
    inputs = keras.Input((26,), name="mfcc_statistics")
    x = keras.layers.Lambda(trap, name="trap")(inputs)
    keras.Model(inputs, keras.layers.Dense(4, name="logits")(x), name="ffn").save(path)
    marker.unlink(missing_ok=True)
    assert_refused(path, "'keras.layers', 'Lambda'")
    assert not marker.exists()
    keras.src.saving.saving_lib.load_model(path, compile=False, safe_mode=False)
    assert marker.exists(), "the trap would not have worked"


EVIL = {
    "function": {"module": "builtins", "class_name": "function", "config": "eval"},
    "class": {"module": "subprocess", "class_name": "Popen", "config": {"args": ["true"]}},
    "lambda": {"class_name": "__lambda__", "config": {"value": "4wAAAA=="}},
    "keras": {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://x"}},
    "private": {"module": "keras.src.utils.file_utils", "class_name": "File", "config": {}},
    "setting": {
        "module": "keras.config",
        "class_name": "function",
        "config": "enable_unsafe_deserialization",
    },
    "registered": {
        "module": "keras.initializers",
        "class_name": "Zeros",
        "config": {},
        "registered_name": "evil>Zeros",
    },
}
PLACES = (
    "compile_config",
    "build_config",
    "config/name",
    "config/layers/2/config/activation",
    "config/layers/2/config/dtype",
    "config/layers/2/config/kernel_initializer",
    "config/layers/2/config/kernel_initializer/config/seed",
    "config/layers/2/config/kernel_regularizer",
    "config/layers/2/config/bias_constraint",
    "config/layers/2/config/quantization_config",
    "config/layers/2/config/new_setting",
    "config/layers/2/build_config",
    "config/layers/2/inbound_nodes/0/args/0",
    "config/layers/2/inbound_nodes/0/kwargs/mask",
    "config/layers/3/config/gamma_initializer",
    "config/layers/4/config/alpha_initializer/config/value",
    "config/layers/5",
    "config/new_layers",
    "new_config",
)


@pytest.mark.parametrize("place", PLACES)
def test_classes_and_functions_are_refused_wherever_they_sit(path: Path, place: str) -> None:
    original = path.read_bytes()
    for kind, evil in EVIL.items():
        path.write_bytes(original)
        change_config(path, put(place, evil))
        words = "evil>Zeros" if kind == "registered" else str(evil["class_name"])
        assert_refused(path, words)


@pytest.mark.parametrize("place", ["", "config/layers/2/"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("module", "os"),
        ("module", "builtins"),
        ("module", None),
        ("module", ["keras.layers"]),
        ("class_name", "Lambda"),
        ("class_name", "TFSMLayer"),
        ("class_name", "Sequential"),
        ("class_name", None),
        ("registered_name", "evil>Dense"),
        ("registered_name", "Dense"),
        ("shared_object_id", 7),
    ],
)
def test_a_layer_or_model_of_another_class(path: Path, place: str, key: str, value: Any) -> None:
    change_config(path, put(place + key, value))
    assert_refused(path, "shared_object_id" if value == 7 else repr(value))
