"""A whole run in this process, on a dataset that takes seconds."""

import json
import subprocess
import sys
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from data.errors import DataError
from experiments import forecasting
from experiments.design.request import Computing
from experiments.design.study import Budget, Study, Variant
from experiments.results.run_result import collect
from experiments.runs.directory import RunDirectory
from experiments.runs.trial_result import Scores, TrialResult, select
from experiments.studies import STUDIES
from experiments.training import cohort_training, evaluation
from experiments.training.cohorts import Cohort
from experiments.workers.pool import WorkerPool
from experiments.workers.worker_handle import WorkerDiedError
from networks.engine import cohort
from networks.inference import probabilities_of
from networks.models.config import FFNConfig, TrainingConfig
from tests.conftest import small_dataset
from tests.support import raw_records
from tests.support.inline_pool import InlinePool, events_of, run_inline

SGD = TrainingConfig(optimizer="sgd", learning_rate=0.05, epochs=3)
STUDY = Study(
    name="small",
    question="Does it run?",
    about="",
    variants=(
        Variant("one", FFNConfig(hidden=(8,)), SGD),
        Variant("two", FFNConfig(hidden=(16,)), SGD, note="a note"),
    ),
    budget=Budget(epochs=4, learning_rates=(1e-9, 0.1)),
)


def _run(folder: Path, study: Study = STUDY, *rest: Any, **named: Any) -> RunDirectory:
    return run_inline(folder, study, *rest, **named)


def _without_times(run: RunDirectory) -> dict[str, Any]:
    results = {}
    for path in sorted(run.path.glob("trials/*/result.json")):
        result = raw_records.read_result(run, path.parent.name)
        assert result is not None
        result.pop("seconds", None)
        result.pop("epoch_seconds", None)
        results[path.parent.name] = result
    return results


def test_the_same_run_twice_is_bit_identical(tmp_path: Path) -> None:
    first, second = _run(tmp_path), _run(tmp_path)
    assert first.path != second.path
    assert _without_times(first) == _without_times(second)
    for path in sorted(first.path.glob("trials/*/predictions.h5")):
        with (
            h5py.File(path) as a,
            h5py.File(second.path / path.relative_to(first.path)) as b,
        ):
            np.testing.assert_array_equal(a["probability"][()], b["probability"][()])


def test_records_agree_with_the_model_that_is_kept(tmp_path: Path) -> None:
    dataset = small_dataset()
    run = _run(tmp_path)
    facts = raw_records.read_run(run)
    assert facts["dataset"]["content_sha256"] == dataset.content_sha256
    assert facts["seeds"] == [42, 43]
    assert {"keras", "torch", "python"} <= facts["versions"].keys()
    assert facts["device"]["type"] == "cpu"
    assert len(facts["trials"]) == 4
    for trial in facts["trials"]:
        result = raw_records.read_result(run, trial)
        assert result is not None
        assert result["trial"] == trial
        assert result["status"] == "finished"
        assert {len(values) for values in result["history"].values()} == {3}
        model = keras.saving.load_model(run.trial_path(trial) / "model.keras", safe_mode=True)
        predicted = probabilities_of(model, dataset.test.mfcc).argmax(axis=1)
        accuracy = (predicted == dataset.test.label).mean()
        assert result["test"]["accuracy"] == pytest.approx(accuracy)
        confusion = np.array(result["test"]["confusion_matrix"])
        assert confusion.sum(axis=1).tolist() == np.bincount(dataset.test.label).tolist()
        with h5py.File(run.trial_path(trial) / "predictions.h5") as file:
            np.testing.assert_array_equal(file["predicted"][()], predicted)
            np.testing.assert_array_equal(file["track"][()], dataset.test.track)


def test_results_are_means_over_seeds(tmp_path: Path) -> None:
    run = _run(tmp_path, seeds=3)
    result = collect(run)
    for variant, planned in zip(
        result.variants, raw_records.read_run(run)["variants"], strict=True
    ):
        trials = [
            raw_records.read_result(run, trial) for trial in planned["candidates"][0]["trials"]
        ]
        values = [trial["test"]["accuracy"] for trial in trials if trial]
        assert variant.n == 3
        assert variant.accuracy.values == tuple(values)
        assert variant.accuracy.mean == pytest.approx(np.mean(values))
        assert variant.accuracy.std == pytest.approx(np.std(values, ddof=1))
        summed = np.sum([trial["test"]["confusion_matrix"] for trial in trials if trial], axis=0)
        assert variant.confusion_matrix == summed.tolist()
    assert [variant.record.note for variant in result.variants] == ["", "a note"]
    json.dumps(result.to_dict(), allow_nan=False)


def test_controlled_selects_on_validation_and_tests_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested: list[str] = []
    original = evaluation.with_test

    def counting(result: TrialResult, *arguments: Any) -> TrialResult:
        tested.append(result.trial)
        return original(result, *arguments)

    monkeypatch.setattr(evaluation, "with_test", counting)
    monkeypatch.setattr("experiments.training.recorder.with_test", counting)
    run = _run(tmp_path, protocol="controlled")
    result = collect(run)
    assert [variant.learning_rate for variant in result.variants] == [0.1, 0.1]
    assert {variant.n for variant in result.variants} == {2}
    assert len(tested) == len(set(tested)) == 4
    for variant in raw_records.read_run(run)["variants"]:
        for candidate in variant["candidates"]:
            for trial in candidate["trials"]:
                recorded = raw_records.read_result(run, trial)
                assert recorded is not None
                assert (recorded["test"] is not None) == (candidate["learning_rate"] == 0.1)
                assert (run.trial_path(trial) / "predictions.h5").exists() == (trial in tested)


def test_selection_counts_trials_that_did_not_finish_as_zero() -> None:
    def result(score: float | None) -> TrialResult:
        if score is None:
            return TrialResult("t", "v", 42, "diverged", validation=Scores(0.9, 0.9))
        return TrialResult("t", "v", 42, "finished", validation=Scores(score, score))

    results = {"a": result(0.9), "b": result(None), "c": result(0.6), "d": result(0.5), "e": None}
    lucky, steady, absent = ["a", "b"], ["c", "d"], ["e", "d"]
    assert select(results, [lucky, steady, absent]) == 1
    assert select(results, [lucky, steady, steady]) == 1, "the first of equals"


def test_divergence_is_a_result(tmp_path: Path) -> None:
    wild = TrainingConfig(optimizer="sgd", learning_rate=1e30, epochs=3)
    study = Study("wild", "Wild?", "", (Variant("wild", FFNConfig(), wild),), STUDY.budget)
    result = collect(_run(tmp_path, study))
    (variant,) = result.variants
    assert (variant.n, variant.seeds, variant.diverged) == (0, 2, 2)
    assert variant.accuracy.to_dict() == {"mean": None, "std": None, "values": []}
    assert result.best is None
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize("protocol", ["documented", "controlled"])
def test_a_trial_with_outputs_that_are_not_finite_has_failed(tmp_path: Path, protocol: str) -> None:
    dataset = small_dataset()
    mfcc = dataset.test.mfcc.copy()
    mfcc[5:] = np.sign(mfcc[5:]) * 3e38  # finite in float32, but not their products
    dataset = replace(dataset, test=replace(dataset.test, mfcc=mfcc))
    run = _run(tmp_path, protocol=protocol, dataset=dataset)
    result = collect(run)
    assert {variant.n for variant in result.variants} == {0}, "whichever validation selects"
    assert result.best is None
    for trial in raw_records.read_run(run)["trials"]:
        recorded = raw_records.read_result(run, trial)
        assert recorded is not None
        assert recorded["status"] == "failed"
        assert "probabilities must be finite. Row " in recorded["reason"]
        assert "NotFiniteError" in recorded["traceback"]
        assert recorded["test"] is None
        assert not (run.trial_path(trial) / "predictions.h5").exists()


@pytest.mark.parametrize("failure", [RuntimeError, TypeError, MemoryError])
def test_a_trial_that_fails_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    original = cohort.build_model

    def failing(network: Any, classes: int, seed: int, *rest: Any) -> Any:
        if seed == 42:
            raise failure("out of memory\nwith a second line")
        return original(network, classes, seed, *rest)

    monkeypatch.setattr(cohort, "build_model", failing)
    result = collect(_run(tmp_path))
    assert [(variant.n, variant.failures) for variant in result.variants] == [
        (1, ("out of memory",))
    ] * 2
    failed = [r for r in _raw_results(result.run) if r["status"] == "failed"]
    assert {r["reason"] for r in failed} == {"out of memory"}
    assert all("with a second line" in r["traceback"] for r in failed)


def test_a_cohort_that_cannot_go_on_together_is_halved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = cohort_training.train_trials

    def narrow(members: Any, *rest: Any, **options: Any) -> Any:
        if len(members) > 1 or members[0].seed == 43:
            raise RuntimeError("CUDA out of memory\nand so on")
        return original(members, *rest, **options)

    monkeypatch.setattr(cohort_training, "train_trials", narrow)
    run = _run(tmp_path, seeds=3)
    assert [variant.n for variant in collect(run).variants] == [2, 2]
    assert {r["reason"] for r in _raw_results(run) if r["status"] == "failed"} == {
        "CUDA out of memory"
    }
    notes = [event["text"] for event in events_of(run, "note")]
    assert notes[0] == "a cohort of 3 trains in halves: CUDA out of memory"
    assert len(events_of(run, "trial")) == 6
    # A run that goes on knows of the halves.
    split = run.read_split(raw_records.read_run(run)["cohorts"][0]["id"])
    assert split is not None
    assert [len(part) for part in split] == [1, 2]


def test_a_record_that_cannot_be_written_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: RunDirectory, trial: str, save: Any) -> None:
        raise DataError("no space left")

    monkeypatch.setattr(RunDirectory, "write_model", full)
    with pytest.raises(DataError, match="no space left"):
        _run(tmp_path)


def test_a_run_says_which_trials_trained_together(tmp_path: Path) -> None:
    run = _run(tmp_path, seeds=3)
    facts = raw_records.read_run(run)
    assert [len(planned["trials"]) for planned in facts["cohorts"]] == [3, 3]
    began = [event["cohort"] for event in events_of(run, "cohort_began")]
    assert began == [planned["id"] for planned in facts["cohorts"]]
    epochs = [(event["trial"], event["epoch"]) for event in events_of(run, "epoch")]
    assert sorted(epochs) == sorted((t, e) for t in facts["trials"] for e in (1, 2, 3))
    ended = [event["trial"] for event in events_of(run, "trial")]
    assert sorted(ended) == sorted(facts["trials"])
    assert facts["device"]["precision"] == "float32"
    assert facts["device"]["workers"] == 1
    for planned in facts["cohorts"]:
        for trial in planned["trials"]:
            result = raw_records.read_result(run, trial)
            assert result is not None
            assert result["cohort"] == {"id": planned["id"], "size": 3}


def test_several_processes_give_the_same_results(tmp_path: Path) -> None:
    study = STUDIES["ffn-baseline"]  # one that a process of its own knows
    alone = _run(tmp_path / "a", study, "controlled", epochs=2)
    together = _run(tmp_path / "b", study, "controlled", epochs=2, pool=WorkerPool, workers=2)
    assert raw_records.read_run(together)["device"]["workers"] == min(
        2, len(raw_records.read_run(together)["cohorts"])
    )
    assert _without_times(alone) == _without_times(together)


class _Deadly(InlinePool):
    """The worker of every cohort with the seed 43 dies, so and so often."""

    deaths = 1000

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        cohort = args[1] if len(args) == 2 else None
        if isinstance(cohort, Cohort) and any(trial.seed == 43 for _, trial in cohort.trials):
            type(self).deaths -= 1
            if type(self).deaths >= 0:
                future: Future[Any] = Future()
                future.set_exception(WorkerDiedError("worker process 7 ended.", "SIGKILL"))
                return future
        return super().submit(fn, *args, **kwargs)


def test_a_worker_that_dies_is_replaced_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _run(tmp_path / "whole", seeds=3)
    monkeypatch.setattr(_Deadly, "deaths", 2)
    run = _run(tmp_path, seeds=3, pool=_Deadly)
    assert [event["attempt"] for event in events_of(run, "worker_died")] == [1, 2]
    assert _without_times(run) == _without_times(whole)


def test_a_trial_that_always_kills_its_worker_fails_alone(tmp_path: Path) -> None:
    run = _run(tmp_path, seeds=3, pool=_Deadly)
    assert [variant.n for variant in collect(run).variants] == [2, 2]
    failed = [r for r in _raw_results(run) if r["status"] == "failed"]
    assert {(r["seed"], r["reason"]) for r in failed} == {
        (43, "its worker process died 3 times, at last by SIGKILL")
    }
    # The cohort of three dies three times, then its half of two once, then the one three times.
    attempts = [event["attempt"] for event in events_of(run, "worker_died")]
    assert attempts == [1, 2, 3, 3, 1, 2, 3] * 2
    assert len(events_of(run, "trial")) == 6


def _raw_results(run: RunDirectory) -> list[dict[str, Any]]:
    results = [
        raw_records.read_result(run, p.parent.name) for p in run.path.glob("trials/*/result.json")
    ]
    return [result for result in results if result is not None]


def test_documented_figures_stand_beside_the_sources_rows_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = STUDIES["ffn-baseline"]
    # A foreign file may claim anything: its rows decide.
    dataset = replace(small_dataset(), provenance={"kind": "npy_folder", "is_source": True})
    for known in (False, True):
        if known:
            monkeypatch.setattr("experiments.execution.coordinator.is_source", lambda dataset: True)
        run = _run(tmp_path, study, "documented", 1, 1, dataset=dataset)
        for variant, planned in zip(collect(run).variants, study.variants, strict=True):
            assert variant.published == (planned.published if known else ())


def test_a_mel_study_without_mel_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no mel-spectrograms"):
        _run(tmp_path, STUDIES["pooling-padding"], dataset=small_dataset(mel=False))
    assert not list((tmp_path / "runs").glob("*/*/run.json"))


def test_several_processes_need_no_keras_in_the_owner() -> None:
    script = (
        "import sys, experiments.execution.coordinator; "
        "print({'torch', 'keras', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_a_finished_run_corrects_later_forecasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Computing("cpu")
    monkeypatch.setattr(forecasting, "_SHORTEST", 1e9)
    _run(tmp_path)
    assert forecasting.read_factors(asked) == {}, "too short to learn from"
    monkeypatch.setattr(forecasting, "_SHORTEST", 0.0)
    _run(tmp_path)
    assert list(forecasting.read_factors(asked)) == ["ffn"]

    monkeypatch.setenv("GENRE_TUI_CACHE", str(tmp_path / "small.h5"))  # no folder
    (ended,) = events_of(_run(tmp_path), "run_ended")
    assert ended["how"] == "finished"
