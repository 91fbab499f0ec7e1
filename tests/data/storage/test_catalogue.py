"""A dataset's name belongs to the process that makes it."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from data.cli.main import main
from data.errors import DataError
from data.files.user_folders import data_folder
from data.sources import demo
from data.storage import catalogue
from tests.conftest import small_dataset

HOLD = """
import time
from data.storage.catalogue import making
with making("small", replace=True):
    print("made", flush=True)
    time.sleep(3600)
"""


def test_a_name_is_made_by_one_process_at_a_time() -> None:
    with catalogue.making("small", replace=False):
        for replace in (False, True):
            with pytest.raises(DataError, match="another process is making"):
                catalogue.add(small_dataset(), replace=replace)
        catalogue.add(small_dataset("other"), replace=False)
    catalogue.add(small_dataset(), replace=False)
    with catalogue.making("small", replace=True):
        result = CliRunner().invoke(main, ["remove", "small", "--yes"])
        assert result.exit_code == 2
        assert "another process is making or removing the dataset 'small'" in result.output
    assert sorted(path.name for path in data_folder().iterdir()) == ["other.h5", "small.h5"]
    catalogue.remove("small")
    assert catalogue.names() == ["other"]


def _leave_unfinished(name: str) -> Path:
    folder = catalogue.unfinished_folder(catalogue.path_of(name))
    folder.mkdir(parents=True)
    (folder / "1.rows").write_bytes(bytes(2_000_000))
    return folder


def test_an_unfinished_dataset_is_listed_and_can_be_removed() -> None:
    catalogue.add(small_dataset(), replace=False)
    folder = _leave_unfinished("big")
    assert catalogue.unfinished() == {"big": 2_000_000}
    assert catalogue.names() == ["small"]
    listed = CliRunner().invoke(main, ["list"])
    assert "big is not finished (2.0 MB)" in listed.output
    removed = CliRunner().invoke(main, ["remove", "big"], input="y\n")
    assert "Delete big (2.0 MB)?" in removed.output
    assert "big is gone." in removed.output
    assert not folder.exists()
    assert CliRunner().invoke(main, ["remove", "big", "--yes"]).exit_code == 2


def test_an_unfinished_dataset_goes_with_its_namesake() -> None:
    catalogue.add(small_dataset(), replace=False)
    folder = _leave_unfinished("small")
    catalogue.remove("small")
    assert not folder.exists()
    folder = _leave_unfinished("small")
    catalogue.add(small_dataset(), replace=False)
    assert not folder.exists()
    assert catalogue.names() == ["small"]


def test_what_a_killed_process_was_writing_is_removed() -> None:
    catalogue.add(small_dataset(), replace=False)
    half, other = (data_folder() / f".{name}.0123abcd.tmp" for name in ("small.h5", "small.h5.h5"))
    half.touch()
    other.touch()
    catalogue.add(small_dataset(), replace=True)
    assert not half.exists()
    assert other.exists()


def test_what_another_process_made_meanwhile_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def make_meanwhile(file: int, kind: int) -> None:
        catalogue.hdf5.save(small_dataset(rows=60), catalogue.path_of("small"))

    monkeypatch.setattr(catalogue.fcntl, "flock", make_meanwhile)
    with pytest.raises(DataError, match="there is a dataset 'small' already"):
        catalogue.add(small_dataset(), replace=False)


def test_the_name_of_a_killed_process_is_free() -> None:
    command = [sys.executable, "-c", HOLD]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "made\n"
            with pytest.raises(DataError, match="another process is making"):
                catalogue.add(small_dataset(), replace=True)
        finally:
            process.kill()
    catalogue.add(small_dataset(), replace=False)
    assert [path.name for path in data_folder().iterdir()] == ["small.h5"]


def test_the_demo_that_another_process_makes_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    monkeypatch.setattr(demo, "_make", lambda target, workers: made.append(target))
    monkeypatch.setattr(demo, "_is_made", lambda path: path in made)
    with catalogue.only_process("demo"):
        waiting = Thread(target=demo.ensure_demo)
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        made.append(catalogue.path_of("demo"))
    waiting.join(60)
    assert made == [catalogue.path_of("demo")]


def test_the_demo_is_removed_and_made_again() -> None:
    missing = CliRunner().invoke(main, ["remove", "demo", "--yes"])
    assert missing.exit_code == 2
    assert "'demo' has no file yet: it is made on first use" in missing.output
    catalogue.hdf5.save(small_dataset(), catalogue.path_of("demo"))
    removed = CliRunner().invoke(main, ["remove", "demo", "--yes"])
    assert removed.output == (
        "demo is gone. It is made again when it is needed. The default is demo.\n"
    )


def test_tracks_of_the_demo_need_a_folder() -> None:
    result = CliRunner().invoke(main, ["demo", "--tracks", "3"])
    assert result.exit_code == 2
    assert "--tracks counts WAV files: name their folder with --wav." in result.output


def test_a_dataset_that_was_made_anew_while_its_removal_was_asked_for_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    catalogue.add(small_dataset(), replace=False)

    def confirm(question: str) -> None:
        catalogue.add(small_dataset(rows=96), replace=True)

    monkeypatch.setattr("data.cli.main.confirm", confirm)
    kept = CliRunner().invoke(main, ["remove", "small"])
    assert kept.exit_code == 2
    assert "small was made anew meanwhile" in kept.output
    assert catalogue.path_of("small").exists()
