"""The screen Compare as a user drives it, and what it is made of."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from experiments.report.dot_plot import DotPlotEntry, lay_out
from experiments.runs.directory import RunDirectory
from experiments.statistics.intervals import Interval
from experiments.studies import STUDIES
from genre_tui.compare.comparison_data import (
    SeveralRuns,
    SingleRun,
    analysed,
    compare_runs,
    comparison_csv,
    ordered,
    read_run,
)
from genre_tui.compare.dot_plot import DotPlot, column, row_signs
from genre_tui.compare.run_selection import RunSelection
from genre_tui.compare.screen import ComparePage
from genre_tui.watch.run_summary import summarise
from genre_tui.widgets.fitted_table import FittedTable
from tests.genre_tui.support.app_driver import SIZES, run_app
from tests.support.recorded_runs import record, with_names

BETTER = {"last-epoch": 0.9, "best-validation-f1": 0.5}


def _skill(variant: str, trial: Any) -> float:
    return BETTER.get(variant, 0.6)


def _interval(low: float, high: float) -> Interval:
    return Interval(low, high, 0.95, "by hand", 3)


def test_a_line_of_the_plot_by_hand() -> None:
    entries = [
        DotPlotEntry("adam", (0.4, 0.6), 0.5, _interval(0.3, 0.7), ((0.9, "A"),)),
        DotPlotEntry("sgd", (0.2,), 0.2),
        DotPlotEntry("svm", (0.8,), 0.8, is_baseline=True),
    ]
    dots = lay_out("accuracy %", entries)
    adam, sgd, svm = (row_signs(row, 41) for row in dots.rows)
    shares = [number / 10 for number in range(2, 10)]
    at = {share: column(dots.axis.at(share), 41) for share in shares}
    signs = {0.3: "├", 0.4: "∘", 0.5: "●", 0.6: "∘", 0.7: "┤", 0.8: "┊", 0.9: "◇"}
    assert {value: adam[at[value]] for value in signs} == signs
    assert set(adam[at[0.3] + 1 : at[0.4]]) == {"─"}
    assert adam[: at[0.3]].strip() == ""
    assert (sgd[at[0.2]], sgd.count("●"), sgd[at[0.8]]) == ("●", 1, "┊")
    assert svm.strip() == "×"
    assert svm[at[0.8]] == "×"


def test_the_plot_is_as_wide_as_there_is_room() -> None:
    names = ["adam", "a\x1b[2J" + "very long " * 9, "[bold]x"]
    entries = [DotPlotEntry(name, (0.4, 0.6), 0.5, _interval(0.3, 0.7)) for name in names]
    plot = DotPlot(lay_out("accuracy %", [*entries, DotPlotEntry("nothing", (), None)]))
    for width in (40, 58, 78, 138):
        lines = [line.plain for line in plot.lines(width)]
        assert max(map(len, lines)) <= width, width
        assert lines[0] == "Test accuracy %"
        assert lines[1].startswith("adam ")
        assert lines[1].endswith("50.00")
        assert lines[4].endswith("–")
        assert "\x1b" not in "".join(lines)
        assert "baseline" not in "".join(lines)  # there is none


def test_columns_are_left_out_by_rank() -> None:
    columns = {"name": 0, "first": 1, "second": 2, "needed": 0}
    table = FittedTable(columns, [["x" * 12, "1", "2", "3"]], notes={2: "on the second"})
    assert table.kept(80) == [0, 1, 2, 3]
    assert table.kept(12 + 2 + 5 + 2 + 6 + 2 + 6) == [0, 1, 2, 3]
    assert table.kept(34) == [0, 1, 3]
    assert table.kept(10) == [0, 3]
    for width, there in ((80, True), (34, False)):
        console = Console(width=width, file=io.StringIO())
        console.print(table)
        text = console.file.getvalue()  # type: ignore[attr-defined]
        assert ("on the second" in text) == ("second" in text.split("\n")[0]) == there


def test_which_runs_are_compared(tmp_path: Path) -> None:
    runs = [record(tmp_path, name=f"2026010{n}T030405Z-abc12{n}") for n in (1, 2, 3)]
    (damaged := record(tmp_path, name="20260109T030405Z-bad000")).path.joinpath(
        "run.json"
    ).write_text("{")
    seen = [summarise(run) for run in (damaged, *reversed(runs))]
    first, second, third = runs
    chosen = RunSelection()
    assert chosen.runs(seen, None, ()) == [third]  # the newest that can be read
    assert chosen.runs(seen, first, ()) == [first]
    assert chosen.runs(seen, first, {second.name}) == [first, second]
    assert chosen.runs(seen, first, {first.name}) == [first]
    assert chosen.runs(seen, first, {third.name, second.name}) == [second, third]
    assert chosen.runs(seen, None, {first.name, damaged.name}) == [first]
    chosen.reset(third)
    assert chosen.runs(seen, first, {second.name}) == [first, third]
    chosen.turns = 3
    assert chosen.runs(seen, first, ()) == [third, first]
    chosen.reset(alone=not chosen.alone)
    assert chosen.runs(seen, first, {second.name}) == [first]
    chosen.reset(alone=not chosen.alone)
    assert chosen.runs(seen, first, {second.name}) == [first, second]
    assert chosen.runs([], None, ()) == []


def test_figures_in_files(tmp_path: Path) -> None:
    run = record(tmp_path, skill=_skill)
    one = analysed(read_run(run))
    rows = [*csv.DictReader(io.StringIO(comparison_csv(one)))]
    assert [row["variant"] for row in rows] == ["last-epoch", "best-validation-f1"]
    spread = one.result.variants[0].macro_f1
    assert float(rows[0]["macro_f1_mean"]) == spread.mean
    assert one.analysis is not None
    sure = one.analysis.intervals["last-epoch"].macro_f1_on_rows
    assert sure is not None
    assert float(rows[0]["macro_f1_rows_low"]) == sure.low
    assert [v.name for v in ordered(one.result, "macro_f1")] == list(BETTER)
    other = record(tmp_path, name="20260103T030405Z-abc124", skill=lambda v, t: 0.3)
    several = compare_runs([run, other])
    rows = [*csv.DictReader(io.StringIO(comparison_csv(several)))]
    assert len(rows) == 4
    assert {row["run"] for row in rows} == {run.name, other.name}
    assert rows[0]["macro_f1_rows_low"] == ""


@SIZES
def test_one_run(tmp_path: Path, size: tuple[int, int]) -> None:
    run = record(tmp_path, skill=_skill, kind="demo", dataset="demo")

    async def flow() -> None:
        async with run_app(tmp_path, size, "compare", run=run) as user:
            await user.sees(run.name, "✓ finished", "controlled", "DEMO DATA")
            await user.sees("By macro-F1, last-epoch", "├", "●", "∘", "×", "Test macro-F1 %")
            await user.sees("95 % over seeds", "±")
            lines = user.text.splitlines()
            places = [n for n, line in enumerate(lines) if line.split()[:1] == ["last-epoch"]]
            assert lines[places[0] + 1].split()[0] == "best-validation-f1"  # the best comes first
            shown = user.page(ComparePage)._shown
            assert isinstance(shown, SingleRun)
            best = shown.result.variants[0]
            assert f"{(best.macro_f1.mean or 0) * 100:.2f}" in user.text
            await user.press("m")
            await user.sees("Test accuracy %", f"{(best.accuracy.mean or 0) * 100:.2f}")
            await user.press("end")
            await user.sees("best on validation, first seed", "rbf-svm")
            await user.sees("Pairs: test macro-F1, by seed; p adjusted by Holm's")
            await user.press("p", "end")
            await user.wait_until(lambda: "Pairs:" not in user.text)
            assert "p shows 1 pair of variants." in user.text
            await user.press("p", "w")
            await user.notified("press o to choose another one")
            await user.press("y")
            assert user.app.clipboard.startswith("By macro-F1, last-epoch")
            texts = user.page(ComparePage).exportable()
            assert set(texts) == {"comparison.csv", "statistics.json"}
            plain = json.loads(texts["statistics.json"])
            assert plain["statistics"]["best"] == "last-epoch"
            await user.press("o")
            await user.notified("no other run")

    asyncio.run(flow())


@SIZES
def test_runs_side_by_side(tmp_path: Path, size: tuple[int, int]) -> None:
    first = record(tmp_path, skill=_skill)
    second = record(tmp_path, skill=lambda v, t: 0.3, name="20260103T030405Z-abc124", epochs=5)

    async def flow() -> None:
        async with run_app(tmp_path, size, "compare", run=first) as user:
            await user.sees("By macro-F1")
            await user.press("o")
            await user.sees("Compare with", "abc124")
            await user.press("enter")
            await user.sees(f"1 {first.name}", f"2 {second.name}", "minus run 1", "2 last-epoch")
            await user.press("end")
            await user.sees("differs", "training.epochs", "points of accuracy")
            shown = user.page(ComparePage)._shown
            assert isinstance(shown, SeveralRuns)
            against = shown.compared.variants[0].to_first[1]
            assert against is not None
            assert against.macro_f1 is not None
            difference = against.macro_f1.difference
            assert difference < 0
            await user.press("home")
            await user.sees(f"{difference * 100:+.2f}")
            await user.press("y")
            assert user.app.clipboard.startswith("Best on validation")
            await user.press("w")
            await user.sees(f"1 {second.name}", f"{-difference * 100:+.2f}")
            await user.press("p")
            await user.notified("press x")
            await user.press("m")
            await user.sees("Test accuracy %")
            await user.press("x")
            await user.sees("By macro-F1")
            assert second.name not in user.text
            await user.press("x")
            await user.notified("No other run is marked")

    asyncio.run(flow())


def test_marked_runs_about_other_rows_are_not_compared(tmp_path: Path) -> None:
    first = record(tmp_path)
    second = record(tmp_path, sha256="1" * 64, name="20260103T030405Z-abc124")
    marked = {first.name, second.name}

    async def flow() -> None:
        async with run_app(tmp_path, (140, 45), "compare", marked=marked) as user:
            await user.sees("Warning: these runs are about different rows", "other rows")
            assert "points of accuracy" not in user.text

    asyncio.run(flow())


def test_one_seed_cannot_tell(tmp_path: Path) -> None:
    first = record(tmp_path, seeds=1)
    second = record(tmp_path, seeds=1, name="20260103T030405Z-abc124")

    async def flow() -> None:
        async with run_app(tmp_path, (140, 45), "compare", run=first) as user:
            await user.sees("One seed cannot tell", "one seed", "More seeds: --seeds 5")
            user.app.session.marked |= {second.name}
            await user.press("2", "5")
            await user.sees("cannot tell", "fewer than three seeds of that variant")

    asyncio.run(flow())


def test_documented_figures_are_shown(tmp_path: Path) -> None:
    run = record(tmp_path, protocol="documented", documented=True, epochs=None)  # type: ignore[arg-type]

    async def flow() -> None:
        async with run_app(tmp_path, (140, 45), "compare", run=run) as user:
            await user.sees("◇", "documented", "Documented last-epoch: source A 58.87 % accuracy")

    asyncio.run(flow())


def test_a_run_that_goes_on_and_one_that_is_damaged(tmp_path: Path) -> None:
    def status(variant: str, trial: Any) -> str:
        return "failed" if variant == "last-epoch" else "diverged"

    nothing = record(tmp_path, status=status, baselines=())
    unread = record(tmp_path, name="20260104T030405Z-abc125")
    for path in unread.path.glob("trials/*/predictions.h5"):
        path.write_bytes(b"x")
    damaged = record(tmp_path, name="20260103T030405Z-abc124")
    trial = next(iter(damaged.read_manifest().trials))
    (damaged.trial_path(trial) / "result.json").write_text("{}")

    async def flow() -> None:
        async with run_app(tmp_path, first="compare", run=nothing) as user:
            await user.sees("Nothing was tested yet.", "12 failed", "12 diverged", "no baselines")
            user.app.open_run(unread)
            await user.sees("predictions.h5", "damaged", "95 % over seeds")
            user.app.open_run(RunDirectory(damaged.path))
            await user.sees("match the checksum")
            assert user.page(ComparePage).exportable() == {}
            assert user.page(ComparePage).copyable() == ""

    asyncio.run(flow())


def test_without_runs_it_says_where_to_start_one(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, first="compare", refresh=0.1) as user:
            await user.sees("There are no runs in")
            await user.press("m", "o", "x", "p", "w", "y")
            record(tmp_path)
            user.app.refresh_runs()
            await user.sees("By macro-F1")

    asyncio.run(flow())


def test_hostile_names_are_text(tmp_path: Path) -> None:
    names = ("[bold]a\x1b[2J" + "x" * 90, "b\u202eb")
    study = with_names(STUDIES["ffn-baseline"], names)
    run = record(tmp_path, study, dataset="[red]d\x1b]0;t\x07")

    async def flow() -> None:
        for size in ((60, 20), (80, 24), (140, 45)):
            async with run_app(tmp_path, size, "compare", run=run) as user:
                await user.sees("[bold]a[2J", "[red]d]0;t", "Test macro-F1 %")
                assert "\x1b" not in user.text
                assert "\u202e" not in user.text

    asyncio.run(flow())
