"""Confusion matrices: figures by hand, names of columns, what a look shows."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

from experiments.errors import RunError
from experiments.results.confusion_matrix import ConfusionMatrix
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.event_reader import EventReader
from genre_tui.confusion.heat_colours import (
    BLACK,
    RIGHT,
    WHITE,
    WRONG,
    luminance,
    mixed,
    readable_on,
    sign,
)
from genre_tui.confusion.matrix import CellGrid, added, as_text, classes_csv, confusion_csv
from genre_tui.confusion.matrix_selection import (
    MatrixSelection,
    first_tested,
    read_tests,
    seed_siblings,
    select_matrix,
)
from genre_tui.confusion.matrix_view_state import MatrixViewState
from genre_tui.confusion.matrix_widget import lay_out_matrix
from genre_tui.core.short_names import abbreviated, shortened
from genre_tui.model.run_model import RunModel
from genre_tui.watch.messages import RunUpdate
from networks.training import metrics
from tests.support.raw_events import entries, raw
from tests.support.recorded_runs import record

COUNTS = [[6, 2, 0], [1, 3, 0], [0, 4, 0]]  # nobody is called the third
SIDES = ((11, 8, 7, 7), (6, 6, 6, 6), (6,), ())


def reported(run: RunDirectory, *events: dict[str, object], state: object = "running") -> RunUpdate:
    return RunUpdate(run, False, entries(*events), state, "", "", "")  # type: ignore[arg-type]


def epoch(trial: str, number: int, counts: list[list[int]]) -> dict[str, object]:
    logs = {"val_macro_f1": 0.1 * number, "loss": 1.0}
    return {
        "event": "epoch",
        "trial": trial,
        "epoch": number,
        "logs": logs,
        "seconds": 1.0,
        "time": 1.7e9 + number,
        "cohort": "c0",
        "rows_per_second": 120.0,
        "memory": 0,
        "share": 0.1,
        "seconds_left": 9.0,
        "confusion": counts,
    }


def test_figures_by_hand() -> None:
    matrix = ConfusionMatrix(COUNTS)
    assert matrix.present == [8, 4, 4]
    assert matrix.predicted == [7, 9, 0]
    assert matrix.accuracy == 9 / 16
    first, second, third = (matrix.scores(i) for i in range(3))
    assert (first.precision, first.recall, first.f1) == (6 / 7, 6 / 8, 12 / 15)
    assert (second.precision, second.recall, second.f1) == (3 / 9, 3 / 4, 6 / 13)
    assert (third.precision, third.recall, third.f1, third.support) == (None, 0.0, 0.0, 4)
    assert matrix.value(0, 1, "rows") == 2 / 8
    assert matrix.value(0, 1, "columns") == 2 / 9
    assert matrix.value(2, 2, "columns") is None
    assert added([COUNTS, COUNTS])[0] == [12, 4, 0]
    assert added([]) == []


def test_figures_are_those_of_the_records() -> None:
    rng = np.random.default_rng(0)
    for size in (2, 4, 10):
        counts = rng.integers(0, 30, (size, size))
        counts[:, 0] = counts[0] = 0  # a class that is neither present nor predicted
        matrix = ConfusionMatrix(counts.tolist())
        assert matrix.accuracy == pytest.approx(metrics.accuracy(counts))
        assert matrix.macro_f1 == pytest.approx(metrics.macro_f1(counts))
    assert ConfusionMatrix([[0, 0], [0, 0]]).accuracy is None
    assert ConfusionMatrix([[0, 0], [0, 0]]).macro_f1 is None


def test_cells_show_counts_shares_and_differences() -> None:
    now, names = ConfusionMatrix(COUNTS), ("a", "b", "c")
    cell = CellGrid(names, now, "counts").cell(0, 1)
    assert (cell.short, cell.note, cell.shade, cell.is_right) == ("2", "25%", 0.25, False)
    assert CellGrid(names, now, "counts").cell(0, 2).short == "·"
    cell = CellGrid(names, now, "rows").cell(0, 0)
    assert (cell.short, cell.long, cell.note) == ("75", "75.0", "6")
    assert CellGrid(names, now, "columns").cell(2, 2).short == "–"
    before = ConfusionMatrix([[8, 0, 0], [1, 3, 0], [0, 3, 1]])
    grid = CellGrid(names, now, "counts", before)
    worse, more, same = grid.cell(0, 0), grid.cell(0, 1), grid.cell(1, 1)
    assert (worse.short, worse.note, worse.is_right) == ("-2", "8 → 6", False)
    assert (more.short, more.note, more.is_right) == ("+2", "0 → 2", False)
    assert (same.short, same.shade) == ("·", 0.0)
    assert worse.shade == pytest.approx(0.5)  # a quarter of the genre: half of what is stark
    assert CellGrid(names, now, "rows", before).cell(0, 0).long == "-25.0"
    assert CellGrid(names, now, "rows", before).metric_texts(0)[1] == "-25.0"
    assert CellGrid(names, now, "counts").metric_texts(2) == ("–", "0.0", "0.0", "4")


def test_large_counts_stay_short() -> None:
    grid = CellGrid(("a", "b"), ConfusionMatrix([[123_456_789, 99_999], [1, 0]]), "counts")
    assert [grid.cell(0, j).short for j in range(2)] == ["123M", "99999"]
    assert grid.digits == 5


def test_names_are_short_and_told_apart() -> None:
    names = ("rock_metal", "rock_pop", "rock", "classical", "blues", "blues", "日本の音楽", "")
    for width in range(1, 12):
        short = abbreviated(names, width)
        assert len(set(short)) == len(names), short
        assert all(0 < cell_len(name) <= width for name in short), short
    assert abbreviated(names, 6)[:3] == ("rock_m", "rock_p", "rock")
    twenty = tuple(f"genre number {number}" for number in range(20))
    assert len(set(abbreviated(twenty, 4))) == 20
    assert shortened("classical", 5) == "clas…"
    assert shortened("a\x1b[2Jb\u202ec", 9) == "a[2Jbc"


def test_a_matrix_fits_into_the_room() -> None:
    for size in (2, 4, 10, 20, 1000):
        for width, height in ((60, 14), (80, 18), (140, 38), (300, 90), (20, 3)):
            for name in (3, 12, 80):
                found = lay_out_matrix(width, height, size, name, 4)
                assert 1 <= found.columns <= size
                assert 1 <= found.rows <= size
                assert found.label + found.columns * found.cell + sum(found.side) <= width
                assert found.rows * found.height <= max(height - 2, 1)
    wide, narrow = (lay_out_matrix(width, 18, 4, 10, 4) for width in (140, 80))
    assert (wide.columns, wide.side) == (4, SIDES[0])
    assert (narrow.columns, narrow.cell, narrow.side) == (4, 11, SIDES[1])


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_text_can_be_read_on_every_shade() -> None:
    for hue in (RIGHT, WRONG):
        for ground in (BLACK, WHITE, (16, 20, 24), (246, 246, 244)):
            for step in range(11):
                behind = mixed(ground, hue, step / 10)
                assert contrast(readable_on(behind), behind) >= 4.5
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert [sign(share) for share in (0, 0.01, 0.1, 0.3, 0.6, 0.8, 1)] == [*"  ░▒▓██"]


def test_texts_for_files_and_the_clipboard() -> None:
    genres = ("=blues", "jazz\x1b[31m", "rock")
    rows = [*csv.reader(io.StringIO(confusion_csv(genres, COUNTS)))]
    assert rows[0] == ["true", "predicted", "count", "share_of_true", "share_of_predicted"]
    assert rows[1][:3] == ["'=blues", "'=blues", "6"]
    assert confusion_csv((" =1+1",), [[1]]).splitlines()[1].startswith("' =1+1,")
    assert float(rows[1][3]) == 6 / 8
    assert rows[9] == ["rock", "rock", "0", "0.0", ""]
    rows = [*csv.reader(io.StringIO(classes_csv(genres, COUNTS)))]
    assert rows[3] == ["rock", "", "0.0", "0.0", "4"]
    lines = as_text(genres, COUNTS).splitlines()
    assert lines[0].split() == ["true", "\\", "predicted", "=blues", "jazz[31m", "rock"]
    assert lines[1].split() == ["=blues", "6", "2", "0"]
    assert len({len(line) for line in lines}) == 1


def test_a_look_at_epochs_and_seeds(tmp_path: Path) -> None:
    model = RunModel(record(tmp_path))
    one, *others = seed_siblings(model, next(iter(model.trials)))
    assert len(others) == 2
    model.handle(reported(model.run, epoch(one, 1, COUNTS), epoch(one, 2, [[9, 0, 0]] * 3)))
    model.handle(reported(model.run, epoch(others[0], 1, COUNTS)))
    seen = select_matrix(model, MatrixSelection(one), {})
    assert seen.counts == [[9, 0, 0]] * 3
    assert "after epoch 2 of 4, " in seen.title
    assert select_matrix(model, MatrixSelection(one, epoch=1), {}).counts == COUNTS
    assert select_matrix(model, MatrixSelection(one, epoch=9), {}).epoch == 2
    summed = select_matrix(model, MatrixSelection(one, epoch=1, all_seeds=True), {})
    assert summed.trials == (one, others[0])  # the third has not come so far
    assert summed.counts == [[12, 4, 0], [2, 6, 0], [0, 8, 0]]
    assert "2 seeds summed" in summed.title
    assert "waits for its turn" in select_matrix(model, MatrixSelection(others[1]), {}).missing
    model.handle(reported(model.run, epoch(others[1], 1, [[1, 2], [3, 4]])))
    assert "damaged" in select_matrix(model, MatrixSelection(others[1]), {}).missing
    assert select_matrix(model, MatrixSelection("nothing"), {}).missing


def test_a_look_at_test_rows(tmp_path: Path) -> None:
    run = record(tmp_path)
    model = RunModel(run)
    found = first_tested(run, model.trials, 3)
    assert found is not None
    trial, counts = found
    names = seed_siblings(model, trial)
    assert (
        "Reading"
        in select_matrix(model, MatrixSelection(trial, "test", all_seeds=True), {}).missing
    )
    tests = read_tests(run, names, 3)
    assert tests[trial] == counts
    seen = select_matrix(model, MatrixSelection(trial, "test", all_seeds=True), tests)
    assert seen.counts is not None
    assert sum(map(sum, seen.counts)) == 3 * 60
    untested = next(name for name in model.trials if read_tests(run, [name], 3)[name] is None)
    model.handle(reported(run, state="finished"))
    assert (
        "validation selects"
        in select_matrix(model, MatrixSelection(untested, "test"), {untested: None}).missing
    )
    (run.trial_path(trial) / "result.json").write_text("{")
    with pytest.raises(RunError, match="damaged"):
        read_tests(run, [trial], 3)


def test_keys_change_the_state(tmp_path: Path) -> None:
    run = record(tmp_path)
    model = RunModel(run)
    state = MatrixViewState(model)
    assert "Reading the run" in state.show().missing
    trial = next(iter(model.trials))
    model.handle(reported(run, *(epoch(trial, n, [[n, 0, 0]] * 3) for n in (1, 2, 3))))
    state.update(None)
    assert state.begin(None) == []
    assert state.selection == MatrixSelection(trial)
    assert state.show().follows
    state.next_epoch(1)  # there is none after the newest
    assert state.selection.epoch == 3
    state.next_epoch(-1)
    assert state.show().epoch == 2
    for _ in range(5):
        state.next_epoch(-1)
    assert state.show().epoch == 1
    assert "Marked" in state.toggle_reference()
    assert state.show().minus == ""  # the same matrix
    state.follow()
    shown = state.show()
    assert shown.minus
    assert shown.grid is not None
    assert (shown.grid.measure, shown.grid.cell(0, 0).short) == ("rows", "·")  # unlike many rows
    assert "No difference" in state.toggle_reference()
    state.next_trial(-1)
    assert state.selection.trial == list(model.trials)[-1]
    state.next_trial(1)
    assert state.selection.trial == trial
    state.toggle_rows()
    assert state.unread == [trial]
    state.add_tests({trial: None})
    assert state.unread == []
    ended = {"event": "trial", "trial": trial, "variant": "", "seed": 1, "learning_rate": 0.1}
    ended |= {"status": "finished"}
    state.update(reported(run, ended))  # it may have been tested now
    assert state.unread == [trial]
    assert state.toggle_seeds() == ""
    assert len(state.unread) == 3
    summed = set(state.unread)
    state.next_trial(1)  # to one that is not in the sum, and back
    assert state.selection.trial not in summed
    state.next_trial(-1)
    assert state.selection.trial in summed


def test_events_of_a_run_reach_the_matrix(tmp_path: Path) -> None:
    run = record(tmp_path)
    model = RunModel(run)
    trial = next(iter(model.trials))
    log = EventLog(run)
    log.append(*raw(epoch(trial, 1, COUNTS)))
    _, found = EventReader(run).read()
    model.handle(reported(run, *(entry.to_dict() for entry in found)))
    assert select_matrix(model, MatrixSelection(trial), {}).counts == COUNTS


def test_steps_lead_from_kept_epoch_to_kept_epoch(tmp_path: Path) -> None:
    model = RunModel(record(tmp_path))
    trial = next(iter(model.trials))
    for number in range(1, 1101):
        model.handle(reported(model.run, epoch(trial, number, COUNTS) | {"logs": {"loss": 1.0}}))
    state = MatrixViewState(model)
    state.select(MatrixSelection(trial))
    seen = [state.show().epoch]
    for step in (-1, -1, 1, 1, 1):
        assert state.next_epoch(step) == ""
        assert state.show().counts == COUNTS
        seen.append(state.show().epoch)
    assert seen == [1100, 1099, 1097, 1099, 1100, 1100]
