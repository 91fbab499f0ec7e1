"""The app as a user drives it: keys in, text on the screen out."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static, TabbedContent

from genre_tui.app import GenreTui
from genre_tui.cli import main
from tests.conftest import record_run


def _screen(app: GenreTui, widget: str) -> str:
    static = app.query_one(widget, Static)
    return "\n".join(
        "".join(segment.text for segment in static.render_line(y))
        for y in range(static.size.height)
    )


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
def test_runs_and_studies_are_shown(tmp_path: Path, size: tuple[int, int]) -> None:
    record_run(tmp_path)

    async def drive() -> None:
        app = GenreTui(tmp_path)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            assert app.query_one(TabbedContent).active == "runs"
            text = _screen(app, "#run")
            assert "81.25" in text
            assert "40" in text
            assert "90" in text
            assert "[bold]rock[2J" in text  # names are text, never markup or escapes
            await pilot.press("1")
            await pilot.pause()
            assert app.query_one(TabbedContent).active == "studies"
            assert "documented" not in _screen(app, "#study")
            assert "58.87 %" in _screen(app, "#study")
            await pilot.press("down")
            await pilot.pause()
            assert "pooling" in _screen(app, "#study")
            await pilot.press("2")
            await pilot.pause()
            assert app.query_one(TabbedContent).active == "runs"

    asyncio.run(drive())


def test_d_lets_the_keys_scroll_the_details(tmp_path: Path) -> None:
    record_run(tmp_path)

    async def drive() -> None:
        app = GenreTui(tmp_path)
        async with app.run_test(size=(80, 16)) as pilot:
            await pilot.press("d", "pagedown")
            await pilot.pause(0.5)
            details = app.query_one("#runs VerticalScroll", VerticalScroll)
            assert details.scroll_y > 0
            await pilot.press("2")
            assert app.focused is app.query_one("#run-list")

    asyncio.run(drive())


def test_new_and_damaged_runs_appear_on_refresh(tmp_path: Path) -> None:
    async def drive() -> None:
        app = GenreTui(tmp_path)
        async with app.run_test() as pilot:
            await pilot.press("2")
            await pilot.pause()
            assert "No runs in" in _screen(app, "#run")
            damaged = record_run(tmp_path, "20260203T030405Z-bad000")
            (damaged.path / "run.json").write_text("{")
            await pilot.press("r")
            await pilot.pause()
            assert app.query_one("#run-list", DataTable).row_count == 1
            assert "cannot be shown" in _screen(app, "#run")

    asyncio.run(drive())


def test_q_quits(tmp_path: Path) -> None:
    async def drive() -> None:
        app = GenreTui(tmp_path)
        async with app.run_test() as pilot:
            await pilot.press("q")
            await pilot.pause()
            assert not app.is_running

    asyncio.run(drive())


def test_without_a_terminal_it_says_what_to_do() -> None:
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 2
    assert "python -m experiments list" in result.output
