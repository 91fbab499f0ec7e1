"""The screen Confusion as a user drives it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import DataTable

from data.storage import catalogue
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.lock import hold_run_lock
from genre_tui.confusion import matrix_widget, spectrogram_widget
from genre_tui.confusion.matrix_widget import MatrixWidget
from genre_tui.confusion.screen import ConfusionPage
from genre_tui.confusion.segment_dialog import SegmentDialog
from genre_tui.confusion.segments_dialog import SegmentsDialog
from genre_tui.model.run_model import RunModel
from tests.genre_tui.confusion.test_matrix import COUNTS, epoch
from tests.genre_tui.support.app_driver import SIZES, Driver, run_app
from tests.genre_tui.support.known_run import known_run, trials_of
from tests.support.raw_events import raw
from tests.support.recorded_runs import record

_SHADES = str.maketrans("░▒▓█", "    ")


def _line(user: Driver, begin: str) -> list[str]:
    """The words of the line that begins so."""
    lines = (line.translate(_SHADES).split() for line in user.text.splitlines())
    return next(words for words in lines if words and words[0].startswith(begin))


@contextlib.contextmanager
def _live(run: RunDirectory) -> Iterator[EventLog]:
    """A run that this process carries out, as far as anybody can see."""
    with hold_run_lock(run, print):
        log = EventLog(run)
        yield log
        log.close()


@SIZES
def test_the_tests_of_all_seeds_come_first(tmp_path: Path, size: tuple[int, int]) -> None:
    run = known_run(tmp_path)

    async def flow() -> None:
        async with run_app(tmp_path, size, "confusion", run=run) as user:
            await user.sees("2 seeds summed", "accuracy 79.2 %, macro-F1", "24 rows", "rock")
            assert _line(user, "blues")[:3] == ["blues", "3", "5"]
            await user.press("v")
            await user.sees("% of the true genre")
            assert _line(user, "blues")[:3] == ["blues", "37.5", "62.5"]
            await user.press("v")
            assert _line(user, "blues")[:3] == ["blues", "100.0", "38.5"]  # 5 of 13
            await user.press("v", "a")
            await user.sees(", seed 4", "12 rows")
            assert _line(user, "blues")[1:3] in (["1", "3"], ["2", "2"])  # of either seed
            await user.press("a", "right")
            await user.sees("blues taken for jazz: 5 rows, 62.5 % of blues, 38.5 % of all called")
            await user.press("down", "down", "down", "end", "left")
            assert user.app.screen.query_one(MatrixWidget).cursor == (2, 1)
            await user.sees("rock taken for jazz: 0 rows.")
            await user.press("enter")
            await user.notified("no segments in this cell")
            wide = "Taken for another most often" in user.text
            assert wide == (size[0] == 140)

    asyncio.run(flow())


@SIZES
def test_from_a_cell_to_a_spectrogram(tmp_path: Path, size: tuple[int, int]) -> None:
    run = known_run(tmp_path)

    async def flow() -> None:
        async with run_app(tmp_path, size, "confusion", run=run) as user:
            await user.sees("2 seeds summed")
            await user.press("right", "enter")
            await user.sees("3 test segments of blues taken for jazz by one seed at least of 2")
            table = user.app.screen.query_one(DataTable)
            await user.wait_until(lambda: table.row_count == 3)
            await user.sees("second", "seeds", "85.0")
            assert "blue [b][31mnote" in user.text
            await user.press("y")
            assert "p jazz" in user.app.clipboard
            await user.press("enter")
            await user.sees("blue [b][31mnote, second 1 to 2", "blues, taken for jazz by 2 of 2")
            await user.sees("4 kHz", "500 Hz", "1000 ms", "0 dB", "85.0")
            assert isinstance(user.app.screen, SegmentDialog)
            await user.press("full_stop")
            await user.sees("second 2 to 3", "blues, recognised by 2 of 2 seeds")
            assert user.app.screen.row == 3
            await user.press("full_stop", "full_stop")
            await user.notified("the last segment of its track")
            await user.press("comma", "comma", "comma", "comma")
            await user.notified("the first segment of its track")
            assert user.app.screen.row == 1
            await user.press("escape")
            assert isinstance(user.app.screen, SegmentsDialog)
            await user.press("escape")
            texts = user.page(ConfusionPage).exportable()
            assert set(texts) == {"confusion.csv", "classes.csv", "segments.csv"}
            assert "blues,jazz,5,0.625" in texts["confusion.csv"]
            await user.press("y")
            assert user.app.clipboard.splitlines()[2].split() == ["blues", "3", "5", "0"]

    asyncio.run(flow())


def test_without_mel_spectrograms_the_mfcc_statistics_are_drawn(tmp_path: Path) -> None:
    run = known_run(tmp_path, mel=False)

    async def flow() -> None:
        async with run_app(tmp_path, first="confusion", run=run) as user:
            await user.sees("2 seeds summed")
            await user.press("enter")
            await user.sees("test segments of blues recognised")
            table = user.app.screen.query_one(DataTable)
            await user.wait_until(lambda: table.row_count)
            await user.press("enter")
            await user.sees("MFCC statistics over 20 frames", "loudness, not drawn", "●")

    asyncio.run(flow())


def test_a_dataset_that_is_gone_is_told_in_a_sentence(tmp_path: Path) -> None:
    run = known_run(tmp_path, there=False)

    async def flow() -> None:
        async with run_app(tmp_path, first="confusion", run=run) as user:
            await user.sees("2 seeds summed")
            await user.press("enter")
            await user.sees("No track names and spectrograms: none of your datasets", "track 2")
            await user.press("enter")
            await user.sees("none of your datasets holds the rows of", "segment after")

    asyncio.run(flow())


@SIZES
def test_epochs_as_they_come(tmp_path: Path, size: tuple[int, int]) -> None:
    run = record(tmp_path)
    trial, other = list(RunModel(run).trials)[:2]

    async def flow(log: EventLog) -> None:
        log.append(*raw({"event": "cohort_began", "cohort": "c0", "trials": [trial], "epoch": 0}))
        log.append(*raw(epoch(trial, 1, COUNTS), epoch(trial, 2, [[7, 1, 0], *COUNTS[1:]])))
        async with run_app(tmp_path, size, "confusion", run=run, refresh=0.1) as user:
            await user.sees("after epoch 2 of 4", "following", "▶ running")
            assert _line(user, "blues")[:3] == ["blues", "7", "1"]
            log.append(*raw(epoch(trial, 3, [[8, 0, 0], *COUNTS[1:]])))
            await user.sees("after epoch 3 of 4")
            assert _line(user, "blues")[:3] == ["blues", "8", "·"]
            await user.press("d", "left_square_bracket")
            await user.notified("Marked. Step to another matrix")
            await user.sees("after epoch 2 of 4", "minus validation rows after epoch 3 of 4")
            assert _line(user, "blues")[:3] == ["blues", "-1", "+1"]
            await user.press("left_square_bracket")
            assert _line(user, "blues")[:3] == ["blues", "-2", "+2"]
            log.append(*raw(epoch(trial, 4, [[0, 8, 0], *COUNTS[1:]])))
            await user.sees("after epoch 1 of 4")  # it stays where it was put
            await user.press("d", "f")
            await user.sees("after epoch 4 of 4", "following")
            assert "minus" not in user.text
            await user.press("enter")
            await user.notified("press b to see those")
            await user.press("n")
            await user.sees("waits for its turn")
            assert user.app.session.trial == other
            await user.press("N", "b")
            await user.sees("Not tested yet")

    with _live(run) as log:
        asyncio.run(flow(log))


def test_a_trial_chosen_elsewhere_or_from_a_list(tmp_path: Path) -> None:
    run = known_run(tmp_path)
    first, second = trials_of(run)

    async def flow() -> None:
        async with run_app(tmp_path, first="confusion", run=run) as user:
            user.app.open_run(run, second)
            await user.sees("test rows", "seed 43")
            await user.press("t")
            await user.sees("Trials", "seed 42")
            await user.type("ion-f1 43")
            await user.press("down", "enter")
            await user.sees("test rows, best-validation-f1, seed 43, learning rate 0.0001")
            user.app.session.trial = first
            await user.press("5", "4")
            await user.sees("last-epoch, seed 42", "12 rows")

    asyncio.run(flow())


def test_a_run_that_is_chosen_by_nobody_is_the_newest(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, first="confusion", refresh=0.1) as user:
            await user.sees("No run is chosen")
            await user.press("v", "n", "b", "d", "a", "f", "t", "enter", "left_square_bracket")
            record(tmp_path)
            user.app.refresh_runs()
            await user.sees("ffn-baseline/20260102T030405Z-abc123", "3 seeds summed")

    asyncio.run(flow())


@pytest.mark.parametrize("count", [10, 20])
def test_many_genres_scroll_under_their_names(tmp_path: Path, count: int) -> None:
    genres = [f"[b]genre\x1b[2J number {number}" for number in range(count)]
    run = record(tmp_path, genres=genres, rows=count * 10, seeds=2)

    async def flow() -> None:
        async with run_app(tmp_path, first="confusion", run=run) as user:
            await user.sees("2 seeds summed", "true ↓", "predicted →")
            await user.press("end")
            assert user.app.screen.query_one(MatrixWidget).cursor == (count - 1, count - 1)
            await user.sees(f"[{count}" if count == 20 else "[b9")
            assert "\x1b" not in user.text
            assert "F1" in user.text
            if count == 20:
                await user.sees("to 20 of 20", " 6-20")
            await user.pilot.resize_terminal(60, 20)
            await user.sees("F1", "[20" if count == 20 else "[b9")
            await user.pilot.resize_terminal(140, 45)
            await user.wait_until(lambda: ("Taken for another" in user.text) == (count == 10))

    asyncio.run(flow())


@pytest.mark.parametrize("colours", [True, False])
def test_shades_are_colours_or_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, colours: bool
) -> None:
    run = known_run(tmp_path)
    for module in (matrix_widget, spectrogram_widget):
        monkeypatch.setattr(module, "has_colours", lambda app: colours)

    async def flow() -> None:
        async with run_app(tmp_path, first="confusion", run=run) as user:
            await user.sees("2 seeds summed")
            assert ("▓" in user.text) != colours
            lines = [
                strip
                for strip in user.app.screen._compositor.render_strips()
                if strip.text.startswith("blues")
            ]
            cells = [s.style for s in lines[0] if "5" in s.text.split() and s.style]
            behind = cells[0].bgcolor
            is_blended = behind is not None and behind.triplet is not None
            assert is_blended or not colours
            await user.press("enter")
            table = user.app.screen.query_one(DataTable)
            await user.wait_until(lambda: table.row_count)
            await user.press("enter")
            await user.sees("▀▀▀" if colours else "@@@")

    asyncio.run(flow())


def test_the_mouse_chooses_cells(tmp_path: Path) -> None:
    run = known_run(tmp_path)

    async def flow() -> None:
        async with run_app(tmp_path, first="confusion", run=run) as user:
            await user.sees("2 seeds summed")
            grid = user.app.screen.query_one(MatrixWidget)
            layout: Any = grid._layout
            place = layout.label + layout.cell + 1, 2 + layout.height
            await user.pilot.click(MatrixWidget, offset=place)
            assert grid.cursor == (1, 1)
            await user.pilot.click(MatrixWidget, offset=(1, 1))  # a name
            assert grid.cursor == (1, 1)
            await user.pilot.click(MatrixWidget, offset=place, times=2)
            await user.sees("test segments of jazz")

    asyncio.run(flow())


def test_damage_is_told_and_crashes_nothing(tmp_path: Path) -> None:
    run = known_run(tmp_path)
    first, second = trials_of(run)
    (run.trial_path(second) / "result.json").write_text("{}")

    async def flow() -> None:
        async with run_app(tmp_path, first="confusion", run=run) as user:
            user.app.open_run(run, second)
            await user.sees("does not match the checksum")
            user.app.session.trial = first
            await user.press("5", "4")
            await user.sees("seed 42", "12 rows")
            (run.trial_path(first) / "predictions.h5").write_bytes(b"x")
            await user.press("enter")
            await user.sees("Esc closes", "damaged")
            await user.press("escape")
            catalogue.path_of("tiny").write_bytes(b"x")
            for path in sorted(run.path.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            await user.press("n", "b", "b", "a", "v")
            assert user.app.is_running

    asyncio.run(flow())
