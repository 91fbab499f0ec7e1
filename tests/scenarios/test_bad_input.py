"""What a user gets for bad input, typed at the command line: one sentence, exit code 2."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from data.cli.main import main as data_main
from data.storage import catalogue
from experiments.cli.main import main as experiments_main
from tests.conftest import small_dataset


def _call(main: object, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])  # type: ignore[arg-type]


def _refused(main: object, *arguments: str | Path) -> str:
    result = _call(main, *arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "none"], "there is no dataset 'none'"),
        (["use", "none"], "there is no dataset 'none'"),
        (["remove", "none", "--yes"], "there is no dataset 'none'"),
        (["show", "../x"], "there is no dataset '../x'"),
        (["import", "/nowhere"], "there is no file or folder /nowhere"),
        (["build", "/nowhere"], "is no folder"),
        (["build", "/nowhere", "--merge", "x"], "expected CLASS=FOLDER,FOLDER"),
        (["build", "/nowhere", "--shares", "60/40"], "add up to 100"),
        (["build", "/", "--merge", "a=b"], "set name= (--name on"),
        (["build", "/nowhere", "--name", "x.h5"], "not ending in .h5"),
        (["build", "/nowhere", "--name", "demo"], "belongs to the built-in dataset"),
        (["build", "/nowhere", "--workers", "0"], "0 is not in the range"),
        (["frobnicate"], "No such command"),
        (["fetch", "--url", "ftp://127.0.0.1/x"], "http"),
    ],
)
def test_data(arguments: list[str], words: str) -> None:
    assert words in _refused(data_main, *arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "none"], "there is no study 'none'"),
        (["run", "ffn-baseline", "--data", "none"], "there is no dataset 'none'"),
        (["run", "ffn-baseline", "--data", "/nowhere/x.h5"], "there is no dataset file"),
        (["run", "ffn-baseline", "--protocol", "free"], "'free' is not one of"),
        (["run", "ffn-baseline", "--seeds", "0"], "0 is not in the range"),
        (["run", "ffn-baseline", "--epochs", "many"], "'many' is not a valid integer"),
        (["run", "ffn-baseline", "--device", "tpu"], "'tpu' is not one of"),
        (["run", "ffn-baseline", "--data", ""], "there is no dataset ''"),
        (["show", "none"], "there are no runs"),
        (["show", "x" * 300], "there are no runs"),
    ],
)
def test_experiments(arguments: list[str], words: str) -> None:
    assert words in _refused(experiments_main, *arguments)


def test_a_taken_name_is_not_overwritten(recordings: Callable[..., Path]) -> None:
    path = catalogue.add(small_dataset("mine"), replace=False)
    before = path.read_bytes()
    folder = recordings({"a": 3, "b": 3})
    assert "there is a dataset 'mine' already" in _refused(
        data_main, "build", folder, "--name", "mine"
    )
    assert path.read_bytes() == before


def test_a_mel_study_on_data_without_mel(own_places: Path) -> None:
    catalogue.add(small_dataset("flat", mel=False), replace=False)
    message = _refused(experiments_main, "run", "pooling-padding", "--data", "flat")
    assert "the dataset flat has no mel-spectrograms" in message
    assert not (own_places / "runs").exists()


def test_a_gpu_where_there_is_none() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    catalogue.add(small_dataset("small"), replace=False)
    message = _refused(
        experiments_main, "run", "ffn-baseline", "--data", "small", "--device", "cuda"
    )
    assert "--device cuda needs a GPU" in message
    message = _refused(
        experiments_main, "run", "ffn-baseline", "--data", "small", "--precision", "tf32"
    )
    assert "--precision tf32 is how NVIDIA GPUs multiply" in message


def test_a_corrupted_dataset() -> None:
    path = catalogue.add(small_dataset("small"), replace=False)
    path.write_bytes(path.read_bytes()[:5000])
    for main, *arguments in (
        (data_main, "show", "small"),
        (experiments_main, "run", "ffn-baseline", "--data", "small"),
    ):
        assert "damaged" in _refused(main, *arguments)
    listed = _call(data_main, "list")
    assert listed.exit_code == 0
    assert "unusable" in listed.output


def test_a_build_that_fails_leaves_nothing(
    recordings: Callable[..., Path], own_places: Path
) -> None:
    folder = recordings({"a": 3, "b": 3}, seconds=0.4)
    assert "none of the 6 recordings" in _refused(data_main, "build", folder, "--workers", "1")
    assert list((own_places / "datasets").iterdir()) == []


def test_arrays_with_pickles(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        place = tmp_path / split / "mfccs"
        place.mkdir(parents=True)
        np.save(place / "X.npy", np.zeros((4, 26)))
        np.save(place / "labels.npy", np.array([{}] * 4), allow_pickle=True)
    assert "pickled objects" in _refused(data_main, "import", tmp_path)


def test_a_name_in_the_wrong_case_is_guessed() -> None:
    catalogue.add(small_dataset("music"), replace=False)
    for arguments in (["show", "Music"], ["use", "Musik"]):
        assert "Did you mean 'music'?" in _refused(data_main, *arguments)


def test_a_default_that_is_removed_is_forgotten() -> None:
    catalogue.add(small_dataset("mine"), replace=False)
    assert _call(data_main, "use", "mine").exit_code == 0
    assert catalogue.default_name() == "mine"
    assert "The default is demo" in _call(data_main, "remove", "mine", "--yes").output
    catalogue.add(small_dataset("mine"), replace=False)
    assert catalogue.default_name() == "demo"


def test_one_genres_folder_instead_of_the_one_above(recordings: Callable[..., Path]) -> None:
    folder = recordings({"a": 3, "b": 3})
    assert "holds recordings itself" in _refused(data_main, "build", folder / "a", "--name", "x")


def test_what_is_passed_over_is_said(recordings: Callable[..., Path]) -> None:
    folder = recordings({"a": 3, "b": 3})
    (folder / "soul").mkdir()
    (folder / "soul" / "cover.jpg").touch()
    (folder / "a" / "notes").write_text("no audio")
    result = _call(data_main, "build", folder, "--workers", "1", "--name", "x")
    assert result.exit_code == 0, result.output
    assert "soul has no recordings, so it is no genre." in result.output
    assert "passed over: 1 .jpg, 1 without suffix." in result.output


def test_shares_beside_splits_csv(recordings: Callable[..., Path]) -> None:
    folder = recordings({"a": 3, "b": 3})
    (folder / "splits.csv").write_text("track,split\na/00,train\n")
    message = _refused(data_main, "build", folder, "--shares", "80/10/10")
    assert "splits are those of splits.csv" in message.replace("\n", " ")


def test_a_reader_that_has_seen_enough() -> None:
    for module in ("data", "experiments"):
        command = f"{sys.executable} -m {module} list | true; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_hostile_names_reach_the_terminal_harmless(
    recordings: Callable[..., Path],
) -> None:
    folder = recordings({"a": 4, "b": 3})
    (folder / "a" / "\x1b]52;c;ZXZpbA==\x07[red]\u202e.wav").write_text("no audio")
    result = _call(data_main, "build", folder, "--workers", "1", "--name", "x")
    assert result.exit_code == 0, result.output
    assert "[red]" in result.output
    for hidden in ("\x1b", "\x07", "\u202e"):
        assert hidden not in result.output
