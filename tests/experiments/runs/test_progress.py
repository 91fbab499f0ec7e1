"""The state of a run, from its events."""

from __future__ import annotations

import math
from typing import Any

import pytest

from experiments.runs.events import CohortBegan, LogEntry, Note, RunEnded, WorkerDied, parse
from experiments.runs.progress import RunProgress, TrialProgress
from experiments.runs.validation import MALFORMED
from tests.support.raw_events import entries

PLAN = {
    "event": "plan",
    "workers": 2,
    "cohorts": [
        {"id": "c", "trials": [{"id": "t", "variant": "v", "seed": 1, "epochs": 3, "work": 1}]}
    ],
}


def epoch(trial: str, number: int, f1: object = 0.3, **about: Any) -> dict[str, Any]:
    event = {"event": "epoch", "time": 10.0 * number, "trial": trial, "cohort": "c"}
    event |= {"epoch": number, "seconds": 2.0, "rows_per_second": 5.0, "memory": 7, "share": 0.1}
    event |= {"seconds_left": None, "logs": {"loss": 1.0, "val_macro_f1": f1}}
    return event | {"confusion": [[1]]} | about


def after(progress: RunProgress, *events: dict[str, Any]) -> RunProgress:
    for entry in entries(*events):
        progress.handle(entry)
    return progress


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"event": "epoch", "trial": "t"},
        epoch("t", 1) | {"epoch": "many"},
        epoch("t", 1) | {"confusion": [[1, -1]]},
        epoch("t", 1) | {"confusion": [[True]]},
        epoch("t", 1) | {"share": 2.0},
        epoch("t", 1) | {"logs": {"loss": "low"}},
        {"event": "trial", "trial": {}},
        {"event": "plan", "cohorts": 7, "workers": 1},
        {"event": "plan", "cohorts": [{"id": "c", "trials": [{}]}], "workers": 1},
        {"event": "run_ended", "how": "somehow"},
        {"event": "note", "text": 7},
        {"event": "note", "text": "x", "time": {}},
        {"event": "note", "text": "x", "n": True},
        {"event": ["note"]},
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(MALFORMED):
        parse({"n": 1, "time": 1.0, **fields})


def test_events_of_a_later_version_are_passed_over() -> None:
    assert parse({"n": 1, "time": 1.0, "event": "of a later version"}) is None
    entry = parse({"n": 1, "time": 1.0, "event": "note", "text": "x", "of a later version": 7})
    assert entry == LogEntry(1, 1.0, Note("x"))


def test_events_are_read_as_they_are_written() -> None:
    plain = {"n": 1} | epoch("t", 2, cpu=1.5, share=0.5)
    entry = parse(plain)
    assert entry is not None
    assert entry.to_dict() == plain


def test_events_of_unknown_trials_and_in_no_order_are_counted() -> None:
    progress = after(
        RunProgress(history=None), PLAN, epoch("none", 1), epoch("t", 2), epoch("t", 0)
    )
    assert progress.invalid_events == 3
    assert progress.trials == {"t": TrialProgress("t", "v", 1, 3)}
    assert after(progress, epoch("t", 1)).trials["t"].epoch == 1
    assert progress.invalid_events == 3


def test_only_what_is_asked_for_is_kept() -> None:
    reported = [PLAN, epoch("t", 1, 0.25), epoch("t", 2, 0.5), epoch("t", 3, "nan")]
    bare, score, all_of_it = (
        after(RunProgress(history=history), *reported).trials["t"]
        for history in ((), ("val_macro_f1",), None)
    )
    assert bare.length == 0
    assert score.history.values("val_macro_f1")[:2] == [0.25, 0.5]
    assert score.history.metrics == ["val_macro_f1"]
    assert score.history.matrix_epochs == []
    assert all_of_it.history.values("loss") == [1.0, 1.0, 1.0]
    assert all_of_it.history.times() == [2.0, 4.0, 6.0]
    assert all_of_it.history.matrix_epochs == [1, 2, 3]
    assert all_of_it.history.confusion(2) == [[1]]
    assert {trial.best for trial in (bare, score, all_of_it)} == {(2, 0.5)}
    assert math.isnan(bare.logs["val_macro_f1"])


def test_an_epoch_that_is_trained_again_takes_its_place() -> None:
    for history in ((), ("val_macro_f1",), None):
        progress = RunProgress(history=history)
        after(progress, PLAN, *(epoch("t", n, f1) for n, f1 in ((1, 0.5), (2, 0.75), (3, 0.25))))
        trial = after(progress, epoch("t", 2, 0.6)).trials["t"]
        assert trial.epoch == 2
        assert trial.best == (2, 0.6)


def test_what_the_workers_do_is_summed_up() -> None:
    progress = RunProgress([TrialProgress(name, "v", 1, 9) for name in "xyz"])
    assert progress.epochs_per_second is None
    for cohort, pid in (("a", 1), ("b", 2)):
        progress.handle(LogEntry(1, 0.0, CohortBegan(cohort, (), 0, pid)))
    for number in range(1, 5):
        for trial in ("x", "y"):
            after(progress, epoch(trial, number, cohort="a", cpu=0.75, memory=100))
    after(progress, epoch("z", 1, cohort="b", cpu=1.0, memory=50, gpu=0.5, time=40.0))
    assert (progress.memory, progress.cpu, progress.gpu) == (150, 1.75, 0.5)
    assert progress.rows_per_second == 10.0
    # Two trials in lockstep, epochs 2 to 4 in 30 seconds, and one of the other cohort.
    assert progress.epochs_per_second == pytest.approx(7 / 30)
    after(progress, epoch("x", 5, cohort="a", time=5.0))  # the clock was set back
    assert progress.epochs_per_second is None
    progress.handle(LogEntry(1, 0.0, WorkerDied("b", "signal 9", 1)))
    assert progress.gpu is None
    assert progress.memory == 7
    progress.handle(LogEntry(1, 0.0, RunEnded("stopped")))
    assert progress.workers == {}
