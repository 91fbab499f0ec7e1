"""A study from its start on a screen to its confusion matrix, with a run that is real."""

import asyncio
import csv
import io
import re
from itertools import chain
from pathlib import Path

import pytest

from data.storage import catalogue
from experiments.runs.directory import RunDirectory
from experiments.runs.listing import all_runs
from experiments.runs.lock import is_alive
from experiments.runs.state import state_of
from genre_tui.shell.base_page import BasePage
from genre_tui.studies.start_form import StartForm
from tests.conftest import small_dataset
from tests.genre_tui.support.app_driver import run_app
from tests.support import raw_records
from tests.support.inline_pool import events_of
from tests.support.processes import wait_until
from tests.support.pty_terminal import Terminal


@pytest.fixture(autouse=True)
def dataset(own_places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """96 rows of three genres, 24 of them to test on."""
    monkeypatch.setenv("GENRE_TUI_CACHE", str(own_places / "cache"))
    catalogue.add(small_dataset("mine", mel=False), replace=False)
    catalogue.use("mine")


def _counts(text: str) -> list[int]:
    """Of a confusion matrix as it is exported, row by row."""
    return [int(row["count"]) for row in csv.DictReader(io.StringIO(text))]


def _finished(run: RunDirectory) -> bool:
    return not is_alive(run) and state_of(run, run.read_manifest()).state == "finished"


def test_a_study_is_started_watched_and_read(own_places: Path) -> None:
    runs = own_places / "runs"

    async def flow() -> None:
        async with run_app(runs, (140, 45), refresh=0.2) as user:
            await user.sees("ffn-baseline")
            await user.press("n")
            assert isinstance(user.app.screen, StartForm)
            await user.sees("python -m experiments run ffn-baseline", "--data mine")
            await user.press("ctrl+s")
            await user.wait_until(lambda: user.page(BasePage).MODE == "run")
            await user.sees("✓ finished", "100 %")
            assert user.app.session.run is not None
            await user.press("4")
            await user.sees("24 rows")
            if "test rows" not in user.text:  # it was looked at before the test's figures came
                await user.press("b")
            await user.sees("test rows", "24 rows", "blues", "jazz", "rock")
            read = _counts(user.page(BasePage).exportable()["confusion.csv"])
            (run,) = all_runs(runs)
            (trial,) = run.read_manifest().trials
            result = raw_records.read_result(run, trial)
            assert result is not None
            assert read == list(chain(*result["test"]["confusion_matrix"]))
            assert all(re.search(rf"\b{count}\b", user.text) for count in read if count)
            assert f"accuracy {100 * result['test']['accuracy']:.1f} %" in user.text
            await user.press("2")
            await user.sees("✓ finished", "ffn-baseline", "mine")

    asyncio.run(flow())


def test_a_lost_terminal_ends_nothing_but_the_screens(own_places: Path) -> None:
    runs = own_places / "runs"
    with Terminal("genre_tui", "--refresh", "0.2") as terminal:
        terminal.wait_for("Quit")
        terminal.type("n")
        terminal.wait_for("Start")
        terminal.type("\x13")
        wait_until(lambda: all_runs(runs))
        (run,) = all_runs(runs)
        terminal.close()
        assert terminal.process.wait(30) in (-1, 129)
    wait_until(lambda: _finished(run))
    assert len(events_of(run, "run_began")) == 1
    with Terminal("genre_tui", "latest", size=(140, 45)) as terminal:
        terminal.wait_for("finished")
        terminal.read_for(1.0)
        terminal.type("4")
        assert re.search("24 rows", terminal.wait_for("24 rows"))
        terminal.type("q")
        assert terminal.wait_end() == 0
        assert b"goes on" not in terminal.seen
