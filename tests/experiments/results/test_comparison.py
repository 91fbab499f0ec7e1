"""Runs side by side: what differs, and what that does to the same variants."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from data.terminal.console import console
from experiments.cli.report import compare as command
from experiments.design.variants import only
from experiments.display.comparison_tables import analysis_view, comparison_view
from experiments.errors import RunError
from experiments.results.analysis import analyse
from experiments.results.comparison import RunComparison, compare
from experiments.results.run_result import collect
from experiments.runs.predictions import predictions_of
from experiments.statistics.paired_tests import mcnemar
from experiments.studies import STUDIES
from tests.conftest import record_run
from tests.scenarios.test_terminal_safety import hostile_run
from tests.support import raw_records
from tests.support.recorded_runs import record, with_names

FFN = STUDIES["ffn-baseline"]
ONE = "20260102T030405Z-aaaaaa"
TWO = "20260103T030405Z-bbbbbb"


def _text(compared: RunComparison) -> str:
    printer = console()
    with printer.capture() as captured:
        printer.print(comparison_view(compared))
    return " ".join(captured.get().split())


def _differs(compared: RunComparison) -> dict[str, tuple[str, ...]]:
    return {one.what: one.values for one in compared.differences}


def test_what_differs_and_nothing_else(tmp_path: Path) -> None:
    first = record(tmp_path, seeds=3, epochs=4, name=ONE)
    second = record(tmp_path, seeds=2, epochs=5, name=TWO)
    facts = raw_records.read_run(second)
    raw_records.write_run(second, facts | {"versions": facts["versions"] | {"torch": "2.14.0"}})
    assert _differs(compare([first, second])) == {
        "seeds": ("42, 43, 44", "42, 43"),
        "torch": ("2.13.0", "2.14.0"),
        "last-epoch: training.epochs": ("4", "5"),
        "best-validation-f1: training.epochs": ("4", "5"),
    }


def test_learning_rates_differ_as_what_was_tried(tmp_path: Path) -> None:
    first = record(tmp_path, protocol="controlled", name=ONE)
    second = record(tmp_path, protocol="documented", name=TWO)
    differs = _differs(compare([first, second]))
    assert differs["protocol"] == ("controlled", "documented")
    assert differs["last-epoch: training.learning_rate"][1] == "0.002"
    assert differs["last-epoch: training.learning_rate"][0].count(",") == 3


def test_the_same_variant_is_paired_by_its_common_seeds(tmp_path: Path) -> None:
    first = record(tmp_path, seeds=4, skill=lambda v, t: 0.5, name=ONE)
    second = record(tmp_path, seeds=3, epochs=5, skill=lambda v, t: 0.9, name=TWO)
    compared = compare([first, second])
    common = compared.variants[0]
    before, after = (result.macro_f1.by_replicate for result in common.results if result)
    against = common.to_first[1]
    assert common.to_first[0] is None
    assert against is not None
    assert against.macro_f1 is not None
    assert against.macro_f1.n == 3
    expected = np.mean([after[seed] - before[seed] for seed in (42, 43, 44)])
    assert against.macro_f1.difference == pytest.approx(expected)
    assert against.macro_f1.interval is not None
    assert against.macro_f1.interval.low < expected < against.macro_f1.interval.high
    assert f"{expected * 100:+.2f}" in _text(compared)


def test_the_best_of_each_meet_on_the_same_rows(tmp_path: Path) -> None:
    first = record(tmp_path, skill=lambda v, t: 0.5, name=ONE)
    second = record(tmp_path, epochs=5, skill=lambda v, t: 0.9, name=TWO)
    compared = compare([first, second])
    (one,) = compared.best
    results = [collect(run) for run in (first, second)]
    best = [result.best for result in results]
    assert best[0] is not None
    assert best[1] is not None
    assert (one.run, one.first, one.other) == (1, best[0].name, best[1].name)
    assert one.accuracy.difference == pytest.approx(best[1].accuracy.mean - best[0].accuracy.mean)
    a, b = (
        predictions_of(run, variant.trials[0], 3)
        for run, variant in zip((first, second), best, strict=True)
    )
    assert a is not None
    assert b is not None
    assert one.mcnemar == mcnemar(a.label, a.predicted, b.predicted)
    assert one.mcnemar.only_b > one.mcnemar.only_a
    assert one.resampled_by == "12 tracks"
    assert "resampling 12 tracks" in _text(compared)


def test_different_datasets_are_warned_of_and_not_compared(tmp_path: Path) -> None:
    first = record(tmp_path, name=ONE)
    second = record(tmp_path, sha256="1" * 64, name=TWO)
    compared = compare([first, second])
    assert not compared.share_dataset
    assert compared.best == ()
    assert all(common.to_first == (None, None) for common in compared.variants)
    text = _text(compared)
    assert "not comparable" in text
    assert "000000000000 111111111111" in text
    alike = compare([first, record(tmp_path, epochs=9, name="20260104T030405Z-cccccc")])
    assert "not comparable" not in _text(alike)


def test_a_third_run_of_other_rows_leaves_the_other_two_compared(tmp_path: Path) -> None:
    first = record(tmp_path, name=ONE)
    other = record(tmp_path, sha256="1" * 64, name=TWO)
    third = record(tmp_path, epochs=5, name="20260104T030405Z-cccccc")
    compared = compare([first, other, third])
    for common in compared.variants:
        assert [against is None for against in common.to_first] == [True, True, False]
    assert [one.run for one in compared.best] == [2]


def test_variants_that_only_one_run_has(tmp_path: Path) -> None:
    first = record(tmp_path, only(FFN, ["last-epoch"]), name=ONE)
    second = record(tmp_path, with_names(FFN, ["last-epoch", "mine"]), name=TWO)
    compared = compare([first, second])
    assert [common.name for common in compared.variants] == ["last-epoch", "mine"]
    mine = compared.variants[1]
    assert mine.results[0] is None
    assert mine.results[1] is not None
    assert mine.to_first == (None, None)


def test_one_seed_has_no_paired_interval(tmp_path: Path) -> None:
    first = record(tmp_path, seeds=1, name=ONE)
    second = record(tmp_path, seeds=1, epochs=5, name=TWO)
    against = compare([first, second]).variants[0].to_first[1]
    assert against is not None
    assert against.accuracy is None
    assert against.macro_f1 is None


def test_runs_without_results_or_predictions(tmp_path: Path) -> None:
    first = record(tmp_path, name=ONE)
    for path in first.path.glob("trials/*/result.json"):
        path.unlink()
    second = record(tmp_path, name=TWO)
    for path in second.path.glob("trials/*/predictions.h5"):
        path.unlink()
    compared = compare([first, second])
    assert compared.best == ()
    assert _differs(compared)["state"] == ("crashed", "finished")
    _text(compared)


def test_a_run_is_not_compared_with_itself(tmp_path: Path) -> None:
    run = record(tmp_path)
    with pytest.raises(RunError, match="named twice"):
        compare([run, replace(run, path=tmp_path / "x" / ".." / "ffn-baseline" / run.path.name)])


def test_equal_runs_differ_in_nothing(tmp_path: Path) -> None:
    compared = compare([record(tmp_path, name=ONE), record(tmp_path, name=TWO)])
    assert compared.differences == ()
    assert "differ in nothing" in _text(compared)
    against = compared.variants[0].to_first[1]
    assert against is not None
    assert against.accuracy is not None
    assert (against.accuracy.difference, against.accuracy.p) == (0.0, 1.0)


def test_one_run_compares_its_variants_and_baselines(tmp_path: Path) -> None:
    run = record(tmp_path, epochs=4, skill=lambda v, t: 0.9 if v == "last-epoch" else 0.5, rows=90)
    result = collect(run)
    analysis = analyse(result)
    printer = console()
    with printer.capture() as captured:
        printer.print(analysis_view(result, analysis))
    text = " ".join(captured.get().split())
    assert analysis.answer is not None
    assert analysis.answer.sentence in text
    assert "last-epoch best-validation-f1 +" in text
    assert "majority +" in text
    assert "resampling 18 tracks" in text


def test_the_command(tmp_path: Path) -> None:
    record(tmp_path, name=ONE)
    record(tmp_path, epochs=5, name=TWO)
    runner, runs = CliRunner(), ["--runs", str(tmp_path)]
    done = runner.invoke(command, ["aaaaaa", "latest", "--json", *runs])
    assert done.exit_code == 0, done.output
    reported = json.loads(done.stdout)
    assert [Path(run["run"]).name for run in reported["runs"]] == [ONE, TWO]
    assert reported["same_dataset"] is True
    assert reported["variants"][0]["in_runs"] == [True, True]
    assert reported["variants"][0]["against_first"][0] is None
    assert reported["variants"][0]["against_first"][1]["macro_f1"]["n"] == 3
    assert reported["best"][0]["mcnemar"]["p"] <= 1
    reported = json.loads(runner.invoke(command, ["latest", "--json", *runs]).stdout)
    assert reported["statistics"]["answer"]["sentence"].endswith(".")
    assert "last-epoch" in runner.invoke(command, ["aaaaaa", "latest", *runs]).stdout
    assert "last-epoch" in runner.invoke(command, ["latest", *runs]).stdout


def test_hostile_records_are_shown_harmlessly(tmp_path: Path) -> None:
    first = hostile_run(tmp_path)
    second = record_run(tmp_path, "20260109T000000Z-ffffff")
    compared = compare([first, second])
    printer = console()
    with printer.capture() as captured:
        printer.print(comparison_view(compared))
    assert "evil" in captured.get()
    assert not any(character in captured.get() for character in "\x1b\x9b\u202e\u2066")
    json.dumps(compared.to_dict())


@pytest.mark.parametrize("field", ["seeds", "trials", "versions", "device"])
def test_a_damaged_run_json_is_a_run_error_or_compared(tmp_path: Path, field: str) -> None:
    first, second = record(tmp_path, name=ONE), record(tmp_path, name=TWO)
    facts = raw_records.read_run(second)
    for value in (None, "x", 7, [], {}, [None], {"x": None}):
        raw_records.write_run(second, facts | {field: value})
        try:
            _text(compare([first, second]))
        except RunError:
            continue
