"""The screen Studies, as a user drives it."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.runs.directory import RunDirectory
from experiments.studies import STUDIES
from genre_tui.studies.screen import StudiesPage
from genre_tui.studies.start_form import StartForm
from genre_tui.watch.messages import RunsListed
from genre_tui.watch.run_summary import RunSummary
from genre_tui.widgets.form import FormRadio
from tests.genre_tui.support.app_driver import SIZES, Driver, run_app
from tests.support import raw_records
from tests.support.recorded_runs import record

pytestmark = pytest.mark.usefixtures("own_folder")

OWN = """
question = "Does a narrower network do?"
[variants.narrow]
network.hidden = [8]
[variants.narrower]
network.hidden = [4]
"""


def _form(user: Driver) -> StartForm:
    assert isinstance(user.app.screen, StartForm)
    return user.app.screen


def _summary(runs: Path, state: Any, share: float = 0.4, study: str = "optimizers") -> RunSummary:
    run = RunDirectory(runs / study / "20260203T030405Z-abcdef")
    about = ("documented", "mine", state, "", 1, 5, share)
    return RunSummary(run, study, *about, best=None, curve=(), created="20260203T030405Z", host="")


@SIZES
def test_all_studies_are_shown_with_what_they_take(tmp_path: Path, size: tuple[int, int]) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, size) as user:
            await user.sees(*STUDIES, "5 / 100", "74.06", "62.14 (B)")
            await user.wait_until(
                lambda: user.text.count(" / ~") == len(STUDIES)
            )  # all are forecast
            assert "Which optimizer gives" not in user.text or size[0] > 80
            await user.press("down", "down")
            await user.sees("Which optimizer gives the best validation macro-F1?")
            await user.sees("documented: 5 trials, roughly", "controlled: 100 trials, roughly")
            assert ("b-nadam" in user.text) == (size[0] > 80)  # the variants stand beside it
            assert user.page(StudiesPage).copyable() == "python -m experiments run optimizers"

    asyncio.run(flow())


def test_enter_opens_all_about_it_and_n_starts_it(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path) as user:
            await user.press("down", "down", "enter")
            await user.sees("What the source found: Adam 74.1 %", "Cost: 70 epochs")
            await user.press("end")
            await user.sees("b-nadam", "extended, documented", "23.55", "n starts it, Esc closes")
            await user.press("escape")
            assert user.app.screen is user.page(StudiesPage)
            await user.press("enter", "n")
            assert _form(user)

    asyncio.run(flow())


def test_the_last_result_here_is_the_best_variants(tmp_path: Path) -> None:
    study = STUDIES["batch-norm"]
    worse, better = (variant.name for variant in study.of("documented"))
    skills = {worse: 0.3, better: 0.95}

    def record_on(dataset: str, name: str) -> None:
        record(
            tmp_path,
            study,
            "documented",
            dataset=dataset,
            skill=lambda variant, _: skills[variant],
            name=name,
        )

    record_on("mine", "20260102T030405Z-abc123")
    record_on("older", "20260101T000000Z-000000")

    async def flow() -> None:
        async with run_app(tmp_path) as user:
            user.app.refresh_runs()
            user.page(StudiesPage).go_to("batch-norm")
            await user.wait_until(lambda: (line := user.page(StudiesPage).line) and line.last)
            line = user.page(StudiesPage).line
            assert line is not None
            assert line.last is not None
            assert line.last.accuracy is not None
            assert line.last.accuracy > 85
            await user.sees(f"{line.last.accuracy:.2f} mine", "Last here: accuracy", "3 seeds")
            assert f"of {better}, the best on validation" in line.last.sentence
            assert "older" not in user.text

    asyncio.run(flow())


def test_a_damaged_result_says_so(tmp_path: Path) -> None:
    run = record(tmp_path, protocol="documented")

    async def flow() -> None:
        async with run_app(tmp_path) as user:
            await user.wait_until(lambda: (line := user.page(StudiesPage).line) and line.last)
            facts = raw_records.read_run(run)
            raw_records.write_run(run, facts | {"question": 3})
            page = user.page(StudiesPage)
            page._results.clear()
            page._read_next()
            await user.sees("Last here:", "damaged")

    asyncio.run(flow())


def test_a_run_that_goes_on_is_shown_and_drawn_in_place(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path) as user:
            await user.sees("5 / 100")
            page = user.page(StudiesPage)
            page.runs_updated(RunsListed((_summary(tmp_path, "running"),), complete=True))
            await user.sees("▶ 40 %")
            page.runs_updated(RunsListed((_summary(tmp_path, "running", 0.5),), complete=True))
            await user.sees("▶ 50 %")
            await user.press("down", "down")
            await user.sees("Now: ▶ running, documented protocol on mine")
            page.runs_updated(RunsListed((_summary(tmp_path, "crashed"),), complete=True))
            await user.sees("! crashed")
            assert "Now:" not in user.text

    asyncio.run(flow())


def test_studies_of_ones_own_are_listed_and_damaged_ones_say_so(
    tmp_path: Path, own_folder: Path
) -> None:
    (own_folder / "narrow.toml").write_text(OWN)
    (own_folder / "wrong.toml").write_text("[variants.a]\nnetwork.hiden = [8]\n")
    (own_folder / "torn.toml").write_text('[variants.a\nname = "')
    (own_folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")

    async def flow() -> None:
        async with run_app(tmp_path, (140, 45)) as user:
            await user.sees("narrow.toml", "Does a narrower network do?", "2 / 40")
            await user.sees("? wrong.toml", "? torn.toml", "torn.toml is no valid TOML")
            assert "pyproject" not in user.text
            await user.press("end")
            await user.sees("network.hiden: there is no such field. Did you mean 'hidden'?")
            await user.press("n")
            await user.notified("wrong.toml: variants.a: network.hiden: there is no such field.")
            assert user.app.screen is user.page(StudiesPage)
            (own_folder / "wrong.toml").unlink()
            await user.press("2", "1")
            await user.wait_until(lambda: "wrong.toml" not in user.page(StudiesPage)._own)
            user.page(StudiesPage).go_to("narrow.toml")
            await user.press("n")
            form = _form(user)
            await user.wait_until(lambda: form.checked)
            assert form.query_one("#protocol", FormRadio).value == "controlled"  # as in the file
            await user.sees("run narrow.toml --data demo --protocol controlled", "40 trials")

    asyncio.run(flow())


def test_read_only_starts_nothing(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, read_only=True) as user:
            await user.press("n")
            await user.notified("nothing is started here")
            await user.press("m")
            await user.notified("nothing is measured here")

    asyncio.run(flow())


def test_times_are_measured_by_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from genre_tui.core.subprocess_command import CommandResult
    from genre_tui.studies import screen

    commands: list[list[str]] = []
    ends: list[Callable[[CommandResult], object]] = []

    class Recorded:
        def __init__(self, arguments: list[str]) -> None:
            commands.append(arguments)

        def start(self, ended: Callable[[CommandResult], object]) -> None:
            ends.append(ended)

        def cancel(self) -> None:
            ends.pop()(CommandResult(143, "", "", True))

    monkeypatch.setattr(screen, "SubprocessCommand", Recorded)

    async def flow() -> None:
        async with run_app(tmp_path) as user:
            await user.press("m")
            assert commands == [["experiments", "list", "--measure"]]
            await user.press("m")  # again ends it
            assert not ends
            await user.press("m")
            assert len(commands) == 2
            ends.pop()(CommandResult(2, "", "no memory.", False))
            await user.notified("no memory.")

    asyncio.run(flow())


def test_the_table_can_be_written(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path) as user:
            await user.wait_until(
                lambda: all(line.costs for line in user.page(StudiesPage).table.items)
            )
            rows = list(
                csv.DictReader(io.StringIO(user.page(StudiesPage).exportable()["studies.csv"]))
            )
            assert [row["study"] for row in rows] == list(STUDIES)
            assert rows[2]["trials_controlled"] == "100"
            assert rows[2]["documented_percent"] == "74.06"
            assert float(rows[2]["seconds_documented"]) > 1

    asyncio.run(flow())
