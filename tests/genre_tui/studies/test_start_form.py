"""The form that starts a run, as a user drives it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input, Select

from data.storage import catalogue, hdf5
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.studies import STUDIES
from genre_tui.studies import start_form
from genre_tui.studies.run_request import RunRequest
from genre_tui.studies.start_form import StartForm
from genre_tui.widgets.form import FormCheckbox, FormRadio
from tests.conftest import small_dataset
from tests.genre_tui.support.app_driver import SIZES, Driver, run_app
from tests.support.recorded_runs import record

pytestmark = pytest.mark.usefixtures("own_folder")


def _form(user: Driver) -> StartForm:
    assert isinstance(user.app.screen, StartForm)
    return user.app.screen


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[RunRequest]:
    """Orders that were launched; the run that comes of each was recorded."""
    orders: list[RunRequest] = []

    def start_run(request: RunRequest, dataset: Any, runs: Path, say: Any) -> RunDirectory:
        orders.append(request)
        return record(runs, STUDIES[request.study], "documented", name="20260203T030405Z-abcdef")

    monkeypatch.setattr(start_form, "start_run", start_run)
    hdf5.save(small_dataset(), catalogue.path_of("small"))
    hdf5.save(small_dataset(mel=False), catalogue.path_of("plain"))
    return orders


@SIZES
def test_a_run_is_started_as_the_form_says(
    tmp_path: Path, size: tuple[int, int], launched: list[RunRequest]
) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, size, data="small") as user:
            await user.press("n")
            form = _form(user)
            await user.sees("small  96 rows, MFCC and mel", "1 trial: roughly")
            await user.press("tab", "right")  # controlled
            await user.sees("(o) controlled", "[ ] quick", "default: 5", "default: 30")
            await user.press("tab", "space", "tab")
            await user.sees("[x] quick", "default: 3", "Quick version")
            await user.type("2")
            await user.press("enter")  # the next field
            await user.type("7")
            await user.wait_until(lambda: (found := form.checked) and not found.problems)
            await user.sees("run ffn-baseline --data small --protocol controlled", "--seeds 2")
            await user.press("ctrl+y")
            await user.sees("Copied the command line.")
            command = user.app.clipboard
            assert "--quick --seeds 2 --epochs 7" in command
            assert form.query_one("#start", Button).disabled is False
            await user.press("ctrl+s")
            await user.wait_until(lambda: user.app.current_mode == "run")
            (request,) = launched
            assert request.command(tmp_path) == command
            assert user.app.session.run is not None
            assert user.app.session.run.path.name == "20260203T030405Z-abcdef"

    asyncio.run(flow())


def test_what_is_wrong_stands_below_and_nothing_starts(
    tmp_path: Path, launched: list[RunRequest]
) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, data="plain") as user:
            await user.press("down", "n")
            form = _form(user)
            await user.sees("plain  96 rows, MFCC only", "! plain has no mel-spectrograms")
            start = form.query_one("#start", Button)
            assert start.disabled
            await user.press("ctrl+s")
            assert form.focused is form.query_one("#data", Select)  # what has to change
            form.query_one("#data", Select).value = "small"
            await user.wait_until(lambda: not start.disabled)
            assert "mel-spectrograms" not in user.text
            form.query_one("#seeds", Input).focus()
            await user.type("1x")
            await user.sees("! seeds must be a whole number from 1 to 1000, or empty.")
            await user.press("ctrl+s", "ctrl+y")
            await user.sees("There is no command line until the form is right.")
            await user.press("backspace")
            await user.wait_until(lambda: not start.disabled)
            assert launched == []

    asyncio.run(flow())


def test_a_key_pressed_before_the_form_was_checked_counts(
    tmp_path: Path, launched: list[RunRequest]
) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, data="small") as user:
            await user.press("n", "ctrl+s")
            await user.wait_until(lambda: user.app.current_mode == "run")
            assert [request.data for request in launched] == ["small"]

    asyncio.run(flow())


def test_a_run_that_is_refused_leaves_the_form_as_it_was(
    tmp_path: Path, launched: list[RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RunError("there is no GPU that torch can use.")

    monkeypatch.setattr(start_form, "start_run", refuse)

    async def flow() -> None:
        async with run_app(tmp_path, data="small") as user:
            await user.press("n")
            form = _form(user)
            await user.wait_until(lambda: form.checked)
            form.query_one("#device", FormRadio).value = "cuda"
            form.query_one("#seeds", Input).value = "4"
            await user.press("ctrl+s")
            await user.sees("! there is no GPU that torch can use.", "--device cuda")
            assert form.query_one("#seeds", Input).value == "4"
            assert not form.query_one("#start", Button).disabled

    asyncio.run(flow())


def test_a_form_that_was_closed_is_told_of_in_a_corner(
    tmp_path: Path, launched: list[RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    at_once = start_form.start_run

    def start_run(request: RunRequest, dataset: Any, runs: Path, say: Any) -> RunDirectory:
        say("making the demo music ...")
        goes_on.wait(30)
        if request.study == "device":
            raise RunError("the disk is full.")
        return at_once(request, dataset, runs, say)

    monkeypatch.setattr(start_form, "start_run", start_run)

    async def flow() -> None:
        async with run_app(tmp_path, data="small") as user:
            for keys, reported in (
                (["home"], "Started ffn-baseline/"),
                (["end"], "the disk is full."),
            ):
                goes_on.clear()
                await user.press(*keys, "n", "ctrl+s")
                await user.sees("making the demo music ...")
                await user.press("ctrl+s", "escape")  # a second time starts nothing
                goes_on.set()
                await user.notified(reported)
                assert user.app.current_mode == "studies"
            assert len(launched) == 1

    asyncio.run(flow())


def test_further_variants_and_values_are_asked_for(
    tmp_path: Path, launched: list[RunRequest]
) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, (140, 45), data="small") as user:
            await user.press("down", "down", "n")
            form = _form(user)
            form.query_one("#extended", FormCheckbox).value = True
            await user.sees("16 trials", "--extended")
            form.query_one("#variants", Input).value = "adam,b-sgd"
            form.query_one("#vary", Input).value = "training.batch_size=16,32"
            await user.sees("4 trials", "--variants adam,b-sgd --vary training.batch_size=16,32")
            await user.press("escape")
            assert user.app.screen is user.app.screen_stack[0]
            assert launched == []

    asyncio.run(flow())


def test_a_dataset_that_is_not_there_is_to_be_chosen(
    tmp_path: Path, launched: list[RunRequest]
) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, data="gone") as user:
            await user.press("n")
            await user.sees("choose a dataset", "! choose a dataset.")
            assert _form(user).query_one("#start", Button).disabled
            await user.press("enter")  # opens the list
            await user.sees("demo  5376 rows, MFCC and mel, made on first use")
            await user.press("down", "enter")
            await user.wait_until(lambda: "! choose" not in user.text)

    asyncio.run(flow())


def test_forms_and_cards_need_no_heavy_packages(tmp_path: Path) -> None:
    hdf5.save(small_dataset(), catalogue.path_of("small"))
    (tmp_path / "music" / "blues").mkdir(parents=True)
    script = f"""
import asyncio, sys
from pathlib import Path
from tests.genre_tui.support.app_driver import run_app

async def flow():
    async with run_app(Path({str(tmp_path)!r}), data="small") as user:
        await user.press("n")
        await user.sees("1 trial: roughly")
        await user.press("escape", "6", "down")
        await user.sees("sha256")
        await user.press("i")
        user.app.screen.query_one("#folder").value = {str(tmp_path / "music")!r}
        await user.sees("has no recordings")
asyncio.run(flow())
print(sorted({{"torch", "keras", "sklearn", "scipy"}} & set(sys.modules)))
"""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.split("\n")[-2] == "[]"
