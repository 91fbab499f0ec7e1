"""What a run's results answer, from its records."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from experiments.cli.follow import print_result
from experiments.errors import RunError
from experiments.results.analysis import analyse
from experiments.results.run_result import collect
from experiments.runs.predictions import baselines_of, predictions_of
from experiments.statistics.cluster_bootstrap import clusters_of
from experiments.statistics.paired_tests import mcnemar
from experiments.studies import STUDIES
from tests.support.recorded_runs import record

GENRES = 3


def test_the_better_variant_wins_where_seeds_agree(tmp_path: Path) -> None:
    run = record(
        tmp_path,
        STUDIES["batch-norm"],
        seeds=5,
        rows=600,
        skill=lambda variant, trial: 0.9 if variant == "batch-norm" else 0.5,
    )
    result = collect(run)
    analysis = analyse(result)
    assert analysis.answer is not None
    assert analysis.answer.sentence.startswith("By macro-F1, batch-norm beats none (difference ")
    assert analysis.best == "batch-norm"
    assert analysis.unit == "120 tracks"
    best = next(variant for variant in result.variants if variant.name == "batch-norm")
    sure = analysis.intervals["batch-norm"]
    mean = best.macro_f1.mean
    assert mean is not None
    assert sure.macro_f1 is not None
    assert sure.macro_f1.low < mean < sure.macro_f1.high
    assert sure.accuracy_on_rows is not None
    assert 0.85 < sure.accuracy_on_rows.low < sure.accuracy_on_rows.high < 1


def test_baselines_are_compared_on_the_same_rows(tmp_path: Path) -> None:
    run = record(tmp_path, seeds=2, rows=300, skill=lambda variant, trial: 0.95)
    result = collect(run)
    best = result.best
    assert best is not None
    ours = predictions_of(run, best.trials[0], GENRES)
    assert ours is not None
    found = analyse(result).baselines
    assert [one.baseline for one in found] == ["majority", "rbf-svm"]
    for one in found:
        theirs = baselines_of(run)[one.baseline][0]
        expected = np.mean(ours.predicted == ours.label) - np.mean(theirs == ours.label)
        assert one.comparison.difference == pytest.approx(expected)
        assert one.comparison.clusters == clusters_of(ours.label, ours.track).count
        assert one.mcnemar == mcnemar(ours.label, theirs, ours.predicted)
        assert one.mcnemar.p < 0.01


def test_one_seed_claims_nothing(tmp_path: Path) -> None:
    analysis = analyse(collect(record(tmp_path, STUDIES["batch-norm"], seeds=1)))
    assert analysis.answer is not None
    assert "cannot" in analysis.answer.sentence
    assert "beats" not in analysis.answer.sentence
    assert all(sure.macro_f1 is None for sure in analysis.intervals.values())


def test_a_run_without_results_has_no_answer(tmp_path: Path) -> None:
    run = record(tmp_path, status=lambda variant, trial: "diverged", baselines=())
    analysis = analyse(collect(run))
    assert analysis.answer is None
    assert analysis.baselines == ()
    assert analysis.unit == ""


def test_the_answer_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_result(collect(record(tmp_path, seeds=3)), False)
    printed = capsys.readouterr().out
    assert "By macro-F1" in printed
    assert "95 % interval" in printed
    assert "  rbf-svm" in printed


def _file(tmp_path: Path) -> tuple[object, str, Path]:
    run = record(tmp_path, seeds=1, baselines=())
    best = collect(run).best
    assert best is not None
    return run, best.trials[0], run.trial_path(best.trials[0]) / "predictions.h5"


def test_predictions_that_lead_elsewhere_are_refused(tmp_path: Path) -> None:
    run, trial, path = _file(tmp_path)
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["label"] = np.zeros(60, dtype=np.int64)
    with h5py.File(path, "a") as file:
        del file["label"]
        file["label"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "label")
    with pytest.raises(RunError, match="links 'label' to another place"):
        predictions_of(run, trial, GENRES)  # type: ignore[arg-type]


def test_predictions_in_other_files_are_refused(tmp_path: Path) -> None:
    run, trial, path = _file(tmp_path)
    layout = h5py.VirtualLayout((60,), np.int64)
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "label", (60,))
    with h5py.File(path, "a") as file:
        del file["label"]
        file.create_virtual_dataset("label", layout)
    with pytest.raises(RunError, match="keeps 'label' elsewhere"):
        predictions_of(run, trial, GENRES)  # type: ignore[arg-type]
    with h5py.File(path, "a") as file:
        del file["label"]
        file.create_dataset("label", (10**12,), np.int64, chunks=(1024,))
    with pytest.raises(RunError, match="announces more than it holds"):
        predictions_of(run, trial, GENRES)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["label", "predicted", "probability", "track"])
def test_predictions_that_do_not_belong_together(tmp_path: Path, name: str) -> None:
    run, trial, path = _file(tmp_path)
    with h5py.File(path, "a") as file:
        short = file[name][:-1]
        del file[name]
        file[name] = short
    with pytest.raises(RunError, match="do not belong together"):
        predictions_of(run, trial, GENRES)  # type: ignore[arg-type]
    with h5py.File(path, "a") as file:
        del file[name]
    with pytest.raises(RunError, match=f"it lacks '{name}'"):
        predictions_of(run, trial, GENRES)  # type: ignore[arg-type]


def test_predictions_of_classes_that_are_not_there(tmp_path: Path) -> None:
    run, trial, path = _file(tmp_path)
    with h5py.File(path, "a") as file:
        file["predicted"][0] = GENRES
    with pytest.raises(RunError, match="classes that the run has not"):
        predictions_of(run, trial, GENRES)  # type: ignore[arg-type]


def test_no_predictions_and_damaged_ones(tmp_path: Path) -> None:
    run, trial, path = _file(tmp_path)
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(RunError, match="is damaged"):
        predictions_of(run, trial, GENRES)  # type: ignore[arg-type]
    path.unlink()
    assert predictions_of(run, trial, GENRES) is None  # type: ignore[arg-type]
