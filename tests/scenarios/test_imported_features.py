"""Features that others have extracted, from their file to the result of a study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from data import import_dataset
from experiments import STUDIES
from experiments.cli.main import main
from experiments.design.variants import vary
from experiments.results.run_result import collect
from experiments.runs.directory import RunDirectory
from tests.support.inline_pool import run_inline

TRACKS = 24


def _table(path: Path) -> Path:
    """Three classes that one column of a small scale tells apart, beside one of a large scale."""
    rng = np.random.default_rng(0)
    lines = ["filename,length,centroid,energy,label"]
    for track in range(TRACKS):
        genre = ("blues", "pop", "rock")[track % 3]
        for segment in range(8):
            small = 1e-4 * (track % 3 + 0.1 * rng.standard_normal())
            name = f"{genre}.{track:05d}.{segment}.wav"
            lines.append(f"{name},66149,{1e6 * rng.standard_normal()},{small},{genre}")
    path.write_text("\n".join(lines))
    return path


def _images(path: Path) -> Path:
    """Two classes of images (n, 1, f, t), the second of which is louder."""
    track = np.repeat(np.arange(TRACKS), 4)
    shape = (len(track), 1, 17, 20)
    noise = np.random.default_rng(0).standard_normal(shape)
    values = noise + 4.0 * (track % 2)[:, None, None, None]
    np.savez(path, mels=values.astype(np.float16), y=np.eye(2)[track % 2], track_ids=track)
    return path


def _accuracy(run: RunDirectory) -> float:
    (variant,) = collect(run).variants
    return variant.accuracy.mean or 0.0


def test_a_table_trains_once_its_columns_are_standardised(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"--vary network.standardize=true"):
        music = import_dataset(_table(tmp_path / "features_3_sec.csv"), "table")
    study = replace(STUDIES["ffn-baseline"], variants=STUDIES["ffn-baseline"].variants[:1])
    study = vary(study, {"training.learning_rate": [0.02]})
    plain = run_inline(tmp_path / "plain", study, seeds=1, epochs=30, dataset=music)
    study = vary(study, {"network.standardize": [True]})
    run = run_inline(tmp_path / "standardised", study, seeds=1, epochs=30, dataset=music)
    assert _accuracy(run) > 0.9 > 0.5 > _accuracy(plain)
    shown = CliRunner().invoke(main, ["show", str(run.path)])
    assert shown.exit_code == 0, shown.output
    assert "simple classifiers on the imported columns of the same rows" in " ".join(
        shown.stdout.split()
    )
    assert "MFCC" not in shown.stdout.partition("protocol")[2]


@pytest.mark.parametrize("transpose", [False, True])
def test_images_of_another_shape_train(tmp_path: Path, transpose: bool) -> None:
    file = _images(tmp_path / "images.npz")
    music = import_dataset(file, "images", classes=["quiet", "loud"], transpose=transpose)
    assert music.shapes == {"mel": (20, 17) if transpose else (17, 20)}
    study = replace(STUDIES["pooling-padding"], variants=STUDIES["pooling-padding"].variants[1:])
    study = vary(study, {"training.learning_rate": [1e-3], "network.standardize": [True]})
    run = run_inline(tmp_path, study, seeds=1, epochs=4, dataset=music)
    assert _accuracy(run) > 0.9
