"""`python -m data import`: what it prints, and that sentences are what goes wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

from data.cli.main import main
from data.storage import catalogue
from tests.conftest import small_dataset


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def _archive(path: Path, **more: np.ndarray) -> Path:
    rng = np.random.default_rng(0)
    tracks = np.arange(48) // 4
    np.savez(path, X=rng.random((48, 64, 9)), y=tracks % 2, **more)
    return path


def test_what_was_taken_for_what(tmp_path: Path) -> None:
    path = _archive(tmp_path / "Some Mels.npz", track_ids=np.arange(48) // 4)
    result = _run("import", path, "--classes", "rock, pop", "--shares", "50/25/25")
    assert result.exit_code == 0, result.output
    assert "X: images of 64 time steps x 9 features; the first axis of a row" in result.stdout
    assert "so use --transpose if it is." in result.stdout
    assert "features imported images (64 x 9)\n" in result.stdout
    assert "arrays of others, Some Mels.npz; split by chance (50/25/25 per cent of the tracks" in (
        result.stdout
    )
    assert "some-mels: segments" in result.stdout
    assert "Warning" not in result.output
    shown = _run("show", "some-mels")
    assert "imported images (64 x 9)" in shown.stdout
    assert "MFCC" not in shown.stdout


def test_rows_without_tracks(tmp_path: Path) -> None:
    path = _archive(tmp_path / "x.npz")
    result = _run("import", path, "--classes", "rock,pop")
    assert "Warning: " in result.stdout
    assert "single rows were split by chance: the test measures memory" in result.stdout
    assert "of the rows, seed 0" in result.stdout


def test_columns_of_different_scales(tmp_path: Path) -> None:
    rows = [f"{n * 1e-5},{n * 1e6},{'rock' if n % 2 else 'pop'},{n}" for n in range(12)]
    (tmp_path / "x.csv").write_text("\n".join(["a,b,genre,file", *rows]))
    result = _run("import", tmp_path / "x.csv")
    assert result.stdout.endswith("run studies with --vary network.standardize=true.\n")


def test_wrong_input_is_a_sentence(tmp_path: Path) -> None:
    path = _archive(tmp_path / "x.npz")
    for arguments, words in (
        ([path], "numbers its classes from 0 to 1"),
        ([path, "--classes", tmp_path / "none"], "cannot be read as a file of classes, one name"),
        ([path, "--columns", "label"], "expected WHAT=NAME"),
        ([path, "--columns", "colour=x"], "columns must give the names of features"),
        ([path, "--shares", "1/2"], "expected three per cents"),
        ([tmp_path / "none.npz"], "there is no file or folder"),
        ([tmp_path / "\x1b[2J"], "there is no file or folder"),
    ):
        result = _run("import", *arguments)
        assert result.exit_code == 2, result.output
        assert words in result.stderr
        assert "\x1b" not in result.output
    assert catalogue.names() == []
    catalogue.add(small_dataset("x"), replace=False)
    result = _run("import", path, "--classes", "rock,pop")
    assert result.exit_code == 2
    assert "there is a dataset 'x' already" in result.stderr
    assert _run("import", path, "--classes", "rock,pop", "--replace").exit_code == 0
