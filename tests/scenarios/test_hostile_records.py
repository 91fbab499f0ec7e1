"""Records whose checksums are right and whose contents are not: nothing that is drawn breaks."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.style import Style

from data.errors import DataError
from experiments.errors import RunError
from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import event_files
from genre_tui.compare import one_run, several_runs
from genre_tui.compare.comparison_data import comparison_csv, read_run, statistics_json
from genre_tui.confusion.matrix_selection import MatrixSelection
from genre_tui.confusion.matrix_view_state import MatrixViewState
from genre_tui.model.run_model import RunModel
from genre_tui.plots.curve import Frame
from genre_tui.plots.plot_drawing import draw
from genre_tui.run import trial_table
from genre_tui.run.curves import METRICS, CurveOptions, curves_of, time_unit
from genre_tui.run.headings import (
    curves_line,
    device_line,
    nothing_to_draw,
    notice_line,
    progress_line,
    title_line,
)
from genre_tui.run.panes import TrialSettings, figures_text, settings_text
from genre_tui.runs.runs_table import ORDERS, about, curve_of, details
from genre_tui.runs.runs_table import columns as runs_columns
from genre_tui.runs.runs_table import ordered as ordered_runs
from genre_tui.watch.run_summary import LiveRun, RunSummary, summarise
from genre_tui.watch.run_watcher import RunWatcher
from tests.genre_tui.support.live_run import EventWriter, live_run
from tests.support.log_summaries import write_summary
from tests.support.recorded_runs import record

VALUES: tuple[Any, ...] = (
    *(None, True, -1, 10**400, 1e308, "nan", [], [[-1, "x"]], {"x": {}}),
    "\x1b[2J[bold]x[/nothing]",
)
# Ten values, so that every third of them is another three in the next place.
EVERY = pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)])
_BAD_FILES = (DataError, OSError, RunError)


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something can be changed; of a list, or of things by their ids, in the first only."""
    if place:
        yield place
    entries: list[tuple[Any, Any]] = []
    if isinstance(value, (dict, list)):
        entries = list(value.items() if isinstance(value, dict) else enumerate(value))
    if isinstance(value, list) or all(isinstance(entry, dict) for _, entry in entries):
        entries = entries[:1]
    for name, entry in entries:
        yield from _places(entry, (*place, name))


def _changed(value: Any, place: tuple[Any, ...], to: Any) -> Any:
    value = copy.deepcopy(value)
    inner = value
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = to
    return value


def _variations(value: dict[str, Any], every: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """An object with each of its parts replaced by each of the values, or every third of those."""
    for number, (place, to) in enumerate(product(_places(value), VALUES)):
        if number % every == 0:
            yield f"{place} = {to!r:.30}", _changed(value, place, to)


def _draw_all(model: RunModel) -> None:
    """All that the screens Run and Confusion show of a run."""
    for width in (60, 80, 140):
        title_line(model, width), progress_line(model, width), device_line(model, width)
    notice_line(model), nothing_to_draw(model)
    pinned = tuple(model.trials)[:2]
    for options, log in (
        (CurveOptions(), False),
        (CurveOptions(0.6, True, "train", {0: 1}, pinned, 1), True),
    ):
        for metric in METRICS:
            curves_line(model, options, metric)
            x_name, _ = time_unit(model, options)
            frame = Frame(x_name, log, metric.figure.format, grows=not log)
            draw(curves_of(model, metric, options), frame, 60, 12, lambda series: Style())
    for number in range(1, len(trial_table.ORDERS)):
        trial_table.rows(model, number)
    for row in trial_table.rows(model, 0):
        trial_table.line_of(row)
        for column in trial_table.columns():
            column.cell(row)
    trial_table.trials_csv(model), trial_table.curves_csv(model)
    json.loads(trial_table.trials_json(model))
    settings = TrialSettings(model.manifest)
    for trial_model in model.trials.values():
        figures_text(trial_model), settings_text(trial_model.id, settings)
    state = MatrixViewState(model)
    for trial in list(model.trials)[:2]:
        for epoch in (None, 1):
            state.select(MatrixSelection(trial, epoch=epoch, rows="validation"))
            shown = state.show()
            if shown.grid is not None:
                shown.grid.now.macro_f1  # noqa: B018


def _draw_row(summary: RunSummary) -> None:
    about(summary), details(summary), curve_of(summary)
    for column in runs_columns():
        column.cell(summary)
    for order in ORDERS:
        ordered_runs([summary, summary], order)
    draw([curve_of(summary)], Frame(), 40, 10, lambda series: Style())


def _tell_some(writer: EventWriter) -> None:
    """Something of every event."""
    first, second = writer.trials[:2]
    writer.begin()
    writer.epoch(first, 1)
    writer.epoch(first, 2, cpu=1.0, gpu=0.5)
    writer.epoch(second, 1)
    writer.end(first, test={"accuracy": 0.5, "macro_f1": 0.5, "confusion_matrix": [[1] * 3] * 3})
    writer.write("note", text="a note")
    writer.write("worker_died", cohort="c0", reason="signal 9", trials=[second], attempt=1)
    writer.write("paused", reason="no room")
    writer.write("continued")


def _draw_comparison(run: RunDirectory) -> None:
    try:
        one = read_run(run)
    except _BAD_FILES:  # which the screen says instead
        return
    console = Console(file=io.StringIO(), width=80)
    console.print(several_runs.title(one.result), one_run.answer_text(one))
    console.print(one_run.variants(one, "macro_f1"), one_run.beside(one, True))
    comparison_csv(one)
    json.loads(statistics_json(one))


def _draw(run: RunDirectory) -> None:
    """Read a run, and draw it on all screens that show runs."""
    live = LiveRun(run)
    live.catch_up()
    for summary in (summarise(run), live.summary()):
        _draw_row(summary)
    try:
        model = RunModel(run)
    except RunError:
        return
    RunWatcher(run, 1.0, model.handle).poll()
    _draw_all(model)


def _assert_drawable(run: RunDirectory, changes: Iterable[tuple[str, Path, bytes]]) -> None:
    """Assert that a run can be drawn after each change of one of its files."""
    problems, count = [], 0
    for what, path, content in changes:
        before = path.read_bytes()
        path.write_bytes(content)
        try:
            _draw(run)
            if path.suffix == ".json":
                _draw_comparison(run)
        except Exception as error:
            problems.append(f"{what}: {error!r:.80}")
        path.write_bytes(before)
        count += 1
    assert count > 50
    assert problems == []


def _of_file(path: Path, every: int) -> Iterator[tuple[str, Path, bytes]]:
    value = checksums.loads(path.read_bytes())
    for what, changed in _variations({k: v for k, v in value.items() if k != "sha256"}, every):
        yield what, path, checksums.dumps({k: v for k, v in changed.items() if k != "sha256"})


@EVERY
def test_events(tmp_path: Path, every: int) -> None:
    def changes(file: Path) -> Iterator[tuple[str, Path, bytes]]:
        lines = file.read_bytes().splitlines(keepends=True)
        events = [checksums.loads_line(line.rstrip()) for line in lines]
        assert len({event["event"] for event in events}) == 9
        for number, event in enumerate(events):
            for what, changed in _variations(event, every):
                reported = [*lines[:number], checksums.dumps_line(changed), *lines[number + 1 :]]
                yield f"{event['event']}: {what}", file, b"".join(reported)

    with live_run(tmp_path) as writer:
        _tell_some(writer)
        (file,) = event_files(writer.run)
        _assert_drawable(writer.run, changes(file))


@EVERY
def test_summary_of_the_log(tmp_path: Path, every: int) -> None:
    with live_run(tmp_path) as writer:
        _tell_some(writer)
        _assert_drawable(writer.run, _of_file(write_summary(writer.run), every))


@EVERY
def test_results(tmp_path: Path, every: int) -> None:
    run = record(tmp_path, seeds=2, epochs=2)
    trial = next(iter(run.read_manifest().trials))
    _assert_drawable(run, _of_file(run.trial_path(trial) / "result.json", every))


@EVERY
def test_facts_of_the_run(tmp_path: Path, every: int) -> None:
    run = record(tmp_path, seeds=1, epochs=1, baselines=())
    _assert_drawable(run, _of_file(run.path / "run.json", every))


@EVERY
def test_baselines(tmp_path: Path, every: int) -> None:
    run = record(tmp_path, seeds=1, epochs=1, baselines=("majority",))
    _assert_drawable(run, _of_file(run.path / "baselines" / "result.json", every))
