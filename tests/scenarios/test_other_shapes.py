"""Studies of datasets whose segments and features are not the documented ones."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from data import load_dataset
from data.cli.main import main as data_main
from data.datasets.dataset import Dataset
from data.errors import DataError
from data.storage import catalogue
from experiments import RunError, Study, Variant, run_study
from experiments.cli.main import main
from experiments.design.study import Budget
from networks import CNNConfig, FFNConfig, TrainingConfig, evaluate, fit
from networks.inference import probabilities_of
from tests.conftest import small_dataset

Recordings = Callable[..., Path]
TRAINING = TrainingConfig("adam", 1e-3, epochs=2)
CNN = CNNConfig(filters=(2,) * 5, dense=(8,))  # of 21 frames five convolutions leave nothing
STUDY = Study(
    "shapes",
    "Do networks take their shapes from the dataset?",
    "",
    (Variant("ffn", FFNConfig(standardize=True), TRAINING), Variant("cnn", CNN, TRAINING)),
    Budget(2, (1e-3,)),
)


@pytest.fixture
def built(recordings: Recordings) -> Dataset:
    """Three-second segments with 64 mel bands and 20 MFCCs."""
    folder = recordings({"blues": 4, "jazz": 4, "rock": 4}, seconds=9.5)
    arguments = ["build", str(folder), "--name", "long", "--workers", "1"]
    arguments += ["--seconds", "3", "--mels", "64", "--mfcc", "20"]
    result = CliRunner().invoke(data_main, arguments)
    assert result.exit_code == 0, result.output
    assert "long: 3-second segments" in result.stdout
    assert "MFCC statistics (40), mel-spectrograms (61 x 64); frames of 400" in result.stdout
    return load_dataset("long")


@pytest.mark.usefixtures("forked_workers")
def test_a_study_takes_its_shapes_from_the_dataset(built: Dataset, tmp_path: Path) -> None:
    assert built.shapes == {"mfcc": (40,), "mel": (61, 64)}
    run = run_study(STUDY, data="long")
    assert {row["status"] for row in run.trials.to_rows()} == {"finished"}
    manifest = json.loads((run.path / "run.json").read_text())
    assert manifest["dataset"]["shapes"] == {"mfcc": [40], "mel": [61, 64]}
    for variant, kind in (("ffn", "mfcc"), ("cnn", "mel")):
        model = run.load_model(variant, 42)
        assert model.input_shape == (None, *built.shapes[kind])
        rows = [row for row in run.table("predictions").to_rows() if row["variant"] == variant]
        found = probabilities_of(model, built.features(kind, "test"))[:, 1]
        np.testing.assert_allclose(found, [row["probability_jazz"] for row in rows], atol=1e-5)
    for command in (["report", run.name, "-o", str(tmp_path / "x.html")], ["show", run.name]):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, result.output


def test_what_nothing_is_left_of_is_refused_before_anything_trains(tmp_path: Path) -> None:
    catalogue.add(small_dataset(), replace=True)
    with pytest.raises(RunError) as caught:
        run_study(replace(STUDY, variants=STUDY.variants[1:]), data="small")
    assert str(caught.value).startswith(
        "the variant cnn cannot read these rows: nothing is left of the 21 x 128 image after "
        "convolution 5 of 5"
    )


def test_without_mfcc_statistics(tmp_path: Path) -> None:
    dataset = small_dataset()
    splits: dict[str, Any] = {
        split: replace(rows, mfcc=None, mel=rows.mel[:, :, :64])  # type: ignore[index]
        for split, rows in dataset.splits()
    }
    images = replace(dataset, name="images", parameters=None, **splits)
    catalogue.add(images, replace=True)
    with pytest.raises(DataError, match="images has no MFCC statistics, which feed-forward"):
        run_study(STUDY, data="images")
    study = replace(STUDY, variants=(Variant("cnn", CNNConfig((2,), dense=(8,)), TRAINING),))
    run = run_study(study, data="images")
    result = run.result
    assert [variant.n for variant in result.variants] == [1]
    assert "standardised means and deviations of mel bands" in result.baselines[1].what
    assert all(baseline.n for baseline in result.baselines)
    shown = CliRunner().invoke(main, ["show", run.name])
    assert "classifiers on the means and deviations of mel bands of the" in " ".join(
        shown.stdout.split()
    )
    audited = CliRunner().invoke(data_main, ["audit", "images"])
    assert audited.exit_code == 0, audited.output
    assert "images: 96 segments" in audited.stdout


@pytest.mark.parametrize(("network", "kind"), [(FFNConfig(), "mfcc"), (CNN, "mel")])
def test_networks_alone(network: FFNConfig | CNNConfig, kind: str) -> None:
    rng = np.random.default_rng(0)
    shape = (40,) if kind == "mfcc" else (61, 64)
    dataset = small_dataset()
    splits: dict[str, Any] = {}
    for split, rows in dataset.splits():
        values = rng.uniform(-80, 0, (len(rows), *shape))
        features: dict[str, Any] = {"mfcc": None, "mel": None, kind: values}
        splits[split] = replace(rows, **features)
    music = replace(dataset, parameters=None, **splits)
    trained = fit(network, TRAINING, music)
    assert trained.model.input_shape == (None, *shape)
    assert evaluate(trained, music.test).probabilities.shape == (24, 3)
