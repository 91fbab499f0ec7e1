"""A run as the screens draw it: what its events and results make of it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.design.plan import Candidate
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.studies import STUDIES
from genre_tui.model.run_model import RunModel
from genre_tui.run.curves import (
    METRICS,
    CurveOptions,
    curves_of,
    mark_of,
    shown_variants,
    time_unit,
)
from genre_tui.run.trial_table import curves_csv, files, trials_csv, trials_json
from genre_tui.watch.messages import RunUpdate
from tests.support import raw_records
from tests.support.raw_events import entries
from tests.support.recorded_runs import record, with_names

LOGS = {"loss": 1.0, "val_loss": 1.1, "accuracy": 0.5, "val_accuracy": 0.4, "val_macro_f1": 0.3}


def _told(run: RunDirectory, *events: dict[str, Any], **about: Any) -> RunUpdate:
    state = about.pop("state", "running")
    anew = about.pop("anew", False)
    return RunUpdate(run, anew, entries(*events), state, "", "", about.pop("problem", ""), **about)


def _epoch(trial: str, number: int, f1: object = 0.3, **about: Any) -> dict[str, Any]:
    event = {"event": "epoch", "time": 10.0 * number, "trial": trial, "cohort": "c0"}
    event |= {"epoch": number, "seconds": 2.0, "rows_per_second": 5.0, "memory": 7, "share": 0.1}
    event |= {"seconds_left": None, "logs": LOGS | {"val_macro_f1": f1}, "confusion": [[1]]}
    return event | about


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """Two variants, three seeds, several learning rates, four epochs."""
    return record(tmp_path, baselines=())


def test_epochs_come_one_by_one_and_are_trained_anew(run: RunDirectory) -> None:
    model = RunModel(run)
    name, trial = next(iter(model.trials.items()))
    model.handle(_told(run, _epoch(name, 1, 0.3), _epoch(name, 2, 0.6), _epoch(name, 3, "nan")))
    assert trial.best == (2, 0.6)
    assert (trial.epoch, trial.length, trial.history.times()) == (3, 3, [2.0, 4.0, 6.0])
    assert math.isnan(trial.history.values("val_macro_f1")[2])
    model.handle(_told(run, _epoch(name, 2, 0.9)))  # from its checkpoint, after a death
    assert trial.best == (2, 0.9)
    assert trial.epoch == 2
    model.handle(_told(run, _epoch(name, 9), {"event": "epoch", "time": 1.0}, {"event": "x"}))
    assert trial.epoch == 2  # an epoch is missing before the ninth
    assert model.progress.newest == name


def test_results_fill_in_what_no_event_told(run: RunDirectory) -> None:
    model = RunModel(run)
    first, second = list(model.trials)[:2]
    results = {name: run.read_result(name) for name in model.trials}
    model.handle(_told(run, _epoch(first, 1, 0.25), state="finished", results=results))
    assert model.trials[first].history.values("val_macro_f1") == [0.25]  # as the events have it
    reported = results[second]
    assert reported is not None
    assert model.trials[second].history.values("val_macro_f1") == reported.history["val_macro_f1"]
    assert model.trials[second].history.times() == [0.5, 1.0, 1.5, 2.0]
    assert model.trials[second].history.matrix_epochs == []
    assert model.count("finished") == len(model.trials)
    tested = [name for name, result in results.items() if result and result.test]
    assert {name for name, trial in model.trials.items() if trial.test} == set(tested)
    model.handle(_told(run, _epoch(second, 1, 0.125)))
    assert model.trials[second].history.values("val_macro_f1") == [0.125]


def test_events_that_begin_anew_forget_the_old_ones(run: RunDirectory) -> None:
    model = RunModel(run)
    name = next(iter(model.trials))
    model.handle(_told(run, _epoch(name, 1)))
    model.handle(_told(run, anew=True, manifest=run.read_manifest()))
    assert model.trials[name].length == 0
    assert model.settings[0].groups[0].band("val_macro_f1").mean == []


def test_trials_that_a_search_draws_later_are_taken_in(run: RunDirectory) -> None:
    manifest = run.read_manifest()
    kept, *rest = manifest.trials
    first = manifest.variants[0]
    drawn = replace(first, candidates=(Candidate((manifest.trials[kept],)),))
    early = replace(manifest, trials={kept: manifest.trials[kept]}, variants=(drawn,))
    model = RunModel(run)
    model.handle(_told(run, anew=True, manifest=early))
    model.handle(_told(run, _epoch(kept, 1, 0.5)))
    assert list(model.trials) == [kept]
    model.handle(_told(run, _epoch(rest[0], 1, 0.7), manifest=manifest))
    assert len(model.trials) == len(manifest.trials)
    assert model.trials[kept].history.values("val_macro_f1") == [0.5]
    assert model.trials[rest[0]].history.values("val_macro_f1") == [0.7]


def test_a_damaged_run_is_refused_with_a_sentence(run: RunDirectory) -> None:
    facts = raw_records.read_run(run)
    del facts["variants"]
    (run.path / "run.json").unlink()
    raw_records.write_run(run, facts)
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        RunModel(run)


def test_curves_are_of_the_best_learning_rate_until_another_is_chosen(run: RunDirectory) -> None:
    model = RunModel(run)
    groups = model.settings[0].groups
    for number, group in enumerate(groups):
        for seed, trial in enumerate(group.trials):
            f1 = 0.9 if number == 1 else 0.1 * (seed + 1)
            model.handle(_told(run, _epoch(trial.id, 1, f1), _epoch(trial.id, 2, f1)))
    best = next(c for c in curves_of(model, METRICS[0], CurveOptions()) if c.colour == 0)
    assert list(best.y) == pytest.approx([90, 90])
    chosen = next(
        c for c in curves_of(model, METRICS[0], CurveOptions(rates={0: 0})) if c.colour == 0
    )
    assert list(chosen.y) == pytest.approx([20, 20])
    assert list(chosen.low) == pytest.approx([10, 10])
    assert list(chosen.high) == pytest.approx([30, 30])
    assert list(chosen.x) == [1, 2]
    timed = curves_of(model, METRICS[0], CurveOptions(by_time=True))[0]
    assert list(timed.x) == [2.0, 4.0]
    assert time_unit(model, CurveOptions(by_time=True)) == ("seconds", 1.0)


def test_train_is_dotted_beside_validation_or_alone(run: RunDirectory) -> None:
    model = RunModel(run)
    for trial in model.settings[0].groups[0].trials:
        model.handle(_told(run, _epoch(trial.id, 1)))
    loss = METRICS[2]
    both = [curve for curve in curves_of(model, loss, CurveOptions()) if curve.colour == 0]
    assert [(curve.dotted, curve.y[0]) for curve in both] == [(False, 1.1), (True, 1.0)]
    alone = [
        curve for curve in curves_of(model, loss, CurveOptions(lines="train")) if curve.colour == 0
    ]
    assert [(curve.dotted, curve.y[0]) for curve in alone] == [(False, 1.0)]


def test_smoothing_is_a_moving_average_without_bias(run: RunDirectory) -> None:
    model = RunModel(run)
    trial = model.settings[0].groups[0].trials[0]
    for epoch, f1 in enumerate((0.5, 0.9, "nan", 0.1), 1):
        model.handle(_told(run, _epoch(trial.id, epoch, f1)))
    curve = curves_of(model, METRICS[0], CurveOptions(smoothing=0.6, pinned=(trial.id,)))[0]
    assert curve.name == f"s{trial.seed} {trial.variant}"
    assert curve.y[0] == pytest.approx(50)
    assert curve.y[1] == pytest.approx(100 * (0.6 * 0.4 * 0.5 + 0.4 * 0.9) / (1 - 0.36))
    assert math.isnan(curve.y[2])
    assert curve.last == pytest.approx(10)  # the figure beside its name stays what was measured
    assert curve.y[3] == pytest.approx(100 * (0.144 * 0.5 + 0.24 * 0.9 + 0.4 * 0.1) / (1 - 0.216))


def test_of_many_variants_the_best_are_drawn_and_the_one_under_the_cursor(tmp_path: Path) -> None:
    names = [f"v{number:02d}" for number in range(30)]
    run = record(tmp_path, with_names(STUDIES["activations"], names), seeds=1, baselines=())
    model = RunModel(run)
    shown = shown_variants(model, CurveOptions(variant=29))
    assert len(shown) == 12
    assert shown[-1] == 29
    marks = [mark_of(number) for number in range(30)]
    assert len(set(marks)) == 30


def test_files_have_a_line_each_trial_and_each_value(run: RunDirectory) -> None:
    model = RunModel(run)
    name = next(iter(model.trials))
    model.handle(_told(run, _epoch(name, 1, 0.5), _epoch(name, 2, "nan")))
    lines = trials_csv(model).splitlines()
    assert len(lines) == 1 + len(model.trials)
    assert f"{name}," in lines[1]
    assert ",2,4,1,0.5," in lines[1]
    values = curves_csv(model).splitlines()
    assert len(values) == 1 + 2 * 5
    assert values[1].endswith(",1,2.0,val_macro_f1,0.5")
    assert values[6].endswith(",2,4.0,val_macro_f1,")
    assert '"nan"' in trials_json(model)


def test_of_long_trainings_some_epochs_are_drawn_and_files_say_so(run: RunDirectory) -> None:
    model = RunModel(run)
    first, second, third = model.settings[0].groups[0].trials
    for trial, epochs in ((first, 3000), (second, 2000), (third, 10)):
        for epoch in range(1, epochs + 1):
            (entry,) = entries(_epoch(trial.id, epoch, 0.25 if epoch < 1500 else 0.75))
            model.handle(RunUpdate(run, False, (entry,), "running"))
    assert (first.history.step, second.history.step, third.history.step) == (4, 2, 1)
    (curve,) = [c for c in curves_of(model, METRICS[0], CurveOptions()) if c.colour == 0]
    assert list(curve.x) == [*range(1, 3000, 4), 3000]
    assert list(curve.y) == pytest.approx([25.0] * 375 + [75.0] * 376)
    pinned = curves_of(model, METRICS[0], CurveOptions(pinned=(third.id,)))[0]
    assert list(pinned.x) == [*range(1, 11)]
    timed = curves_of(model, METRICS[0], CurveOptions(by_time=True))[0]
    assert [60 * x for x in timed.x] == pytest.approx([2 * epoch for epoch in curve.x])
    named = files(model)
    assert list(named) == ["trials.csv", "curves-1-epoch-in-4.csv", "trials-1-epoch-in-4.json"]
    lines = named["curves-1-epoch-in-4.csv"].splitlines()[1:]
    kept = [int(line.split(",")[4]) for line in lines if line.startswith(f"{first.id},")]
    assert kept == [
        epoch for epoch in [*range(1, 1500, 4), 1500, *range(1501, 3000, 4), 3000] for _ in range(5)
    ]
    trials = json.loads(named["trials-1-epoch-in-4.json"])["trials"]
    assert trials[0]["history_epochs"] == first.history.epochs
    assert len(trials[0]["history"]["loss"]) == len(trials[0]["history_epochs"])
    assert "history_epochs" not in trials[2]
