"""`list` and `reproduce`, as they are typed."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from data.storage import hdf5
from experiments.cli import reproduce
from experiments.cli.main import main
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing
from experiments.design.study import PROTOCOLS
from experiments.forecasting.study_forecast import prospect
from experiments.forecasting.timings import Timing, Timings
from experiments.runs.listing import all_runs
from experiments.studies import STUDIES
from tests.conftest import small_dataset


def _type(*words: object) -> Any:
    return CliRunner().invoke(main, [str(word) for word in words])


def _measured() -> None:
    """As if a row of every kind took a millisecond."""
    for study in STUDIES.values():
        for protocol in PROTOCOLS:
            planned = prospect(study, StudyOptions(protocol), Computing())
            timings = Timings(planned.conditions)
            timings.keep_start_up(1.0)
            for cohort in timings.missing(planned.cohorts):
                members = len(cohort.trials)
                timings.keep(cohort, Timing(1e-3, 0.0, 0.0, members, 3, "2026-01-01"))


def test_list_says_what_is_not_measured_and_how_to() -> None:
    listed = _type("list").output
    for name, study in STUDIES.items():
        assert name in listed
        assert study.question.split()[0] in listed
    assert "? / ?" in listed
    assert "python -m experiments list --measure" in listed
    assert "62.14 (B)" in listed


def test_list_shows_what_was_measured() -> None:
    _measured()
    listed = _type("list").output
    assert "?:" not in listed
    plain = {study["name"]: study for study in json.loads(_type("list", "--json").output)}
    assert list(plain) == list(STUDIES)
    # 30 epochs of 3200 train rows and 800 / 3 that count as much, in one process.
    seconds = plain["ffn-baseline"]["seconds_here"]["documented"]
    assert seconds == pytest.approx(1 + 30 * (3200 + 800 / 3) * 1e-3, rel=0.2)
    assert plain["optimizers"]["trials"] == {"documented": 5, "controlled": 100}


def test_reproduce_runs_what_the_dataset_can_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        reproduce, "measure", lambda planned, report: Timings(planned[0].conditions)
    )
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
