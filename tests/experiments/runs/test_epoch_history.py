"""A trial's epochs in bounded memory."""

from __future__ import annotations

import math

import pytest

from experiments.runs.epoch_history import MOST_POINTS, SCORE, EpochHistory
from experiments.runs.events import EpochEnded
from experiments.runs.progress import TrialProgress
from experiments.runs.trial_result import Scores, TrialCohort, TrialResult


def score(epoch: int) -> float:
    """Has its highest value at an epoch that thinning drops."""
    return 0.9 if epoch == 1234 else 0.5 + 0.2 * math.sin(epoch)


def ended(epoch: int, value: float, **logs: float) -> EpochEnded:
    return EpochEnded("t", "c", epoch, 0.5, 1.0, 1, {SCORE: value, **logs}, [[epoch, 1], [2, 3]])


def trained(epochs: int) -> TrialProgress:
    trial = TrialProgress("t", "v", 1, epochs)
    for epoch in range(1, epochs + 1):
        trial.handle_epoch(ended(epoch, score(epoch), loss=1 / epoch), None)
    return trial


def test_up_to_so_many_epochs_all_are_kept() -> None:
    history = trained(MOST_POINTS).history
    assert (history.step, history.epochs) == (1, [*range(1, MOST_POINTS + 1)])
    assert history.values(SCORE) == [score(epoch) for epoch in history.epochs]


@pytest.mark.parametrize("epochs", [MOST_POINTS + 1, 2 * MOST_POINTS, 5000, 20_002])
def test_of_more_every_second_one_stays_and_always_first_best_and_last(epochs: int) -> None:
    trial = trained(epochs)
    history, best = trial.history, min(1234, epochs)
    if epochs < 1234:
        best = max(range(1, epochs + 1), key=score)
    assert trial.best == (best, score(best))
    regular = range(1, epochs + 1, history.step)
    assert history.epochs == sorted({*regular, best, epochs})
    assert MOST_POINTS // 2 <= len(history.epochs) <= MOST_POINTS + 2
    assert history.values(SCORE) == [score(epoch) for epoch in history.epochs]
    assert history.values("loss") == [1 / epoch for epoch in history.epochs]
    assert history.times() == [0.5 * epoch for epoch in history.epochs]
    assert history.matrix_epochs == history.epochs
    for epoch in (1, best, epochs):
        assert history.at(epoch, SCORE) == score(epoch)
        assert history.confusion(epoch) == [[epoch, 1], [2, 3]]
    assert history.confusion(epochs + 1) is None


def test_epochs_that_are_trained_again_after_thinning() -> None:
    trial = trained(5000)
    trial.handle_epoch(ended(1200, 0.1), None)
    # The best before: exact, although its epoch was between those that are kept.
    best = max(range(1, 1200), key=score)
    assert trial.best == (best, score(best))
    history = trial.history
    assert (history.length, history.epochs[-1], history.seconds) == (1200, 1200, 600.0)
    assert history.epochs[:-1] == [*range(1, 1200, history.step)]
    for epoch in range(1201, 1300):
        trial.handle_epoch(ended(epoch, score(epoch)), None)
    assert trial.best == (1234, 0.9)
    assert 1234 in trial.history.epochs


def test_metrics_that_come_late_or_miss_an_epoch_stay_with_their_epochs() -> None:
    history = EpochHistory()
    history.add(ended(1, 0.1), None, is_best=True)
    history.add(ended(2, 0.2, loss=3.0), None, is_best=True)
    history.add(ended(3, 0.3), None, is_best=True)
    first, second, third = history.values("loss")
    assert (math.isnan(first), second, math.isnan(third)) == (True, 3.0, True)
    assert history.values("no such metric") == []


def test_a_trial_that_names_ever_new_metrics_does_not_grow() -> None:
    history = EpochHistory()
    for epoch in range(1, 100):
        logs = {f"{name} of {epoch}": 1.0 for name in range(100)}
        history.add(ended(epoch, 0.1, **logs), None, is_best=False)
    assert len(history.metrics) < 40


def test_a_score_that_rises_for_ever_does_not_grow() -> None:
    trial = TrialProgress("t", "v", 1, 10_000)
    for epoch in range(1, 10_001):
        trial.handle_epoch(ended(epoch, epoch / 20_000), ())
    assert trial.best == (10_000, 0.5)
    assert len(trial.bests) <= 1024


def test_long_results_are_thinned_alike() -> None:
    epochs = 5000
    values = [score(epoch) for epoch in range(1, epochs + 1)]
    result = TrialResult(
        *("t", "v", 1, "finished", TrialCohort("c", 1)),
        epochs=epochs,
        best_epoch=1234,
        kept_epoch=1234,
        validation=Scores(0.9, 0.9),
        history={SCORE: values, "loss": [None] * epochs},
        epoch_seconds=(0.5,) * epochs,
    )
    trial = TrialProgress("t", "v", 1, epochs)
    trial.restore(result)
    expected = trained(epochs).history
    assert trial.history.epochs == expected.epochs
    assert trial.history.values(SCORE) == expected.values(SCORE)
    assert trial.history.times() == expected.times()
    assert all(map(math.isnan, trial.history.values("loss")))
    assert trial.history.matrix_epochs == []
    assert trial.best == (1234, 0.9)
