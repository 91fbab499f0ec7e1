"""What `e` writes: tables, pictures, reports; where, and under which names."""

import asyncio
import csv
import io
import json
import os
import re
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from experiments.runs.directory import RunDirectory
from genre_tui.app import GenreTui
from genre_tui.shell.base_page import BasePage
from genre_tui.shell.export_dialog import ExportChoice, ExportDialog, choices, without_network
from genre_tui.widgets.tab_bar import SCREENS
from tests.genre_tui.support.app_driver import Driver, run_app
from tests.support.recorded_runs import record

pytestmark = pytest.mark.usefixtures("own_folder")


def _dialog(user: Driver) -> ExportDialog:
    assert isinstance(user.app.screen, ExportDialog)
    return user.app.screen


def test_export_writes_the_table(tmp_path: Path, own_folder: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path) as user:
            await user.press("e")
            await user.sees("studies (CSV)", "picture of this screen (SVG)", "studies.csv")
            await user.press("enter")
            assert user.app.screen is user.page(BasePage)
            await user.sees("Wrote studies.csv.")

    asyncio.run(flow())
    rows = list(csv.DictReader(io.StringIO((own_folder / "studies.csv").read_text())))
    assert rows[0]["study"] == "ffn-baseline"


def test_export_replaces_a_file_at_the_second_enter_only(own_folder: Path) -> None:
    there = own_folder / "studies.csv"
    there.write_text("mine")

    async def flow() -> None:
        async with run_app(own_folder / "runs") as user:
            await user.press("e", "enter")
            await user.sees("studies.csv is there already. Enter again replaces it.")
            await user.press("tab", "end")
            await user.type("x")  # another file: the question is forgotten
            await user.wait_until(lambda: "there already" not in user.text)
            await user.press("backspace", "enter")
            await user.sees("there already")
            assert there.read_text() == "mine"
            await user.press("enter")
            await user.sees("Wrote studies.csv.")

    asyncio.run(flow())
    assert there.read_text().startswith("study,")


def test_export_says_what_is_wrong_with_a_path(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_folder / "folder").mkdir()
    (own_folder / "file").write_text("")
    monkeypatch.setenv("HERE", "/here")

    async def flow() -> None:
        async with run_app(own_folder / "runs") as user:
            await user.press("e", "tab")
            path = _dialog(user).query_one(Input)
            for value, sentence in (
                ("", "Name a file."),
                ("folder", "folder is a folder: name a file in it."),
                ("file/x.csv", "There is no folder file: make it first"),
                ("none/x.csv", "There is no folder none: make it first"),
                ("~nobody-at-all/x.csv", "There is no folder ~nobody-at-all"),
                ("folder/" + 300 * "x", "File name too long"),
                ("$HERE/x.csv", "There is no folder /here"),
            ):
                path.value = value
                await user.press("enter")
                await user.sees(sentence)  # without its end, which may be on the next line
            assert sorted(os.listdir()) == ["file", "folder"]
            await user.press("e", "escape")
            assert user.app.screen is user.page(BasePage)

    asyncio.run(flow())


def test_export_proposes_a_name_for_each_choice_unless_one_was_given(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path) as user:
            await user.press("e", "down")
            path = _dialog(user).query_one(Input)
            assert path.value == "studies.svg"
            await user.press("up")
            assert path.value == "studies.csv"
            path.value = "folder.csv/mine.csv"
            await user.press("down")
            assert path.value == "folder.csv/mine.svg"  # what is written is no table now
            path.value = "mine"
            await user.press("up")
            assert path.value == "mine"

    asyncio.run(flow())


def test_export_draws_the_screen_and_not_the_dialog(own_folder: Path) -> None:
    async def flow() -> None:
        async with run_app(own_folder / "runs") as user:
            await user.sees("ffn-baseline")
            await user.press("e", "down", "enter")
            await user.wait_until(lambda: (own_folder / "studies.svg").exists())

    asyncio.run(flow())
    drawn = (own_folder / "studies.svg").read_text()
    assert "ffn-baseline" in drawn
    assert "picture&#160;of" not in drawn
    assert "url(" not in re.sub(r"url\(#[^)]*\)", "", drawn), "nothing is loaded from elsewhere"


def test_export_writes_the_report_of_the_run(tmp_path: Path, own_folder: Path) -> None:
    run = record(tmp_path / "runs", seeds=2, epochs=2)

    async def flow() -> None:
        async with run_app(tmp_path / "runs", first="compare", run=run) as user:
            await user.wait_until(lambda: user.app.model is not None)
            await user.press("e", "end")
            await user.sees("report of ffn-baseline-abc123 (HTML)")
            await user.press("enter")
            await user.sees("Writing the report")
            report = own_folder / "report-ffn-baseline-abc123.html"
            await user.wait_until(report.exists)
            await user.sees("report-ffn-baseline-abc123.html.")
            assert "ffn-baseline" in report.read_text()
            report.write_text("mine")
            await user.press("e", "end", "enter", "enter")
            await user.wait_until(lambda: report.read_text() != "mine")

    asyncio.run(flow())


def test_names_of_files_are_plain() -> None:
    run = RunDirectory(Path("/runs/evil\x1b]0;x\x07/../[red]/20260102T030405Z-abc123"))
    found = choices("confusion", {"classes_and-more.csv": "a"}, run)
    assert [(choice.what, choice.name) for choice in found] == [
        ("classes and more (CSV)", "red--abc123-classes_and-more.csv"),
        ("picture of this screen (SVG)", "red--abc123-confusion.svg"),
        ("report of red--abc123 (HTML)", "report-red--abc123.html"),
    ]
    (table, picture, _) = choices("runs", {"runs.csv": "b"}, run)
    assert (table.name, picture.name) == ("runs.csv", "runs.svg")
    assert choices("data", {}, None) == [ExportChoice("picture of this screen (SVG)", "data.svg")]


def test_without_network() -> None:
    svg = (
        '<svg><style>\n@font-face { src: url("https://x/y.woff") }\n.a { fill: red }</style></svg>'
    )
    assert without_network(svg) == "<svg><style>\n.a { fill: red }</style></svg>"


def test_downloads_in_a_browser(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There nothing is written on the server's side, whatever path is given."""
    run = record(own_folder / "runs", seeds=1, epochs=2)
    sent: dict[str, str] = {}

    def deliver(self: GenreTui, text: io.StringIO, *, save_filename: str) -> None:
        sent[save_filename] = text.getvalue()

    monkeypatch.setattr(GenreTui, "is_web", True)
    monkeypatch.setattr(GenreTui, "deliver_text", deliver)

    async def flow() -> None:
        async with run_app(own_folder / "runs", first="compare", run=run) as user:
            await user.wait_until(lambda: user.app.model is not None)
            await user.press("e", "end")
            dialog = _dialog(user)
            dialog.query_one(Input).value = str(own_folder / "away.html")
            dialog.query_one(OptionList).focus()
            await user.press("enter")
            await user.wait_until(lambda: "away.html" in sent)

    asyncio.run(flow())
    assert "<html" in sent["away.html"]
    assert os.listdir(own_folder) == ["runs"]


def test_what_is_exported_is_what_pages_offer(tmp_path: Path) -> None:
    """Whatever a page offers is text with a plain name."""
    run = record(tmp_path, seeds=1, epochs=2)

    async def flow() -> None:
        async with run_app(tmp_path, first="run", run=run) as user:
            await user.wait_until(lambda: user.app.model is not None)
            for key, mode, _ in SCREENS:
                await user.press(key)
                for name, text in user.page(BasePage).exportable().items():
                    assert re.fullmatch(r"[a-z0-9_-]+\.(csv|json|txt)", name), (mode, name)
                    if name.endswith("json"):
                        json.loads(text)
                    elif name.endswith("csv"):
                        widths = {len(row) for row in csv.reader(io.StringIO(text))}
                        assert len(widths) == 1, (mode, name, widths)

    asyncio.run(flow())
