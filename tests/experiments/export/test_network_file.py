"""A run's network as a file: which, checked on what, and kept only if right."""

import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

from data.errors import DataError
from data.storage import hdf5
from experiments.cli import export
from experiments.design.study import Budget, Study, Variant
from experiments.errors import RunError
from experiments.export.network_file import LARGEST_DIFFERENCE, choose
from experiments.results.run_result import collect
from experiments.runs.directory import RunDirectory
from experiments.runs.predictions import predictions_of
from networks import onnx as onnx_files
from networks.errors import ConfigError
from networks.inference import load_model
from networks.models.config import CNNConfig, FFNConfig, TrainingConfig
from tests.conftest import small_dataset
from tests.support import raw_records
from tests.support.inline_pool import run_inline

needs_onnx = pytest.mark.skipif(
    any(find_spec(name) is None for name in onnx_files.PACKAGES),
    reason="the extra onnx is not installed",
)
SGD = TrainingConfig(optimizer="sgd", learning_rate=0.05, epochs=3)
STUDY = Study(
    name="small",
    question="Which is exported?",
    about="",
    variants=(Variant("one", FFNConfig(hidden=(8,)), SGD), Variant("two", FFNConfig((4,)), SGD)),
    budget=Budget(epochs=3, learning_rates=(0.01, 0.1)),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return run_inline(tmp_path_factory.mktemp("whole"), STUDY, "controlled", seeds=3)


@pytest.fixture
def run(whole: RunDirectory, tmp_path: Path) -> RunDirectory:
    """A copy that a test may change."""
    path = tmp_path / "runs" / "small" / whole.path.name
    shutil.copytree(whole.path, path)
    return RunDirectory(path)


@pytest.fixture
def stored(tmp_path: Path, own_places: Path) -> Path:
    """The run's dataset among the user's, under another name."""
    path = own_places / "datasets" / "renamed.h5"
    path.parent.mkdir(exist_ok=True)
    hdf5.save(small_dataset(), path)
    return path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Conversion that takes no time and no packages, and is always right."""
    monkeypatch.setattr(onnx_files, "require_packages", lambda: None)
    monkeypatch.setattr(onnx_files, "write", lambda _, path, about: path.write_bytes(b"onnx"))
    monkeypatch.setattr(onnx_files, "largest_difference", lambda *_: 1e-7)


def _export(run: RunDirectory, path: Path, *options: str) -> Result:
    words = [str(run.path), "--format", "onnx", "-o", str(path), *options]
    return CliRunner().invoke(export.export, words, catch_exceptions=False)


def _validation(run: RunDirectory, trial: str) -> float:
    result = raw_records.read_result(run, trial)
    assert result is not None
    return float(result["validation"]["macro_f1"])


def test_the_best_variants_best_trial_on_validation(whole: RunDirectory) -> None:
    result = collect(whole)
    assert result.best is not None
    chosen = choose(result, None, None)
    assert chosen.variant == result.best.name
    assert chosen.trial.id == max(result.best.trials, key=lambda name: _validation(whole, name))
    for variant in result.variants:
        chosen = choose(result, variant.name, None)
        assert chosen.trial.id == max(variant.trials, key=lambda name: _validation(whole, name))
        for seed, trial in zip(variant.accuracy.by_replicate, variant.trials, strict=True):
            assert choose(result, variant.name, seed).trial.id == trial


@pytest.mark.parametrize(
    ("variant", "seed", "words"),
    [
        (
            "three",
            None,
            r"no trial of three has finished: the run has no such variant\. .*one, two",
        ),
        ("one", 7, r"one has no finished trial of seed 7\. Name one of: 42, 43, 44\."),
    ],
)
def test_what_is_not_there(whole: RunDirectory, variant: str, seed: Any, words: str) -> None:
    with pytest.raises(RunError, match=words):
        choose(collect(whole), variant, seed)


def test_a_run_that_goes_on(run: RunDirectory) -> None:
    best: dict[str, float] = {}
    for path in run.path.glob("trials/*/result.json"):
        result = raw_records.read_result(run, path.parent.name)
        assert result is not None
        if result["variant"] == "two":
            path.unlink()
            continue
        raw_records.write_result(run, path.parent.name, result | {"test": None})
        best[path.parent.name] = result["validation"]["macro_f1"]
    assert len(best) == 6  # of both learning rates
    with pytest.raises(RunError, match=r"no variant .* tested yet, .* with --variant \(one\)\."):
        choose(collect(run), None, None)
    with pytest.raises(RunError, match=r"no trial of two has finished\. Name one of: one\."):
        choose(collect(run), "two", None)
    assert best[choose(collect(run), "one", None).trial.id] == max(best.values())
    for path in run.path.glob("trials/*/result.json"):
        path.unlink()
    with pytest.raises(RunError, match=r"no trial of .* has finished, .*: the run is crashed"):
        choose(collect(run), None, None)


def test_the_dataset_is_found_by_its_content(
    run: RunDirectory, stored: Path, fake: None, tmp_path: Path
) -> None:
    outcome = _export(run, tmp_path / "a.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == b"onnx"
    assert re.search(r"by at most 1\.0e-07 on the 24 test rows\.$", outcome.stdout.strip())
    stored.unlink()
    with pytest.raises(DataError, match="none of your datasets holds the rows of 'small'"):
        _export(run, tmp_path / "b.onnx")
    hdf5.save(small_dataset(), tmp_path / "moved.h5")
    _export(run, tmp_path / "b.onnx", "--data", str(tmp_path / "moved.h5"))
    hdf5.save(small_dataset(rows=60), tmp_path / "other.h5")
    with pytest.raises(RunError, match="holds other rows than the run trained on"):
        _export(run, tmp_path / "c.onnx", "--data", str(tmp_path / "other.h5"))
    assert not (tmp_path / "c.onnx").exists()


@pytest.mark.parametrize("difference", [LARGEST_DIFFERENCE, 0.5, float("nan"), float("inf")])
def test_a_file_that_computes_something_else_is_not_kept(
    run: RunDirectory,
    stored: Path,
    fake: None,
    tmp_path: Path,
    difference: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "out"
    _export(run, folder / "a.onnx")
    monkeypatch.setattr(onnx_files, "write", lambda _, path, about: path.write_bytes(b"wrong"))
    monkeypatch.setattr(onnx_files, "largest_difference", lambda *_: difference)
    for name in ("a.onnx", "b.onnx"):
        with pytest.raises(RunError, match=r"away from the network's .* it was not kept"):
            _export(run, folder / name, "--replace")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"a.onnx": b"onnx"}


@pytest.mark.parametrize("words", [["--portable"], ["--format", "keras"]])
def test_a_portable_network_computes_the_same_in_any_keras(
    tmp_path: Path, stored: Path, words: list[str]
) -> None:
    cnn = Variant("cnn", CNNConfig((2,), dense=(4,), batch_norm=True), SGD)
    run = run_inline(tmp_path / "runs", Study("c", "", "", (cnn,), STUDY.budget), epochs=1)
    done = CliRunner().invoke(
        export.export, [str(run.path), *words, "-o", str(tmp_path / "a.keras")]
    )
    assert re.search(r"from the run's by at most \d\.\de-\d\d on the 24 test rows\.", done.stdout)
    model = keras.saving.load_model(tmp_path / "a.keras")
    assert model.get_layer("convolution_1").data_format == "channels_last"
    result = collect(run)
    found = predictions_of(run, result.trials[0].trial.id, len(result.genres))
    assert found is not None
    logits = model.predict(small_dataset().test.mel, verbose=0)
    np.testing.assert_allclose(keras.ops.softmax(logits), found.probability, atol=1e-5)


def test_what_does_not_go_with_a_portable_network(run: RunDirectory) -> None:
    for words, sentence in (
        ([], "name what to write with --format: csv, json, onnx or keras"),
        (["--portable", "--format", "csv"], "leave --format csv out"),
        (["--portable", "-o", "net"], r"files that end in \.keras only. Received: -o net"),
    ):
        with pytest.raises(RunError, match=sentence):
            CliRunner().invoke(export.export, [str(run.path), *words], catch_exceptions=False)


def test_a_file_that_is_there_is_left_alone_unless_asked(
    run: RunDirectory, stored: Path, fake: None, tmp_path: Path
) -> None:
    path = tmp_path / "a.onnx"
    path.write_text("mine")
    with pytest.raises(RunError, match=r"there is a file .* already"):
        _export(run, path)
    assert path.read_text() == "mine"
    _export(run, path, "--replace")
    assert path.read_bytes() == b"onnx"
    with pytest.raises(RunError, match="is a folder: name a file"):
        _export(run, tmp_path, "--replace")


def test_a_network_that_is_gone_or_another_runs(
    run: RunDirectory, stored: Path, fake: None, tmp_path: Path
) -> None:
    chosen = choose(collect(run), None, None)
    model = run.trial_path(chosen.trial.id) / "model.keras"
    other = Study("o", "", "", (Variant("cnn", CNNConfig((2,), dense=(4,)), SGD),), STUDY.budget)
    (foreign,) = run_inline(tmp_path / "other", other, seeds=1, epochs=1).path.glob(
        "trials/*/model.keras"
    )
    shutil.copy(foreign, model)
    with pytest.raises(ConfigError, match="cannot be loaded as this network"):
        _export(run, tmp_path / "a.onnx")
    model.write_bytes(b"PK")
    with pytest.raises(ConfigError, match="cannot be loaded as this network"):
        _export(run, tmp_path / "a.onnx")
    model.unlink()
    with pytest.raises(RunError, match="has finished, but its network is gone"):
        _export(run, tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()


def test_without_the_extra_one_sentence_names_the_command(
    run: RunDirectory, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_files, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"onnx, onnxruntime\).*pip install"):
        _export(run, tmp_path / "a.onnx")


@needs_onnx
def test_the_file_gives_the_probabilities_that_the_run_recorded(
    run: RunDirectory, stored: Path, tmp_path: Path
) -> None:
    import onnxruntime

    outcome = _export(run, tmp_path / "a.onnx", "--variant", "two", "--seed", "43")
    assert "two, seed 43, trial" in outcome.stdout
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["genres"]) == ["blues", "jazz", "rock"]
    assert json.loads(about["features"])["kind"] == "mfcc"
    assert json.loads(about["features"])["sample_rate_hz"] == 8000
    assert (about["run"], about["variant"], about["seed"]) == (run.name, "two", "43")
    assert about["dataset_sha256"] == small_dataset().content_sha256
    rows = small_dataset().test.mfcc.astype(np.float32)
    (found,) = session.run(["probabilities"], {"mfcc_statistics": rows})
    with h5py.File(run.trial_path(about["trial"]) / "predictions.h5") as file:
        np.testing.assert_allclose(found, file["probability"][()], atol=1e-6)


@needs_onnx
@pytest.mark.slow
def test_another_networks_weights_are_noticed(
    run: RunDirectory, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = onnx_files.write
    result = collect(run)
    trial = choose(result, "two", 44).trial
    other = load_model(run.trial_path(trial.id) / "model.keras", trial.network, len(result.genres))
    monkeypatch.setattr(onnx_files, "write", lambda _, *rest: write(other, *rest))
    with pytest.raises(RunError, match="it was not kept"):
        _export(run, tmp_path / "out" / "a.onnx", "--variant", "two", "--seed", "43")
    assert not list((tmp_path / "out").iterdir())
