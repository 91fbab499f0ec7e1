"""Keras runs on torch, whatever the user's variable and keras.json say, or is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

TRAIN = """
from networks import FFNConfig, build_model
import keras
print(keras.backend.backend(), build_model(FFNConfig(hidden=(2,)), 4).count_params())
"""


def _run(script: str, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=environment | {"KERAS_HOME": str(tmp_path)} | variables,
    )


def test_keras_runs_on_torch_whatever_its_file_says(tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))
    done = _run(TRAIN, tmp_path)
    assert (done.stdout, done.stderr) == ("torch 66\n", "")


def test_a_variable_that_names_another_backend_gives_one_warning(tmp_path: Path) -> None:
    done = _run(TRAIN, tmp_path, KERAS_BACKEND="tensorflow")
    assert done.stdout == "torch 66\n", done.stderr
    assert done.stderr.count("KERAS_BACKEND is tensorflow; the networks here train") == 1
    done = _run("from experiments import STUDIES", tmp_path, KERAS_BACKEND="tensorflow")
    assert done.stderr == ""


def test_keras_that_was_imported_before_on_another_backend_is_a_sentence(tmp_path: Path) -> None:
    script = """
import keras
keras.backend.backend = lambda: "tensorflow"
from experiments import load_run  # for those who only look
import networks
networks.FFNConfig()
for name in ("fit", "load_model", "build_model"):
    try:
        getattr(networks, name)
    except networks.ConfigError as error:
        print(error)
"""
    done = _run(script, tmp_path, KERAS_BACKEND="torch")
    assert done.stdout == 3 * (
        "networks train with Keras on torch. Received: Keras on tensorflow, as it was imported "
        "before this package. Import networks, or set KERAS_BACKEND=torch, before keras.\n"
    ), done.stderr
