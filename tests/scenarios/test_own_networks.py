"""Networks that functions of the user build, through a study: run, test, export, resume."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from data.storage import hdf5
from data.storage.catalogue import path_of
from experiments import RunError, Study, Variant, load_run, run_study
from experiments.cli.main import main
from experiments.design.study import Budget
from networks import ConfigError, CustomConfig, TrainingConfig
from networks.engine.fallback import FALLBACK
from networks.inference import probabilities_of
from tests.conftest import small_dataset

SOURCE = """
import keras

def build(input_shape, classes, units=4):
    inputs = keras.Input(input_shape)
    x = keras.layers.Dense(units, activation="relu")(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, keras.layers.Dense(classes)(x))

def softmax(input_shape, classes, units=4):
    model = build(input_shape, classes, units)
    return keras.Model(model.input, keras.layers.Softmax()(model.output))

def recurrent(input_shape, classes, units=4):
    inputs = keras.Input(input_shape)
    x = keras.layers.GRU(units)(inputs)
    return keras.Model(inputs, keras.layers.Dense(classes)(x))

def compiled(input_shape, classes):
    model = build(input_shape, classes)
    model.compile("sgd", "mse")
    return model

def too_many(input_shape, classes):
    return build(input_shape, classes + 1)
"""
STUDY = """
seeds = 2

[base.network]
build = "my_model:build"
options.units = 6

[controlled]
epochs = 2
learning_rates = [0.01, 0.1]

[variants.traced]

[variants.keras]
network.build = "my_model:softmax"

[variants.recurrent]
network.build = "my_model:recurrent"
network.features = "mel"
network.options.units = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path_of("small").parent.mkdir(parents=True, exist_ok=True)
    hdf5.save(small_dataset(), path_of("small"))
    (tmp_path / "own.toml").write_text(STUDY)
    (tmp_path / "my_model.py").write_text(SOURCE)
    return tmp_path


def test_a_study_of_own_networks(folder: Path) -> None:
    run = run_study(folder / "own.toml", data="small")
    assert run.state == "finished"
    assert {row["status"] for row in run.trials.to_rows()} == {"finished"}
    result = run.result
    assert [variant.n for variant in result.variants] == [2, 2, 2]
    notes = {
        variant.name: [note for one in variant.tested for note in one.notes]
        for variant in result.variants
    }
    assert notes["traced"] == []
    assert len(notes["keras"]) == 2
    assert notes["keras"][0].startswith(FALLBACK)
    for variant in result.variants:
        assert np.sum(variant.confusion_matrix) == 2 * 24
    (folder / "my_model.py").write_text("changed while nobody looked")
    for variant, kind in (("traced", "mfcc"), ("keras", "mfcc"), ("recurrent", "mel")):
        model = run.load_model(variant, 43)
        rows = run.table("predictions").to_rows()
        expected = [
            row["probability_jazz"]
            for row in rows
            if row["variant"] == variant and row["seed"] == 43
        ]
        found = probabilities_of(model, getattr(small_dataset().test, kind))[:, 1]
        np.testing.assert_allclose(found, expected, atol=1e-5)
    shutil.rmtree(Path(os.environ["GENRE_TUI_CACHE"]) / "trusted_functions")
    with pytest.raises(RunError, match="no run on this machine was started with"):
        run.load_model("traced", 43)


def test_a_changed_function_is_another_trial_and_a_moved_one_is_not(folder: Path) -> None:
    def study(place: Path) -> Study:
        network = CustomConfig.from_name("my_model:build", place)
        return Study("own", "", "", (Variant("a", network, TrainingConfig()),), Budget(1, (0.1,)))

    def ids(place: Path) -> set[str]:
        run = run_study(study(place), data="small", epochs=1)
        return {row["trial"] for row in run.trials.to_rows()}

    first = ids(folder)
    (folder / "moved").mkdir()
    shutil.copy(folder / "my_model.py", folder / "moved")
    assert ids(folder / "moved") == first
    (folder / "my_model.py").write_text(SOURCE + "# changed")
    assert not ids(folder) & first


def test_it_stops_and_resumes_on_the_engine_and_through_keras(folder: Path) -> None:
    text = STUDY.replace("epochs = 2", "epochs = 30000")
    (folder / "own.toml").write_text(text[: text.index("[variants.recurrent]")])
    for variant in ("traced", "keras"):
        run = run_study(folder / "own.toml", data="small", variants=[variant], wait=False)
        run.stop()
        assert run.state == "stopped"
        (folder / "my_model.py").write_text(SOURCE + "# changed meanwhile")
        assert run.resume(wait=False).state == "running"
        run.stop()
        assert load_run().state == "stopped"
    shutil.rmtree(Path(os.environ["GENRE_TUI_CACHE"]) / "trusted_functions")
    with pytest.raises(RunError, match="it is not loaded, as it could do anything"):
        run.resume()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('build = "my_model:compiled"', "must not be compiled"),
        ('build = "my_model:too_many"', r"a model must map n rows to the shape \(n, 3\)"),
        ('build = "my_model:nothing"', "has no attribute 'nothing'"),
        ('build = "other:build"', r"other\.py cannot be read"),
        ('build = "my_model"', "as file:function"),
        ('build = "my_model:build"\nunits = 3', "network.units: there is no such field"),
        ('build = "my_model:build"\noptions.size = 3', "unexpected keyword argument 'size'"),
        ('build = "my_model:build"\nsha256 = "0"', "there is no such field"),
    ],
)
def test_bad_functions_are_one_sentence(folder: Path, line: str, words: str) -> None:
    (folder / "own.toml").write_text(f"[base.network]\n{line}\n[variants.a]\n")
    with pytest.raises((RunError, ConfigError), match=words) as caught:
        run_study(folder / "own.toml", data="small")
    assert "\n" not in str(caught.value)
    assert not list(Path(os.environ["GENRE_TUI_RUNS"]).glob("*/*"))


def test_the_command_line_varies_its_options(folder: Path) -> None:
    (folder / "own.toml").write_text('[base.network]\nbuild = "my_model:build"\n[variants.a]\n')
    words = ["run", str(folder / "own.toml"), "--data", "small", "--epochs", "1", "--seeds", "1"]
    words += ["--vary", "network.options.units=2,3", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "experiments", *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    names = [variant["name"] for variant in json.loads(done.stdout)["variants"]]
    assert names == ["options.units=2", "options.units=3"]
    shown = CliRunner().invoke(main, ["compare", "latest"])
    assert shown.exit_code == 0
    pytest.importorskip("onnxruntime")
    words = ["export", "latest", "--format", "onnx", "-o", str(folder / "a.onnx")]
    exported = CliRunner().invoke(main, words)
    assert exported.exit_code == 0, exported.output
