from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from networks import onnx as onnx_files
from networks.errors import ConfigError
from networks.inference import probabilities_of
from networks.models.build import build_model
from networks.models.config import CNNConfig, FFNConfig
from tests.support.model_files import EVERYTHING, rows

needs_onnx = pytest.mark.skipif(
    any(onnx_files.find_spec(name) is None for name in onnx_files.PACKAGES),
    reason="the extra onnx is not installed",
)
ABOUT = {"genres": '["blues", "jazz"]', "trial": "abc123"}
FFN = FFNConfig(hidden=(8, 4), activation="prelu", **EVERYTHING)
NETWORKS: list[FFNConfig | CNNConfig] = [
    FFNConfig(),
    *(FFNConfig(hidden=(8,), activation=name, **EVERYTHING) for name in ("relu", "hard_swish")),
    *(FFNConfig(hidden=(8,), activation=name) for name in ("leaky_relu", "hard_shrink", "linear")),
    CNNConfig(),
    CNNConfig(filters=(4, 8), kernel_size=3, dense=(8,), activation="prelu", **EVERYTHING),
    CNNConfig(filters=(4, 8), dense=(8,), activation="hard_swish", pooling=False, padding=False),
    CNNConfig(filters=(2,), dense=(4,), activation="hard_shrink", dense_activation=False),
]


def _trained(network: FFNConfig | CNNConfig) -> keras.Model:
    """A network whose running means, slopes and statistics are not what they begin as."""
    model = build_model(network, 4, 0, rows(network))
    for number, variable in enumerate(model.weights):
        noise = np.random.default_rng(number).uniform(0.05, 0.2, variable.shape)
        if "seed" not in variable.name:
            variable.assign(keras.ops.convert_to_numpy(variable) + noise)
    return model


def _run(path: Path, values: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (inputs,) = session.get_inputs()
    (found,) = session.run(None, {inputs.name: values})
    return np.asarray(found)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return _trained(FFN)


@pytest.fixture(scope="module")
def path(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("onnx") / "model.onnx"
    onnx_files.write(model, made, ABOUT)
    return made


@needs_onnx
def test_the_file_says_what_goes_in_and_out_and_whose_it_is(path: Path) -> None:
    import onnx

    found = onnx.load(path)
    (inputs,), (outputs,) = found.graph.input, found.graph.output
    shapes = [
        [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (inputs, outputs)
    ]
    assert (inputs.name, outputs.name) == ("mfcc_statistics", "probabilities")
    assert shapes == [["batch", 26], ["batch", 4]]
    assert {v.type.tensor_type.elem_type for v in (inputs, outputs)} == {onnx.TensorProto.FLOAT}
    assert {pair.key: pair.value for pair in found.metadata_props} == ABOUT
    assert not any(name in path.read_bytes() for name in (b".py", b"/site-packages"))


@needs_onnx
def test_it_computes_what_keras_does_on_any_number_of_rows(path: Path, model: keras.Model) -> None:
    values = np.random.default_rng(1).normal(3, 2, (600, 26)).astype(np.float32)
    expected = probabilities_of(model, values)
    assert expected.std(axis=0).min() > 0.01  # rows differ: the comparison means something
    for count in (1, 2, 7, 600):
        np.testing.assert_allclose(_run(path, values[:count]), expected[:count], atol=1e-6)
    found = onnx_files.largest_difference(path, model, values)
    assert 0 < found < 1e-6


@needs_onnx
def test_the_difference_is_that_of_the_worst_row_in_any_batch(
    path: Path, model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(1).normal(3, 2, (600, 26)).astype(np.float32)
    true = probabilities_of(model, values)

    def other(row: int, by: float) -> Any:
        changed = true.copy()
        changed[row, 2] += by
        return lambda *_: changed

    monkeypatch.setattr(onnx_files, "probabilities_of", other(577, 0.25))
    assert onnx_files.largest_difference(path, model, values) == pytest.approx(0.25, abs=1e-6)
    monkeypatch.setattr(onnx_files, "probabilities_of", other(599, np.nan))
    assert np.isnan(onnx_files.largest_difference(path, model, values))


@needs_onnx
def test_batches_are_of_1_and_7_and_all(
    path: Path, model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, sizes = onnx_files._session(path), []

    class Watched:
        def get_inputs(self) -> Any:
            return session.get_inputs()

        def run(self, names: Any, inputs: dict[str, np.ndarray]) -> Any:
            sizes.append(len(inputs["mfcc_statistics"]))
            return session.run(names, inputs)

    monkeypatch.setattr(onnx_files, "_session", lambda _: Watched())
    onnx_files.largest_difference(path, model, np.zeros((150, 26)))
    assert sizes == [1] * 70 + [7] * 10 + [150]


@needs_onnx
def test_another_networks_file_is_far_off(path: Path) -> None:
    values = rows(FFN)
    assert onnx_files.largest_difference(path, build_model(FFN, 4, 1, values), values) > 0.01


@needs_onnx
@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_every_kind_of_network(network: FFNConfig | CNNConfig, tmp_path: Path) -> None:
    made = _trained(network)
    values = np.concatenate([rows(network)] * 3)
    values[3:] *= np.random.default_rng(2).uniform(
        -1, 1, (len(values) - 3, *[1] * (values.ndim - 1))
    )
    onnx_files.write(made, tmp_path / "model.onnx", {})
    assert onnx_files.largest_difference(tmp_path / "model.onnx", made, values) < 1e-5


@needs_onnx
@pytest.mark.slow
def test_nothing_is_said_meanwhile(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = build_model(FFNConfig(hidden=(2,)), 4, 0)
    onnx_files.write(made, tmp_path / "model.onnx", {})
    onnx_files.largest_difference(tmp_path / "model.onnx", made, np.zeros((3, 26)))
    assert capfd.readouterr() == ("", "")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> object:
        return None if name == "onnxruntime" else object()

    monkeypatch.setattr(onnx_files, "find_spec", find)
    made = build_model(FFNConfig(hidden=(2,)), 4, 0)
    with pytest.raises(ConfigError, match=r"\(onnxruntime\).*pip install .*'.\[onnx\]'\.$"):
        onnx_files.write(made, tmp_path / "model.onnx", {})
    assert not list(tmp_path.iterdir())


@needs_onnx
def test_what_keras_cannot_convert_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no such operation\nand much more")

    monkeypatch.setattr(keras.Model, "export", fail)
    with pytest.raises(ConfigError, match=r"to ONNX \(no such operation\)\. Try") as caught:
        onnx_files.write(build_model(FFNConfig(hidden=(2,)), 4, 0), tmp_path / "model.onnx", {})
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@needs_onnx
def test_a_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"something else")
    with pytest.raises(ConfigError, match=r"onnxruntime cannot compute") as caught:
        onnx_files.largest_difference(
            tmp_path / "model.onnx", build_model(FFNConfig(hidden=(2,)), 4, 0), np.zeros((3, 26))
        )
    assert "\n" not in str(caught.value)
