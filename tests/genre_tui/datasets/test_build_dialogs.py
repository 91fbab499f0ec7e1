"""Datasets that are made of a folder: the form, the process, and leaving it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Button, Input

from data.storage import catalogue, hdf5
from genre_tui.datasets.build_dialogs import BuildDialog, BuildForm
from genre_tui.datasets.dataset_build import BuildSource, inspect_folder
from genre_tui.datasets.screen import DataPage
from genre_tui.model import dataset_rows
from tests.conftest import small_dataset
from tests.genre_tui.support.app_driver import SIZES, Driver, run_app


@pytest.fixture(autouse=True)
def stored() -> None:
    """A dataset that is there already."""
    hdf5.save(small_dataset("mine"), catalogue.path_of("mine"))


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    """A folder of arrays."""
    folder = tmp_path / "Some Arrays"
    for split, rows in (("train", 8), ("val", 4), ("test", 4)):
        place = folder / split / "mfccs"
        place.mkdir(parents=True)
        np.save(place / "X.npy", np.random.default_rng(rows).standard_normal((rows, 26)))
        np.save(place / "labels.npy", np.array(["blues", "rock"] * (rows // 2)))
    return folder


def test_what_a_folder_holds_is_told(
    arrays: Path, recordings: Callable[..., Path], tmp_path: Path
) -> None:
    source, problems = inspect_folder(str(arrays), "")
    assert problems == {}
    assert source is not None
    assert (source.name, source.is_arrays) == ("some-arrays", True)
    assert source.about == "Arrays of train, val, test, without mel."
    assert source.arguments == ["data", "import", str(arrays), "--name", "some-arrays"]
    music = recordings({"blues": 2, "rock": 1})
    (music / "notes.txt").touch()
    source, problems = inspect_folder(str(music), " new ")
    assert source is not None
    assert (source.name, source.is_arrays) == ("new", False)
    assert source.about == "3 recordings in 2 genres: blues, rock."
    assert source.command == f"python -m data build {music} --name new"


def test_what_others_have_extracted_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "Some Rows.npz", X=np.zeros((6, 5)), y=np.arange(6))
    source, problems = inspect_folder(str(tmp_path / "Some Rows.npz"), "")
    assert problems == {}
    assert source is not None
    assert (source.name, source.is_arrays) == ("some-rows", True)
    assert source.about == "Arrays: X (6, 5), y (6)."
    (tmp_path / "folder" / "train").mkdir(parents=True)
    np.save(tmp_path / "folder" / "train" / "X.npy", np.zeros((6, 5)))
    source, _ = inspect_folder(str(tmp_path / "folder"), "new")
    assert source is not None
    assert source.about == "Arrays: train/X (6, 5)."
    (tmp_path / "features.csv").touch()
    source, _ = inspect_folder(str(tmp_path / "features.csv"), "")
    assert source is not None
    assert source.command.endswith("features.csv --name features")
    (tmp_path / "notes.md").touch()
    source, problems = inspect_folder(str(tmp_path / "notes.md"), "")
    assert source is None
    assert "is no .npy, .npz, HDF5 or JSON file of arrays" in problems["folder"]


@pytest.mark.parametrize(
    ("folder", "name", "entry", "messages"),
    [
        ("gone", "new", "folder", "there is no folder"),
        ("", "new", "folder", ""),
        ("empty", "new", "folder", "has no recordings"),
        ("music", "mine", "name", "there is a dataset 'mine' already"),
        ("music", "demo", "name", "belongs to the built-in dataset"),
        ("music", "Mine", "name", "lower-case letters"),
    ],
)
def test_what_cannot_be_made_is_told(
    folder: str,
    name: str,
    entry: str,
    messages: str,
    recordings: Callable[..., Path],
    tmp_path: Path,
) -> None:
    recordings({"blues": 1, "rock": 1})
    recordings({"blues": 1}, name="one")
    (tmp_path / "empty").mkdir()
    source, problems = inspect_folder(folder and str(tmp_path / folder), name)
    assert source is None
    assert list(problems) == [entry]
    assert messages in problems[entry]
    assert "folder" in inspect_folder(str(tmp_path / "one"), "new")[1]  # one genre only


def test_a_large_folder_is_not_walked_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genre_tui.datasets.dataset_build._MOST_FILES", 5)
    for genre in ("a", "b", "c"):
        (tmp_path / "many" / genre).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "many" / genre / f"{number}.wav").touch()
    source, _ = inspect_folder(str(tmp_path / "many"), "new")
    assert source is not None
    assert (
        source.about
        == f"{tmp_path / 'many'} has more than 5 files. They are looked at when it is made."
    )


@SIZES
def test_a_folder_is_imported(tmp_path: Path, size: tuple[int, int], arrays: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, size, "data") as user:
            await user.press("i")
            form = user.app.screen
            assert isinstance(form, BuildForm)
            assert form.query_one("#make", Button).disabled
            form.query_one("#folder", Input).value = f"{arrays}x"
            await user.sees("! there is no folder")
            form.query_one("#folder", Input).value = str(arrays)
            await user.sees("It will be called some-arrays.", "python -m data import")
            await user.press("tab")
            await user.type("demo")
            await user.sees("! the name 'demo' belongs to the built-in dataset")
            assert form.query_one("#make", Button).disabled
            await user.press("ctrl+u", *"new")
            await user.press("ctrl+s")  # before it was checked
            await user.wait_until(lambda: isinstance(user.app.screen, BuildDialog))
            await user.sees("new is made.", "Esc closes", "sha256")
            await user.press("escape")
            await user.sees("8/4/4")
            assert user.page(DataPage).line == dataset_rows.read_datasets().line(
                "new"
            )  # the cursor is on it

    asyncio.run(flow())


@pytest.fixture
def talker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A process that stands for one that makes a dataset; ends when a file appears."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    end = tmp_path / "end"
    (tmp_path / "talker.py").write_text(
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "print('reading recordings:  40%', file=sys.stderr, flush=True)\n"
        f"while not os.path.exists({str(end)!r}): time.sleep(0.01)\n"
        f"sys.exit(open({str(end)!r}).read() or 0)\n"
    )
    monkeypatch.setattr(BuildSource, "arguments", property(lambda self: ["talker"]))
    return end


async def _make(user: Driver, folder: Path) -> None:
    await user.press("i")
    form = user.app.screen
    assert isinstance(form, BuildForm)
    form.query_one("#folder", Input).value = str(folder)
    await user.wait_until(lambda: not form.query_one("#make", Button).disabled)
    await user.press("ctrl+s")
    await user.sees("reading recordings:  40%", "l leaves it running, Esc stops it")


def test_making_goes_on_when_it_is_left(tmp_path: Path, arrays: Path, talker: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, first="data") as user:
            await _make(user, arrays)
            await user.press("l")
            assert user.app.screen is user.page(DataPage)
            await user.sees("making some-arrays: reading recordings:  40% (i shows it)")
            await user.press("i")
            assert isinstance(user.app.screen, BuildDialog)
            await user.press("l", "1")
            talker.write_text("Error: the disk is full.")
            await user.notified("some-arrays was not made: the disk is full.")
            await user.press("6")
            await user.wait_until(lambda: "i shows it" not in user.text)
            await user.press("i")
            assert isinstance(user.app.screen, BuildForm)  # the next one

    asyncio.run(flow())


@SIZES
def test_long_lines_are_wrapped_whole(
    tmp_path: Path, size: tuple[int, int], arrays: Path, talker: Path
) -> None:
    words = [f"w{number}" for number in range(10000, 10030)]

    async def flow() -> None:
        async with run_app(tmp_path, size, "data") as user:
            await _make(user, arrays)
            talker.write_text(f"{' '.join(words)}\nError: the disk is full.")
            await user.sees(*words, "some-arrays was not made: the disk is full.")

    asyncio.run(flow())


def test_escape_asks_before_it_cancels(tmp_path: Path, arrays: Path, talker: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, first="data") as user:
            await _make(user, arrays)
            await user.press("escape")
            await user.sees("Stop making some-arrays?", "no dataset yet: nothing is written.")
            await user.press("escape")
            assert isinstance(user.app.screen, BuildDialog)
            await user.press("escape", "y")
            await user.sees("some-arrays was cancelled: nothing is written.", "Esc closes")
            await user.press("escape")
            assert user.app.screen is user.page(DataPage)

    asyncio.run(flow())


def test_the_program_ends_while_a_dataset_is_made(
    tmp_path: Path, arrays: Path, talker: Path
) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, first="data") as user:
            await _make(user, arrays)
            build = user.page(DataPage)._build
            assert build is not None
            process = build._process
            await user.press("l", "q")
        assert process is not None
        assert process.poll() is None  # it goes on
        talker.touch()
        assert process.wait(20) == 0

    asyncio.run(flow())


@pytest.mark.slow
def test_recordings_are_built(tmp_path: Path, recordings: Callable[..., Path]) -> None:
    folder = recordings({"blues": 4, "rock": 4}, seconds=3.0)

    async def flow() -> None:
        async with run_app(tmp_path, first="data") as user:
            await user.press("i")
            user.app.screen.query_one("#folder", Input).value = str(folder)
            await user.sees("8 recordings in 2 genres: blues, rock.")
            await user.press("ctrl+s")
            await user.wait_until(lambda: "music is made." in user.text)
            assert "music" in catalogue.names()

    asyncio.run(flow())
