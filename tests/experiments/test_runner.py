"""A whole run in this process, on a dataset that takes seconds."""

import json
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from data import store
from data.dataset import Dataset
from data.errors import DataError
from experiments import engine, runner
from experiments.cohorts import Cohort
from experiments.launch import Computing, launch
from experiments.plan import Candidate, make_plan
from experiments.pool import InlinePool, WorkerDiedError
from experiments.records import RunDirectory
from experiments.results import collect
from experiments.studies import STUDIES
from experiments.study import Budget, Study, Variant
from experiments.trial import Trial
from networks import cohort
from networks.config import FFNConfig, TrainingConfig
from networks.inference import probabilities_of
from tests.conftest import small_dataset

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


class Silent:
    """Watches a run and keeps what it was told."""

    def __init__(self) -> None:
        self.cohorts: list[Cohort] = []
        self.epochs: list[tuple[str, int]] = []
        self.ended: list[str] = []
        self.notes: list[str] = []

    def cohort_began(self, cohort: Cohort) -> None:
        self.cohorts.append(cohort)

    def epoch_ended(self, variant: str, trial: Trial, epoch: int, logs: dict[str, float]) -> None:
        self.epochs.append((trial.id, epoch))

    def trial_ended(self, variant: str, trial: Trial, result: dict[str, Any]) -> None:
        self.ended.append(trial.id)

    def note(self, text: str) -> None:
        self.notes.append(text)


def _run(
    tmp_path: Path,
    study: Study = STUDY,
    protocol: Any = "documented",
    seeds: int = 2,
    dataset: Dataset | None = None,
    observer: Silent | None = None,
    **named: Any,
) -> RunDirectory:
    dataset = dataset or small_dataset()
    plan = make_plan(study, protocol, dataset.content_sha256, seeds)
    return launch(study, dataset, plan, tmp_path / "runs", observer or Silent(), **named)


def _without_times(run: RunDirectory) -> dict[str, Any]:
    results = {}
    for path in sorted(run.path.glob("trials/*/result.json")):
        result = json.loads(path.read_text())
        del result["seconds"], result["epoch_seconds"]
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
    facts = run.read_run()
    assert facts["dataset"]["content_sha256"] == dataset.content_sha256
    assert facts["seeds"] == [42, 43]
    assert {"keras", "torch", "python"} <= facts["versions"].keys()
    assert facts["device"]["type"] == "cpu"
    assert len(facts["trials"]) == 4
    for trial in facts["trials"]:
        result = run.read_result(trial)
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
    for variant, planned in zip(result.variants, run.read_run()["variants"], strict=True):
        trials = [run.read_result(trial) for trial in planned["candidates"][0]["trials"]]
        values = [trial["test"]["accuracy"] for trial in trials if trial]
        assert variant.n == 3
        assert variant.accuracy.values == tuple(values)
        assert variant.accuracy.mean == pytest.approx(np.mean(values))
        assert variant.accuracy.std == pytest.approx(np.std(values, ddof=1))
        summed = np.sum([trial["test"]["confusion_matrix"] for trial in trials if trial], axis=0)
        assert variant.confusion_matrix == summed.tolist()
    assert [variant.note for variant in result.variants] == ["", "a note"]
    json.dumps(result.to_dict(), allow_nan=False)


def test_controlled_selects_on_validation_and_tests_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested: list[str] = []
    original = runner.predict

    def counting(dataset: Dataset, trial: Trial, model: Any) -> Any:
        tested.append(trial.id)
        return original(dataset, trial, model)

    monkeypatch.setattr(runner, "predict", counting)
    monkeypatch.setattr("experiments.engine.predict", counting)
    run = _run(tmp_path, protocol="controlled")
    result = collect(run)
    assert [variant.learning_rate for variant in result.variants] == [0.1, 0.1]
    assert {variant.n for variant in result.variants} == {2}
    assert len(tested) == len(set(tested)) == 4
    for variant in run.read_run()["variants"]:
        for candidate in variant["candidates"]:
            for trial in candidate["trials"]:
                recorded = run.read_result(trial)
                assert recorded is not None
                assert (recorded["test"] is not None) == (candidate["learning_rate"] == 0.1)
                assert (run.trial_path(trial) / "predictions.h5").exists() == (trial in tested)


def test_selection_counts_trials_that_did_not_finish_as_zero(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)

    def candidate(rate: float, scores: list[float | None]) -> Candidate:
        trials = tuple(
            Trial(FFNConfig(), TrainingConfig(learning_rate=rate), seed, "x")
            for seed in range(len(scores))
        )
        for trial, score in zip(trials, scores, strict=True):
            result: dict[str, Any] = {"status": "diverged", "validation": {"macro_f1": 0.9}}
            if score is not None:
                result = {"status": "finished", "validation": {"macro_f1": score}}
            run.write_result(trial.id, result)
        return Candidate(trials)

    lucky, steady = candidate(0.1, [0.9, None]), candidate(0.01, [0.6, 0.5])
    assert runner.select(run, [lucky, steady]) is steady


def test_divergence_is_a_result(tmp_path: Path) -> None:
    wild = TrainingConfig(optimizer="sgd", learning_rate=1e30, epochs=3)
    study = Study("wild", "Wild?", "", (Variant("wild", FFNConfig(), wild),), STUDY.budget)
    result = collect(_run(tmp_path, study))
    (variant,) = result.variants
    assert (variant.n, variant.seeds, variant.diverged) == (0, 2, 2)
    assert variant.accuracy.to_dict() == {"mean": None, "std": None, "values": []}
    assert result.best is None
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize("failure", [RuntimeError, TypeError, MemoryError])
def test_a_trial_that_fails_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    original = cohort.build

    def failing(network: Any, classes: int, seed: int, *rest: Any) -> Any:
        if seed == 42:
            raise failure("out of memory\nwith a second line")
        return original(network, classes, seed, *rest)

    monkeypatch.setattr(cohort, "build", failing)
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
    original = engine.train_cohort

    def narrow(members: Any, *rest: Any, **options: Any) -> Any:
        if len(members) > 1 or members[0].seed == 43:
            raise RuntimeError("CUDA out of memory\nand so on")
        return original(members, *rest, **options)

    monkeypatch.setattr(engine, "train_cohort", narrow)
    observer = Silent()
    run = _run(tmp_path, seeds=3, observer=observer)
    assert [variant.n for variant in collect(run).variants] == [2, 2]
    assert {r["reason"] for r in _raw_results(run) if r["status"] == "failed"} == {
        "CUDA out of memory"
    }
    assert observer.notes[0] == "a cohort of 3 trains in halves: CUDA out of memory"
    assert len(observer.ended) == 6


def test_a_record_that_cannot_be_written_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: RunDirectory, trial: str, save: Any) -> None:
        raise DataError("no space left")

    monkeypatch.setattr(RunDirectory, "write_model", full)
    with pytest.raises(DataError, match="no space left"):
        _run(tmp_path)


def test_a_run_says_which_trials_trained_together(tmp_path: Path) -> None:
    observer = Silent()
    run = _run(tmp_path, seeds=3, observer=observer)
    facts = run.read_run()
    assert [len(planned["trials"]) for planned in facts["cohorts"]] == [3, 3]
    assert [c.id for c in observer.cohorts] == [planned["id"] for planned in facts["cohorts"]]
    assert sorted(observer.epochs) == sorted((t, e) for t in facts["trials"] for e in (1, 2, 3))
    assert sorted(observer.ended) == sorted(facts["trials"])
    assert facts["device"]["precision"] == "float32"
    assert facts["device"]["workers"] == 1
    for planned in facts["cohorts"]:
        for trial in planned["trials"]:
            result = run.read_result(trial)
            assert result is not None
            assert result["cohort"] == {"id": planned["id"], "size": 3}


def test_several_processes_give_the_same_results(tmp_path: Path) -> None:
    dataset = small_dataset()
    path = tmp_path / "small.h5"
    store.save(dataset, path)
    alone = _run(tmp_path, dataset=dataset)
    observer = Silent()
    together = _run(
        tmp_path,
        dataset=dataset,
        observer=observer,
        computing=Computing(workers=2),
        dataset_path=path,
    )
    assert together.read_run()["device"]["workers"] == 2
    assert _without_times(alone) == _without_times(together)
    assert len(observer.ended) == 4


def test_a_dead_workers_trials_are_trained_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for the pool: the worker of every cohort with the seed 43 dies."""

    class Deadly(InlinePool):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            if any(trial.seed == 43 for _, trial in args[0].trials):
                future: Future[Any] = Future()
                future.set_exception(WorkerDiedError("worker process 7 ended (SIGKILL)."))
                return future
            return super().submit(fn, *args, **kwargs)

    monkeypatch.setattr(runner, "InlinePool", Deadly)
    observer = Silent()
    run = _run(tmp_path, seeds=3, observer=observer)
    assert [variant.n for variant in collect(run).variants] == [2, 2]
    failed = [r for r in _raw_results(run) if r["status"] == "failed"]
    assert {(r["seed"], r["reason"]) for r in failed} == {(43, "worker process 7 ended (SIGKILL).")}
    assert "worker process 7 ended (SIGKILL)." in observer.notes
    assert len(observer.ended) == 6


def _raw_results(run: RunDirectory) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in run.path.glob("trials/*/result.json")]


def test_documented_figures_stand_beside_the_sources_rows_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = STUDIES["ffn-baseline"]
    # A foreign file may claim anything: its rows decide.
    dataset = replace(small_dataset(), provenance={"kind": "npy_folder", "is_source": True})
    plan = make_plan(study, "documented", dataset.content_sha256, 1, 1)
    for known in (False, True):
        if known:
            monkeypatch.setattr("experiments.launch.is_source", lambda dataset: True)
        run = launch(study, dataset, plan, tmp_path / "runs", Silent())
        for variant, planned in zip(collect(run).variants, study.variants, strict=True):
            assert variant.documented == (planned.documented if known else ())


def test_a_run_that_cannot_be_recorded_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: RunDirectory, facts: Any) -> None:
        raise DataError("no space left")

    monkeypatch.setattr(RunDirectory, "write_run", full)
    with pytest.raises(DataError, match="no space left"):
        _run(tmp_path)
    assert list((tmp_path / "runs" / "small").iterdir()) == []


def test_a_mel_study_without_mel_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no mel-spectrograms"):
        _run(tmp_path, STUDIES["pooling-padding"], dataset=small_dataset(mel=False))
    assert not (tmp_path / "runs").exists()
