"""`list` and `reproduce`, as they are typed."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from data.storage import hdf5
from experiments import machine_speed
from experiments.cli.main import main
from experiments.design.request import Computing
from experiments.forecasting import correct_factors, on_this_machine
from experiments.runs.listing import all_runs
from experiments.studies import STUDIES
from tests.conftest import small_dataset


def _type(*words: object) -> Any:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_list_shows_rough_times_and_how_to_measure() -> None:
    listed = _type("list").output
    for name, study in STUDIES.items():
        assert name in listed
        assert study.question.split()[0] in listed
    assert listed.count(" / ~") == len(STUDIES)
    assert "~: roughly, until python -m experiments list --measure." in listed
    assert "62.14 (B)" in listed
    plain = json.loads(_type("list", "--json").output)
    assert not any(study["is_measured_here"] for study in plain)
    assert all(min(study["seconds_here"].values()) > 1 for study in plain)


def test_list_shows_what_was_measured() -> None:
    rough = {study["name"]: study for study in json.loads(_type("list", "--json").output)}
    correct_factors(on_this_machine(Computing()), dict.fromkeys(("start_up", "ffn", "cnn"), 3.0))
    assert "~" not in _type("list").output
    plain = {study["name"]: study for study in json.loads(_type("list", "--json").output)}
    assert list(plain) == list(STUDIES)
    for name, study in plain.items():
        times, before = study["seconds_here"], rough[name]["seconds_here"]
        assert times == pytest.approx({key: 3 * before[key] for key in times}, abs=0.2)
        assert study["is_measured_here"]
    assert plain["optimizers"]["trials"] == {"documented": 5, "controlled": 100}


def test_list_measures_first_where_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(computing: Computing, report: Any) -> None:
        report("as fast as can be")
        factors = dict.fromkeys(("start_up", "ffn", "cnn"), 1e-3)
        correct_factors(on_this_machine(computing), factors)

    monkeypatch.setattr(machine_speed, "measure", measure)
    assert "~" not in _type("list", "--measure").output


def test_reproduce_runs_what_the_dataset_can_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_speed, "measure", lambda computing, report: report("nothing"))
    path, report = tmp_path / "small.h5", tmp_path / "report.html"
    hdf5.save(small_dataset(mel=False), path)
    words = ("reproduce", "--data", path, "--epochs", 1, "--device", "cpu", "-o", report)
    studies = ("--studies", "ffn-baseline,batch-norm", "--runs", tmp_path / "runs")
    estimate = _type(*words, *studies, "--estimate")
    assert estimate.exit_code == 0, estimate.output
    assert "Left out, as small has no mel-spectrograms: batch-norm." in estimate.output
    assert not (tmp_path / "runs").exists()

    first = _type(*words, *studies)
    assert first.exit_code == 0, first.output
    assert "1 studies" in first.output or "1 study" in first.output
    (run,) = all_runs(tmp_path / "runs")
    assert STUDIES["ffn-baseline"].question in report.read_text(encoding="utf-8")
    again = _type(*words, *studies)
    assert f"ffn-baseline: done already, {run.path.name}" in again.output
    assert all_runs(tmp_path / "runs") == [run]


def test_reproduce_without_anything_to_run(tmp_path: Path) -> None:
    path = tmp_path / "small.h5"
    hdf5.save(small_dataset(mel=False), path)
    refused = _type("reproduce", "--data", path, "--studies", "dropout")
    assert refused.exit_code == 2
    assert "none of these studies can run on this dataset" in refused.output
    unknown = _type("reproduce", "--data", path, "--studies", "droput")
    assert "there is no study 'droput'. Did you mean 'dropout'?" in unknown.output


def test_more_threads_than_cores_are_refused_before_the_machine_is_measured(
    monkeypatch: pytest.MonkeyPatch, own_places: Path
) -> None:
    hdf5.save(small_dataset(), own_places / "datasets" / "small.h5")
    monkeypatch.setattr("experiments.design.request.usable_cores", lambda: 2)
    monkeypatch.setattr(machine_speed, "measure", lambda *_: pytest.fail("was measured"))
    done = _type("run", "ffn-baseline", "--data", "small", "--epochs", 100000, "--threads", 3)
    assert done.exit_code == 2
    assert "--threads 3 is more than the 2 cores" in done.stderr
