"""The table of rows: columns that fit, a cursor that stays, lines that are drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from genre_tui.widgets.columns import Column, laid_out, line_of, without_middle
from genre_tui.widgets.row_table import RowTable

Pair = tuple[str, int]
COLUMNS: list[Column[Pair]] = [
    Column("name", "name", 6, lambda pair: pair[0], grows=1),
    Column("value", "value", 5, lambda pair: str(pair[1]), is_number=True),
    Column("square", "square", 6, lambda pair: Text(str(pair[1] ** 2)), rank=1),
]


class _App(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.drawn: list[Region] = []

    def compose(self) -> ComposeResult:
        table: RowTable[Pair] = RowTable(COLUMNS, lambda pair: pair[0], id="table")
        refresh = table.refresh

        def noted(*regions: Region, **about: Any) -> Any:
            self.drawn += regions or [Region()]
            return refresh(*regions, **about)

        table.refresh = noted  # type: ignore[method-assign]
        yield table

    @property
    def table(self) -> RowTable[Pair]:
        return self.query_one("#table", RowTable)

    def on_row_table_moved(self, event: RowTable.Moved) -> None:
        self.heard.append(f"moved {event.item[0] if event.item else None}")

    def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        self.heard.append(f"chosen {event.item[0]}")

    def on_row_table_headed(self, event: RowTable.Headed) -> None:
        self.heard.append(f"headed {event.item}")

    def lines(self) -> list[str]:
        return [self.table.render_line(y).text.rstrip() for y in range(self.table.size.height)]


def _drive(flow: Any) -> None:
    async def drive() -> None:
        app = _App()
        async with app.run_test(size=(30, 6)) as pilot:
            await flow(app, pilot)

    coroutine: Coroutine[Any, Any, None] = drive()
    asyncio.run(coroutine)


def _pairs(*names: str) -> list[Pair]:
    return [(name, ord(name[0])) for name in names]


@pytest.mark.parametrize(
    ("room", "kept"),
    [
        (30, {"name": 17, "value": 5, "square": 6}),
        (19, {"name": 6, "value": 5, "square": 6}),
        (18, {"name": 12, "value": 5}),
        (12, {"name": 6, "value": 5}),
        (3, {"name": 6}),
    ],
)
def test_columns_that_do_not_fit_go_by_their_rank(room: int, kept: dict[str, int]) -> None:
    assert {column.key: width for column, width in laid_out(COLUMNS, room)} == kept


def test_cells_are_cut_and_aligned() -> None:
    pair = ("a name that is long", 7)
    text = line_of(COLUMNS[:2], 14, "*", lambda column: column.cell(pair)).plain
    assert text == "* a nam…     7 "
    assert without_middle("last-epoch optimizer=adam", 11) == "last-…=adam"
    assert without_middle("short", 11) == "short"


def test_the_cursor_stays_on_its_item() -> None:
    async def flow(app: _App, pilot: Pilot[None]) -> None:
        app.table.show(_pairs("a", "b", "c"))
        await pilot.press("down")
        assert app.table.item == ("b", 98)
        app.table.show(_pairs("x", "c", "b", "y"))
        assert app.table.item == ("b", 98)
        app.table.show(_pairs("x", "y"))  # it has gone: the cursor stays where it was
        assert app.table.item == ("y", 121)
        app.table.show([], "Nothing at all.")
        assert app.table.item is None
        await pilot.pause()
        assert app.heard == ["moved a", "moved b", "moved y", "moved None"]
        assert app.lines()[2] == "  Nothing at all."

    _drive(flow)


def test_only_lines_that_changed_are_drawn() -> None:
    async def flow(app: _App, pilot: Pilot[None]) -> None:
        app.table.show(_pairs("a", "b", "c"))
        await pilot.pause()
        app.drawn.clear()
        app.table.show(_pairs("a", "b", "c"))
        assert app.drawn == []
        app.table.show([("a", 97), ("b", 5), ("c", 99)])
        assert app.drawn == [Region(18, 2, 12, 1)]  # from the value to the square

    _drive(flow)


def test_it_scrolls_under_its_titles() -> None:
    async def flow(app: _App, pilot: Pilot[None]) -> None:
        app.table.show(_pairs(*"abcdefghijklmno"))
        await pilot.press("end")
        assert app.lines()[0].split() == ["name", "value", "square"]
        assert [line.split()[0] for line in app.lines()[1:]] == ["k", "l", "m", "n", "o"]
        await pilot.press("pageup", "up")
        assert app.table.item == ("j", 106)
        await pilot.press("home")
        assert app.lines()[1].split()[0] == "a"
        app.table.move_to("h")
        assert "h" in [line.split()[0] for line in app.lines()[1:]]
        app.table.move_to("nobody")
        assert app.table.item == ("h", 104)

    _drive(flow)


def test_clicks_move_choose_and_name_columns() -> None:
    async def flow(app: _App, pilot: Pilot[None]) -> None:
        app.table.show(_pairs("a", "b", "c"))
        await pilot.click("#table", offset=(4, 2))
        assert app.table.item == ("b", 98)
        assert "chosen b" not in app.heard
        await pilot.click("#table", offset=(4, 2), times=2)
        await pilot.press("enter")
        await pilot.click("#table", offset=(22, 0))
        await pilot.click("#table", offset=(4, 5))  # below the rows
        assert app.heard == ["moved a", "moved b", "chosen b", "chosen b", "headed value"]

    _drive(flow)
