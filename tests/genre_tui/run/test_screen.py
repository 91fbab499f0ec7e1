"""The screen Run, as a user drives it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from experiments.studies import STUDIES
from genre_tui.run.screen import RunPage
from tests.genre_tui.support.app_driver import SIZES, run_app
from tests.genre_tui.support.live_run import EventWriter, live_run
from tests.support import raw_records
from tests.support.recorded_runs import record

METRICS = ("macro-F1 %", "accuracy %", "loss", "learning rate")


def _write_epochs(writer: EventWriter, epochs: int = 3) -> None:
    """All trials have trained for some epochs, the later ones of the plan better."""
    writer.begin()
    for epoch in range(1, epochs + 1):
        for place, trial in enumerate(writer.trials):
            writer.epoch(trial, epoch, 0.2 + 0.1 * epoch + 0.01 * place, cpu=0.97)


@SIZES
def test_a_run_is_watched_as_it_goes(tmp_path: Path, size: tuple[int, int]) -> None:
    async def flow() -> None:
        with live_run(tmp_path, seeds=2, kind="demo") as writer:
            about = {"run": writer.run, "refresh": 0.1}
            async with run_app(tmp_path, size, "run", **about) as user:
                await user.sees("DEMO DATA", "▶ running", "controlled on tiny", "has not ended yet")
                _write_epochs(writer)
                count = len(writer.trials)
                await user.sees(f"0/{count} done", "1:30 min left", "CPU 97 %", "memory 0.50 GB")
                await user.sees("┤", "epoch", "▶ training", "3/4", "1000 rows/s", "mean and range")
                shown = METRICS if size[0] > 80 else METRICS[:1]
                assert all((metric in user.text) == (metric in shown) for metric in METRICS)
                for trial in writer.trials[:2]:
                    writer.epoch(trial, 4, 0.9)
                writer.end(writer.trials[0], f1=0.9, test={"macro_f1": 0.775, "accuracy": 0.8})
                writer.end(writer.trials[1], "diverged", reason="its loss was not finite")
                await user.sees(f"1/{count} done", "1 diverged", "50 %", "77.5", "∞ diverged")
                writer.write("paused", reason="the disk is full.")
                await user.sees("Paused: the disk is full.")
                writer.run.ask_to_stop()
                await user.sees("◧ stopping")

    asyncio.run(flow())


def test_metrics_scales_and_axes_are_chosen_by_keys(tmp_path: Path) -> None:
    async def flow() -> None:
        with live_run(tmp_path, seeds=2) as writer:
            _write_epochs(writer, 4)
            async with run_app(tmp_path, (80, 24), "run", run=writer.run) as user:
                await user.sees("macro-F1 %", "4/4")
                for metric in (*METRICS[1:], METRICS[0]):
                    await user.press("m")
                    await user.sees(metric)
                    assert sum(other in user.text for other in METRICS) == 1
                await user.press("M", "M")
                await user.sees("loss  validation (train dotted)")
                await user.press("v")
                await user.wait_until(lambda: "train dotted" not in user.text)
                await user.press("v")
                await user.sees("loss  train,")
                await user.press("l")
                await user.sees("loss  log")
                await user.press("s")
                await user.sees("smoothed 0.6")
                await user.press("s", "s")
                await user.wait_until(lambda: "smoothed" not in user.text)
                await user.press("x")
                await user.sees("seconds")

    asyncio.run(flow())


def test_the_variant_under_the_cursor_is_in_front_with_the_rate_that_is_chosen(
    tmp_path: Path,
) -> None:
    async def flow() -> None:
        with live_run(tmp_path, study=STUDIES["optimizers"], seeds=2) as writer:
            _write_epochs(writer, 2)
            async with run_app(tmp_path, (80, 24), "run", run=writer.run) as user:
                first = writer.manifest.variants[0]
                name, rates = first.name, [c.learning_rate for c in first.candidates]
                await user.sees(f"best rates ({name}: {rates[-1]:g})")
                await user.press("g")
                await user.sees(f"{name}: {rates[0]:g}")
                for _ in rates:
                    await user.press("g")
                await user.sees(f"best rates ({name}: {rates[-1]:g})")
                await user.press("end")
                assert user.page(RunPage).options.variant == 4

    asyncio.run(flow())


@SIZES
def test_trials_are_pinned_sorted_copied_and_opened(tmp_path: Path, size: tuple[int, int]) -> None:
    async def flow() -> None:
        with live_run(tmp_path, seeds=2) as writer:
            _write_epochs(writer)
            async with run_app(tmp_path, size, "run", run=writer.run) as user:
                await user.sees("3/4")
                page = user.page(RunPage)
                await user.press("down", "p", "S")
                await user.sees("F1 %▼", "s43")
                assert page.options.pinned == (writer.trials[1],)
                assert page.table.items[0].id == writer.trials[-1]
                assert page.table.item is not None
                assert page.table.item.id == writer.trials[1]
                assert page.copyable().startswith(f"{writer.trials[1]}, ")
                assert "best validation macro-F1 51.0 % at epoch 3" in page.copyable()
                await user.press("p")
                await user.wait_until(lambda: "s43" not in user.text)
                await user.pilot.click("#trials", offset=(5, 0))
                await user.sees("state▼")
                await user.press("enter")
                await user.wait_until(lambda: user.app.current_mode == "confusion")
                assert user.app.session.trial == writer.trials[1]
                user.app.session.trial = writer.trials[3]  # another one is chosen there
                await user.press("3")
                await user.wait_until(
                    lambda: page.table.item and page.table.item.id == writer.trials[3]
                )

    asyncio.run(flow())


def test_the_cursor_follows_the_newest_trial(tmp_path: Path) -> None:
    async def flow() -> None:
        with live_run(tmp_path, seeds=2) as writer:
            writer.begin()
            async with run_app(tmp_path, first="run", run=writer.run, refresh=0.1) as user:
                await user.sees("training")
                page = user.page(RunPage)
                await user.press("f")
                for trial in (writer.trials[4], writer.trials[2]):
                    writer.epoch(trial, 1)
                    await user.wait_until(lambda: page.table.item and page.table.item.id == trial)  # noqa: B023
                await user.press("f")
                writer.epoch(writer.trials[0], 1)
                await user.wait_until(
                    lambda: user.app.model and user.app.model.progress.newest == writer.trials[0]
                )
                assert page.table.item is not None
                assert page.table.item.id == writer.trials[2]

    asyncio.run(flow())


@SIZES
def test_output_and_curves_only(tmp_path: Path, size: tuple[int, int]) -> None:
    async def flow() -> None:
        with live_run(tmp_path, seeds=2) as writer:
            _write_epochs(writer)
            writer.write("note", text="another \x1b[2Jversion")
            writer.write("worker_died", cohort="c0", reason="no memory left", attempt=1)
            writer.run.console.write_text("first\nWarning: \x1b]0;title\x07 [red]text\n")
            async with run_app(tmp_path, size, "run", run=writer.run) as user:
                await user.sees("3/4")
                await user.press("o")
                await user.sees(
                    "another [2Jversion", "no memory left", "Warning: ]0;title [red]text"
                )
                assert "▶ training" not in user.text
                await user.press("o")
                await user.sees("▶ training")
                await user.press("z")
                await user.wait_until(lambda: "▶ training" not in user.text)
                await user.press("z")
                await user.sees("▶ training")

    asyncio.run(flow())


def test_stopping_resuming_and_detaching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resumed: list[str] = []
    monkeypatch.setattr("experiments.execution.launch.resume", lambda run: resumed.append(run.name))

    async def flow() -> None:
        with live_run(tmp_path, seeds=1) as writer:
            async with run_app(tmp_path, first="run", run=writer.run, refresh=0.1) as user:
                await user.sees("▶ running")
                await user.press("r")
                await user.notified("there is nothing to resume")
                await user.press("T")
                await user.sees("End the processes of", "y end them")
                await user.press("n")
                assert not writer.run.stop_is_asked
                await user.press("T", "y")  # this very process, which end_now knows to spare
                await user.notified("it was not ended")
                await user.press("d")
                await user.notified(
                    "goes on, also when you quit. Come back with: "
                    f"genre-tui {writer.run.path.name} --runs {tmp_path}"
                )
                await user.wait_until(lambda: user.app.current_mode == "runs")
        async with run_app(tmp_path, first="run", run=writer.run) as user:
            await user.sees("■ stopped", "before an epoch had ended")
            await user.press("t")
            await user.notified("there is nothing to stop")
            await user.press("r")
            await user.notified("goes on.")
            assert resumed == [writer.run.name]
            await user.press("d")
            await user.notified("stays as it is")

    asyncio.run(flow())


def test_a_clean_stop_is_asked_for(tmp_path: Path) -> None:
    async def flow() -> None:
        with live_run(tmp_path, seeds=1) as writer:
            async with run_app(tmp_path, first="run", run=writer.run, refresh=0.1) as user:
                await user.sees("▶ running")
                await user.press("t")
                await user.sees("at the end of its epoch?", "y stop it   Esc let it go on")
                await user.press("escape")
                assert not writer.run.stop_is_asked
                await user.press("t", "y")
                await user.notified("stops at the end of its epoch")
                assert writer.run.stop_is_asked
                await user.sees("◧ stopping")

    asyncio.run(flow())


def test_read_only_changes_nothing(tmp_path: Path) -> None:
    run = record(tmp_path)

    async def flow() -> None:
        async with run_app(tmp_path, first="run", run=run, read_only=True) as user:
            await user.sees("finished")
            for key in ("t", "T", "r"):
                user.app.clear_notifications()
                await user.press(key)
                await user.notified("read-only")

    asyncio.run(flow())


@SIZES
def test_without_a_run_it_says_how_to_choose_one(tmp_path: Path, size: tuple[int, int]) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, size, "run") as user:
            await user.sees("No run is chosen. Press 2 for all runs; Enter opens one.")
            for key in "mMlsxpgvSozftTRy":
                await user.press(key)
            assert user.page(RunPage).exportable() == {}
            assert user.page(RunPage).copyable() == ""

    asyncio.run(flow())


def test_a_finished_run_without_events_has_the_curves_of_its_results(tmp_path: Path) -> None:
    run = record(tmp_path, seeds=2, status=lambda variant, trial: "finished")

    async def flow() -> None:
        async with run_app(tmp_path, (80, 24), "run", run=run) as user:
            await user.sees("✓ finished", "100 %", "┤", "4/4", "a processor, 1 thread")

    asyncio.run(flow())


def test_trials_that_failed_say_why(tmp_path: Path) -> None:
    run = record(tmp_path, seeds=2, status=lambda variant, trial: "failed")

    async def flow() -> None:
        async with run_app(tmp_path, (140, 45), "run", run=run) as user:
            await user.sees("✗ failed", "failed")
            await user.press("o")
            await user.sees("failed: no memory left")

    asyncio.run(flow())


def test_a_run_that_vanishes_says_so_in_place(tmp_path: Path) -> None:
    run = record(tmp_path / "runs", seeds=2)

    async def flow() -> None:
        async with run_app(tmp_path / "runs", first="run", run=run, refresh=0.1) as user:
            await user.sees("✓ finished")
            shutil.move(run.path, tmp_path / "away")
            await user.sees("This run cannot be read any more")
            await user.press("o", "o", "m", "S", "enter", "3")
            shutil.move(tmp_path / "away", run.path)
            await user.wait_until(lambda: "cannot be read" not in user.text)

    asyncio.run(flow())


def test_a_damaged_run_is_a_sentence(tmp_path: Path) -> None:
    run = record(tmp_path)
    (run.path / "run.json").write_text("{}")

    async def flow() -> None:
        async with run_app(tmp_path, first="run", run=run) as user:
            await user.sees("checksum")

    asyncio.run(flow())


def test_another_run_takes_the_place_of_the_first(tmp_path: Path) -> None:
    first = record(tmp_path, seeds=2)
    other = record(tmp_path, STUDIES["batch-norm"], seeds=1, name="20260105T000000Z-0000dd")

    async def flow() -> None:
        async with run_app(tmp_path, first="run", run=first) as user:
            await user.sees(first.path.name, "finished")
            await user.press("down", "p", "g")
            user.app.open_run(other)
            await user.sees(other.path.name, "finished")
            assert user.page(RunPage).options.pinned == ()
            assert {row.variant for row in user.page(RunPage).table.items} == {
                variant["name"] for variant in raw_records.read_run(other)["variants"]
            }

    asyncio.run(flow())


def test_what_is_exported_holds_all_trials_and_values(tmp_path: Path) -> None:
    run = record(tmp_path, seeds=2)

    async def flow() -> None:
        async with run_app(tmp_path, first="run", run=run) as user:
            await user.sees("100 %", "4/4")
            files = user.page(RunPage).exportable()
            trials = list(csv.DictReader(io.StringIO(files["trials.csv"])))
            plan = run.read_manifest().trials
            assert {trial["trial"] for trial in trials} == set(plan)
            assert all(trial["status"] == "finished" for trial in trials)
            values = list(csv.DictReader(io.StringIO(files["curves.csv"])))
            assert len(values) == len(plan) * 4 * 6
            whole = json.loads(files["trials.json"])
            name = whole["trials"][0]["trial"]
            result = raw_records.read_result(run, name)
            assert result is not None
            assert whole["trials"][0]["history"] == result["history"]

    asyncio.run(flow())


def test_a_small_terminal_still_shows_the_curve_and_the_trials(tmp_path: Path) -> None:
    run = record(tmp_path, seeds=2)

    async def flow() -> None:
        async with run_app(tmp_path, (60, 20), "run", run=run) as user:
            await user.sees("┤", "✓ finished", "100 %", "state", "variant", "4/4")

    asyncio.run(flow())


def test_the_terminal_may_change_its_size(tmp_path: Path) -> None:
    run = record(tmp_path, seeds=2)

    async def flow() -> None:
        async with run_app(tmp_path, (80, 24), "run", run=run) as user:
            await user.sees("macro-F1 %", "4/4")
            assert "learning rate" not in user.text
            await user.pilot.resize_terminal(140, 45)
            await user.sees(*METRICS)
            await user.pilot.resize_terminal(60, 20)
            await user.wait_until(lambda: "learning rate" not in user.text)
            await user.pilot.resize_terminal(50, 15)
            await user.sees("This needs a terminal of 60 x 20")

    asyncio.run(flow())


def test_a_click_takes_a_plot_to_the_front(tmp_path: Path) -> None:
    run = record(tmp_path, seeds=2)

    async def flow() -> None:
        async with run_app(tmp_path, (140, 45), "run", run=run) as user:
            await user.sees(*METRICS)
            await user.pilot.click("#plot-2")
            await user.wait_until(lambda: user.page(RunPage).plots.metric == 2)
            await user.press("l")
            await user.sees("loss  log")

    asyncio.run(flow())
