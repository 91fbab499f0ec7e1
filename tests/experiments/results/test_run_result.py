import contextlib
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data.terminal.console import console
from experiments.design.published_figure import PublishedFigure
from experiments.display.result_tables import results_view
from experiments.errors import RunError
from experiments.results.run_result import Spread, collect
from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from tests.conftest import record_run
from tests.support import raw_records


def _text(run: RunDirectory) -> str:
    printer = console()
    with printer.capture() as captured:
        printer.print(results_view(collect(run)))
    return captured.get()


def test_spread() -> None:
    assert Spread((0.5, 0.7)).mean == pytest.approx(0.6)
    assert Spread((0.5, 0.7)).std == pytest.approx(0.1414213)
    assert Spread((0.5,)).std is None
    assert Spread(()).mean is None


def test_the_table_shows_figures_matrix_and_classes(tmp_path: Path) -> None:
    text = _text(record_run(tmp_path))
    lines = [line.split() for line in text.splitlines()]
    assert ["last-epoch", "1", "81.25", "80.00", "3", "1"] in lines
    assert ["blues", "40", "17"] in lines
    # Precision 40/53, recall 40/57, F1 80/110, 57 rows.
    assert ["blues", "75.5", "70.2", "72.7", "57"] in lines
    assert "documented %" not in text


def test_a_network_that_predicts_one_class_only_is_named(tmp_path: Path) -> None:
    run = record_run(tmp_path)
    assert "whatever it hears" not in _text(run)
    (path,) = run.path.glob("trials/*/result.json")
    result = raw_records.read_result(run, path.parent.name)
    assert result is not None
    result["test"]["confusion_matrix"] = [[57, 0], [103, 0]]
    raw_records.write_result(run, path.parent.name, result)
    assert "predicts blues whatever it hears" in _text(run)


def test_demo_data_is_always_labelled(tmp_path: Path) -> None:
    run = record_run(tmp_path)
    facts = raw_records.read_run(run)
    facts["dataset"]["kind"] = "demo"
    raw_records.write_run(run, facts)
    assert "DEMO DATA" in _text(run)


def test_documented_figures_survive_the_record(tmp_path: Path) -> None:
    figures = (
        PublishedFigure("A", "SGD", 58.87, 31.33, 16.6),
        PublishedFigure("B", "Adam", 62.14, 61.1),
    )
    run = record_run(tmp_path)
    facts = raw_records.read_run(run)
    facts["variants"][0]["documented"] = [figure.to_dict() for figure in figures]
    raw_records.write_run(run, facts)
    assert collect(run).variants[0].published == figures
    text = " ".join(_text(run).split())
    assert "source A reports 58.87 % accuracy, 31.33 % batch-mean F1 (SGD)" in text
    assert "ours, averaged that way: 50.00 %" in text
    assert "source B reports 62.14 % accuracy, 61.10 % macro-F1 (Adam)" in text


def test_trials_without_a_result_are_counted(tmp_path: Path) -> None:
    run = record_run(tmp_path)
    for path in run.path.glob("trials/*/result.json"):
        path.unlink()
    assert "1 of 1 trials have no result: the run is crashed" in " ".join(_text(run).split())


def test_trained_but_not_yet_tested_is_said_so(tmp_path: Path) -> None:
    run = record_run(tmp_path)
    for path in run.path.glob("trials/*/result.json"):
        result = raw_records.read_result(run, path.parent.name)
        assert result is not None
        raw_records.write_result(run, path.parent.name, result | {"test": None})
    assert "trained, not yet tested" in _text(run)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value if isinstance(value, list) else [])
    )
    for key, item in items:
        yield from _places(item, (*path, key))


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    value = copy.deepcopy(value)
    if not path:
        return new
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    if new is _put:
        del parent[path[-1]]
    else:
        parent[path[-1]] = new
    return value


def test_a_record_damaged_anywhere_is_a_run_error_or_shown(tmp_path: Path) -> None:
    """Every field of both records, missing or of every wrong type."""
    run = record_run(tmp_path)
    (result_path,) = run.path.glob("trials/*/result.json")
    tried = 0
    for file in (run.path / "run.json", result_path):
        original = checksums.loads(file.read_bytes())
        for path in list(_places(original)):
            for new in (None, "x", -1, 10**400, 1e308, [], {}, [[]], True, _put):
                if new is _put and not path:
                    continue
                changed = _put(original, path, new)
                if not isinstance(changed, dict):
                    continue
                file.write_bytes(checksums.dumps(changed))
                tried += 1
                with contextlib.suppress(RunError):  # all else would be a traceback
                    _text(run)
        file.write_bytes(checksums.dumps(original))
    assert tried > 300
    assert "81.25" in _text(run)
