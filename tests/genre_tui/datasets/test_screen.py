"""The screen Data, as a user drives it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from data.storage import catalogue, hdf5
from genre_tui.core.subprocess_command import CommandResult
from genre_tui.datasets import audits
from genre_tui.datasets.screen import DataPage
from genre_tui.shell.dialogs import ConfirmDialog
from tests.conftest import small_dataset
from tests.genre_tui.support.app_driver import SIZES, Driver, run_app

FOUND = {
    "findings": [
        {"severity": "fine", "sentence": "No copies.", "advice": "", "examples": []},
        {
            "severity": "leak",
            "sentence": "A track in two splits.",
            "advice": "Cut it.",
            "examples": ["a"],
        },
        {"severity": "warning", "sentence": "One \x1b[2Jrow.", "advice": "", "examples": []},
    ]
}


@pytest.fixture(autouse=True)
def stored() -> None:
    """Two datasets and a damaged one."""
    hdf5.save(small_dataset("mine"), catalogue.path_of("mine"))
    hdf5.save(small_dataset("plain", mel=False), catalogue.path_of("plain"))
    content = catalogue.path_of("mine").read_bytes()
    catalogue.path_of("torn").write_bytes(content[: len(content) // 2])


async def _at(user: Driver, name: str) -> None:
    """Go to a dataset."""
    await user.wait_until(lambda: user.page(DataPage)._datasets.line(name))
    user.page(DataPage).go_to(name)
    await user.pilot.pause()


@SIZES
def test_datasets_and_the_card_of_one_are_shown(tmp_path: Path, size: tuple[int, int]) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, size, "data") as user:
            await user.sees("* demo", "48/24/24", "? torn", "damaged", "on first use")
            await user.sees("Made on first use, in about half a minute: 5376 rows")
            await user.press("down")
            await user.sees(
                "blues", "segments", "test", "Not audited yet" if size[1] > 24 else "32"
            )
            await user.press("down", "down")
            await user.sees("HDF5")
            await user.press("u", "y")
            assert catalogue.default_name() == "demo"
            assert user.app.clipboard == "torn"
            await user.press("enter")
            assert user.app.focused is not None
            assert user.app.focused.id == "card"  # to scroll

    asyncio.run(flow())


def test_u_makes_it_the_default(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, first="data") as user:
            await _at(user, "plain")
            await user.press("u")
            await user.sees("* plain")
            assert "* demo" not in user.text
            assert catalogue.default_name() == "plain"

    asyncio.run(flow())


def test_x_asks_and_deletes(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, first="data") as user:
            await _at(user, "demo")
            await user.press("x")
            await user.notified("nothing to remove")
            await _at(user, "torn")
            await user.press("x")
            assert isinstance(user.app.screen, ConfirmDialog)
            await user.sees("Delete the dataset torn?", "Runs keep their results.")
            await user.press("escape")
            assert "torn" in catalogue.names()
            await user.press("x", "y")
            await user.wait_until(lambda: "? torn" not in user.text)
            assert catalogue.names() == ["mine", "plain"]

    asyncio.run(flow())


def test_one_that_is_made_anew_while_its_removal_is_asked_for_is_kept(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, first="data") as user:
            await _at(user, "plain")
            await user.press("x")
            await user.sees("Delete the dataset plain?")
            hdf5.save(small_dataset("plain", mel=False), catalogue.path_of("plain"))
            await user.press("y")
            await user.notified("was made anew meanwhile")
            assert "plain" in catalogue.names()

    asyncio.run(flow())


def test_a_dataset_that_vanished_is_a_sentence(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, first="data") as user:
            await _at(user, "plain")
            catalogue.path_of("plain").unlink()
            await user.press("u")
            await user.notified("there is no dataset 'plain'")
            await user.press("1", "6")
            await user.wait_until(lambda: user.page(DataPage)._datasets.line("plain") is None)

    asyncio.run(flow())


def test_read_only_changes_nothing(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, first="data", read_only=True) as user:
            await _at(user, "mine")
            for key, word in (("u", "changed"), ("x", "removed"), ("i", "made")):
                await user.press(key)
                await user.notified(f"nothing is {word} here")
            assert catalogue.names() == ["mine", "plain", "torn"]

    asyncio.run(flow())


def test_the_table_can_be_written(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, first="data") as user:
            await user.sees("? torn")
            rows = list(
                csv.DictReader(io.StringIO(user.page(DataPage).exportable()["datasets.csv"]))
            )
            assert [row["dataset"] for row in rows] == ["demo", "mine", "plain", "torn"]
            assert rows[1]["genres"] == "blues;jazz;rock"
            assert (rows[1]["train"], rows[1]["mel"], rows[2]["mel"]) == ("48", "1", "0")
            assert "damaged" in rows[3]["problem"]

    asyncio.run(flow())


class _Audit:
    """Stands for the process of an audit."""

    made: list[_Audit]

    def __init__(self, arguments: list[str], heard: Callable[[str], object]) -> None:
        self.arguments, self.heard = arguments, heard
        self.made.append(self)

    def start(self, ended: Callable[[CommandResult], object]) -> None:
        self.ended = ended

    def cancel(self) -> None:
        self.ended(CommandResult(143, "", "", True))


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> list[_Audit]:
    """Audits that were begun."""
    made: list[_Audit] = []
    monkeypatch.setattr(_Audit, "made", made, raising=False)
    monkeypatch.setattr(audits, "SubprocessCommand", _Audit)
    return made


def test_a_audits_and_its_findings_stay(tmp_path: Path, audited: list[_Audit]) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, (140, 45), first="data") as user:
            await _at(user, "mine")
            await user.press("a")
            assert audited[0].arguments == ["data", "audit", "mine", "--json"]
            await user.sees("Auditing: some seconds")
            audited[0].heard("auditing mine:  40%, 8 classifiers")
            await user.sees("auditing mine:  40%, 8 classifiers")
            audited[0].ended(CommandResult(1, json.dumps(FOUND), "auditing mine: 100%", False))
            await user.sees("mine  1 leak, 1 warning.", "✗ leak", "A track in two splits. Cut it.")
            await user.wait_until(lambda: "classifiers" not in user.text)
            await user.press("down")
            await user.sees("Not audited yet")
            await user.press("up")
            await user.sees("✗ leak")

    asyncio.run(flow())


def test_an_audit_can_be_ended_and_can_fail(tmp_path: Path, audited: list[_Audit]) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, (140, 45), first="data") as user:
            await _at(user, "demo")
            await user.press("a")
            await user.notified("nothing to audit before it is made")
            await _at(user, "mine")
            await user.press("a", "a")
            await user.notified("Ending the audit of mine.")
            await user.sees("Not audited yet")
            await user.press("a")
            audited[-1].ended(CommandResult(2, "", "mine.h5 is damaged.", False))
            await user.sees("mine.h5 is damaged.")

    asyncio.run(flow())


@pytest.mark.slow
def test_a_real_audit(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, (140, 45), first="data") as user:
            await _at(user, "plain")
            await user.press("a")
            await user.wait_until(lambda: user.page(DataPage)._audits.current is None)
            await user.sees("✓ fine", "Every genre is in every split")

    asyncio.run(flow())
