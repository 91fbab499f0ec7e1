"""The screen Runs, as a user drives it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from experiments.runs.directory import RunDirectory
from experiments.runs.lock import hold_run_lock
from experiments.studies import STUDIES
from genre_tui.runs.screen import RunsPage
from tests.genre_tui.support.app_driver import SIZES, Driver, run_app
from tests.genre_tui.support.live_run import NAME, live_run, without_results
from tests.support.recorded_runs import record

OLD, NEW = "20260101T000000Z-0000aa", "20260102T000000Z-0000bb"


def _under_cursor(user: Driver) -> str:
    item = user.page(RunsPage).table.item
    return "" if item is None else item.run.path.name


def _order(user: Driver) -> list[str]:
    return [run.study for run in user.page(RunsPage).table.items]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A finished run, a stopped one and a damaged one."""
    folder = tmp_path / "runs"
    record(folder, name=OLD, dataset="mine", skill=lambda variant, trial: 0.9)
    stopped = record(folder, STUDIES["batch-norm"], name=NEW, seeds=1)
    without_results(stopped, list(stopped.read_manifest().trials)[:2])
    stopped.ask_to_stop()
    damaged = record(folder, STUDIES["device"], name="20251231T000000Z-0000cc")
    (damaged.path / "run.json").write_text("{")
    return folder


@SIZES
def test_all_runs_are_shown_as_they_are(runs: Path, size: tuple[int, int]) -> None:
    async def flow() -> None:
        async with run_app(runs, size, "runs") as user:
            await user.sees("✓ finished ffn-baseline", "■ stopped  batch-norm", "? damaged  device")
            line = next(line for line in user.text.splitlines() if "✓ finished" in line)
            assert "mine" in line
            assert any(block in line for block in "▁▂▃▄▅▆▇█")
            best = user.page(RunsPage).table.items[1].best
            assert best is not None
            assert f"{100 * best:.1f}" in line
            await user.press("end")
            await user.sees("checksum")
            if size[0] > 80:
                await user.press("up")
                await user.sees("macro-F1 %  best trial", str(runs / "ffn-baseline" / OLD)[:30])

    asyncio.run(flow())


def test_without_runs_it_says_how_to_begin(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path / "none", first="runs") as user:
            await user.sees(
                "There are no runs yet. Press 1 to start one.", "Runs are looked for in"
            )
            for key in ("space", "c", "t", "r", "x", "enter", "s", "y"):
                await user.press(key)
            assert user.app.is_running

    asyncio.run(flow())


def test_runs_are_sorted_by_key_and_by_click(runs: Path) -> None:
    async def flow() -> None:
        async with run_app(runs, first="runs") as user:
            await user.sees("finished", "age▼")
            assert _order(user) == ["batch-norm", "ffn-baseline", "device"]
            await user.press("down")
            assert _under_cursor(user) == OLD
            await user.press("S")
            await user.sees("age▲")
            assert _order(user) == ["device", "ffn-baseline", "batch-norm"]
            await user.press("s")
            await user.sees("state▲")
            assert _order(user) == ["device", "batch-norm", "ffn-baseline"]
            await user.press("s", "s")
            assert _order(user) == ["batch-norm", "device", "ffn-baseline"]
            assert _under_cursor(user) == OLD  # all the time
            await user.pilot.click("#runs", offset=(15, 0))
            assert _order(user) == ["ffn-baseline", "device", "batch-norm"]
            await user.pilot.click("#runs", offset=(5, 0))
            await user.sees("state▲")

    asyncio.run(flow())


def test_a_filter_shows_what_passes_and_says_what_is_allowed(runs: Path) -> None:
    async def flow() -> None:
        async with run_app(runs, first="runs") as user:
            await user.sees("finished")
            await user.press("slash")
            await user.type("f1>10")
            await user.sees("2 of 3 runs")
            await user.type(" state:z")
            await user.sees("no run is ever 'z'. Allowed: running, stopping")
            await user.press("enter")
            assert user.app.focused is not user.page(RunsPage).table  # it is to be put right first
            assert len(user.page(RunsPage).table.items) == 2  # what has a meaning holds
            await user.press("backspace", *"stop", "enter")
            await user.wait_until(lambda: _order(user) == ["batch-norm"])
            assert user.app.focused is user.page(RunsPage).table
            await user.press("slash", *" nobody")
            await user.sees("No run passes the filter. Esc clears it.")
            await user.press("escape")
            assert len(user.page(RunsPage).table.items) == 3
            assert "state:running" not in user.text
            await user.press("slash", "down")
            assert user.app.focused is user.page(RunsPage).table

    asyncio.run(flow())


def test_the_cursor_stays_on_its_run_while_others_come_and_go(runs: Path) -> None:
    async def flow() -> None:
        async with run_app(runs, first="runs") as user:
            await user.sees("finished")
            await user.press("down")
            record(runs, name="20260105T000000Z-0000dd")
            user.app.refresh_runs()
            await user.wait_until(lambda: len(user.page(RunsPage).table.items) == 4)
            assert _under_cursor(user) == OLD
            shutil.rmtree(runs / "batch-norm")
            user.app.refresh_runs()
            await user.wait_until(lambda: len(user.page(RunsPage).table.items) == 3)
            assert _under_cursor(user) == OLD
            shutil.rmtree(runs / "ffn-baseline" / OLD)
            user.app.refresh_runs()
            await user.wait_until(lambda: len(user.page(RunsPage).table.items) == 2)
            assert _under_cursor(user)

    asyncio.run(flow())


def test_marked_runs_are_compared(runs: Path) -> None:
    async def flow() -> None:
        async with run_app(runs, first="runs") as user:
            await user.sees("finished")
            await user.press("space", "space")
            await user.sees("2 marked", "◉")
            assert user.app.session.marked == {f"batch-norm/{NEW}", f"ffn-baseline/{OLD}"}
            await user.press("up", "space")
            assert user.app.session.marked == {f"batch-norm/{NEW}"}
            await user.press("c")
            await user.wait_until(lambda: user.app.current_mode == "compare")
            await user.press("2")
            await user.sees("1 marked")
            await user.press("escape")
            assert not user.app.session.marked

    asyncio.run(flow())


def test_compare_begins_with_what_is_marked_or_under_the_cursor(runs: Path) -> None:
    async def flow() -> None:
        async with run_app(runs, first="runs") as user:
            await user.sees("finished")
            await user.press("down", "c")
            await user.sees("Compare", OLD, "macro-F1")
            assert user.app.session.run == RunDirectory(runs / "ffn-baseline" / OLD)
            assert not user.app.session.marked
            await user.press("x")  # one run alone, which it is already
            await user.press("2", "home", "space", "space", "c")
            await user.sees(f"1 ffn-baseline/{OLD}", f"2 batch-norm/{NEW}")
            await user.press("x", "2", "slash", *"nothing", "enter", "escape", "escape")
            await user.press("slash", *"nothing", "enter", "c")
            await user.notified("There is no run here")

    asyncio.run(flow())


def test_the_filter_takes_no_keys_while_it_is_hidden(runs: Path) -> None:
    async def flow() -> None:
        async with run_app(runs, first="runs") as user:
            await user.sees("finished")
            await user.pilot.resize_terminal(40, 10)
            await user.sees("This needs a terminal of")
            await user.press("2", "3", "2")
            await user.pilot.resize_terminal(80, 24)
            await user.sees("finished")
            await user.press("1")
            await user.wait_until(lambda: user.app.current_mode == "studies")
            await user.press("2")
            assert user.page(RunsPage).filter_line.value == ""

    asyncio.run(flow())


def test_a_report_is_of_the_run_under_the_cursor(runs: Path) -> None:
    async def flow() -> None:
        run = RunDirectory(runs / "batch-norm" / NEW)
        async with run_app(runs, first="runs", run=run) as user:
            await user.sees("finished")
            await user.press("down", "e")
            await user.sees(f"report of ffn-baseline-{OLD.rpartition('-')[2]} (HTML)")

    asyncio.run(flow())


@SIZES
def test_runs_are_removed_after_a_question(runs: Path, size: tuple[int, int]) -> None:
    async def flow() -> None:
        async with run_app(runs, size, "runs") as user:
            await user.sees("finished")
            await user.press("space", "space", "x")
            await user.sees("Remove 2 runs, with records and models", NEW, OLD, "kB")
            await user.press("escape")
            assert (runs / "ffn-baseline" / OLD).exists()
            await user.press("x")
            await user.sees("Remove 2 runs")
            await user.press("y")
            await user.notified("Removed 2 runs.")
            await user.wait_until(lambda: _order(user) == ["device"])
            assert not (runs / "ffn-baseline").exists()
            assert not user.app.session.marked
            await user.press("x")
            await user.sees("Remove this run")
            await user.press("y")
            await user.sees("There are no runs yet.")

    asyncio.run(flow())


def test_a_run_that_goes_on_is_live_and_never_removed(tmp_path: Path) -> None:
    async def flow() -> None:
        with live_run(tmp_path) as writer:
            async with run_app(tmp_path, first="runs", refresh=0.1) as user:
                await user.sees("▶ running")
                writer.begin()
                writer.epoch(writer.trials[0], 1, 0.625, share=0.25)
                await user.sees("62.5", "25%")
                assert "experiments watch" in user.page(RunsPage).copyable()
                await user.press("x")
                await user.notified("is being trained by process")
                await user.press("r")
                await user.notified("there is nothing to resume")
                await user.press("t", "y")
                await user.notified("stops at the end of its epoch")
                assert writer.run.stop_is_asked
                await user.sees("◧ stopping")

    asyncio.run(flow())


def test_a_run_that_somebody_resumed_meanwhile_is_kept(runs: Path) -> None:
    async def flow() -> None:
        async with run_app(runs, first="runs") as user:
            await user.sees("finished")
            await user.press("x")
            await user.sees("Remove this run")
            with hold_run_lock(RunDirectory(runs / "batch-norm" / NEW), print):
                await user.press("y")
                await user.notified("is being trained by process")
            assert (runs / "batch-norm" / NEW / "run.json").exists()

    asyncio.run(flow())


def test_stopping_and_resuming(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resumed: list[str] = []
    monkeypatch.setattr("experiments.execution.launch.resume", lambda run: resumed.append(run.name))

    async def flow() -> None:
        async with run_app(runs, first="runs") as user:
            await user.sees("finished")
            assert "experiments resume" in user.page(RunsPage).copyable()
            await user.press("t")
            await user.notified("there is nothing to stop")
            await user.press("r")
            await user.notified(f"batch-norm/{NEW} goes on.")
            await user.press("down", "r")
            await user.notified("is finished: there is nothing left to do")
            assert user.page(RunsPage).copyable() == str(runs / "ffn-baseline" / OLD)
            assert resumed == [f"batch-norm/{NEW}"]

    asyncio.run(flow())


def test_read_only_changes_nothing(runs: Path) -> None:
    async def flow() -> None:
        async with run_app(runs, first="runs", read_only=True) as user:
            await user.sees("finished")
            for key in ("t", "r", "x"):
                user.app.clear_notifications()
                await user.press(key)
                await user.notified("read-only")
            assert len(user.app.screen_stack) == 1

    asyncio.run(flow())


def test_enter_opens_a_run(runs: Path) -> None:
    async def flow() -> None:
        async with run_app(runs, first="runs") as user:
            await user.sees("finished")
            await user.press("down", "enter")
            await user.wait_until(lambda: user.app.current_mode == "run")
            assert user.app.session.run == RunDirectory(runs / "ffn-baseline" / OLD)
            await user.press("2", "end", "enter")
            await user.wait_until(lambda: user.app.current_mode == "run")
            await user.sees("checksum")

    asyncio.run(flow())


def test_the_table_is_a_file(runs: Path) -> None:
    async def flow() -> None:
        async with run_app(runs, first="runs") as user:
            await user.sees("finished")
            lines = user.page(RunsPage).exportable()["runs.csv"].splitlines()
            assert lines[0].startswith("run,state,study,protocol,dataset,done,trials,share,best")
            assert [line.split(",")[1] for line in lines[1:]] == ["stopped", "finished", "damaged"]

    asyncio.run(flow())


def test_a_small_terminal_keeps_the_main_things(tmp_path: Path) -> None:
    record(tmp_path, name=NAME)

    async def flow() -> None:
        async with run_app(tmp_path, (60, 20), "runs") as user:
            await user.sees("✓ finished ffn-baseline", "F1 %", "age")
            assert "by epoch" not in user.text

    asyncio.run(flow())


def test_names_are_text_and_nothing_else(tmp_path: Path) -> None:
    about: dict[str, Any] = {"dataset": "[bold]x\x1b[2J", "baselines": ()}
    record(tmp_path, **about)

    async def flow() -> None:
        async with run_app(tmp_path, (140, 45), "runs") as user:
            await user.sees("[bold]x[2J")

    asyncio.run(flow())
