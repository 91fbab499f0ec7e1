"""The pane of one trial: its figures and its settings."""

from __future__ import annotations

import asyncio
from pathlib import Path

from experiments.studies import STUDIES
from genre_tui.model.run_model import RunModel
from genre_tui.run.panes import TrialPane, TrialSettings, figures_text
from genre_tui.run.screen import RunPage
from genre_tui.watch.run_watcher import RunWatcher
from tests.genre_tui.support.app_driver import run_app
from tests.genre_tui.support.live_run import live_run
from tests.support.recorded_runs import record


def test_settings_that_differ_come_first(tmp_path: Path) -> None:
    run = record(tmp_path, STUDIES["optimizers"], seeds=2, epochs=3)
    settings = TrialSettings(run.read_manifest())
    (first, *_) = run.read_manifest().trials
    unlike, shared = settings.of(first)
    assert set(unlike) == {"training.optimizer", "training.learning_rate"}
    assert shared["network.kind"] == "cnn"
    assert shared["training.epochs"] == "3"
    assert shared["training.schedule.kind"] == "none"
    assert "training.schedule.factor" not in shared  # there is none
    assert settings.of("no such trial") == ({}, {})


def test_figures_of_a_trial(tmp_path: Path) -> None:
    run = record(tmp_path, seeds=1, epochs=2)
    model = RunModel(run)
    trial = next(iter(model.trials.values()))
    assert "best" not in figures_text(trial).plain  # nothing was read yet
    RunWatcher(run, 1.0, model.handle).poll()
    text = figures_text(trial).plain
    epoch, score = trial.best or (0, 0.0)
    assert text.startswith(f"{trial.variant} seed {trial.seed}  {trial.id}\n")
    assert f"best macro-F1 {100 * score:.1f} % on validation, epoch {epoch}\n" in text
    assert "\nepoch 2 of 2, " in text


def test_a_trial_that_failed_says_why(tmp_path: Path) -> None:
    run = record(tmp_path, seeds=1, epochs=2, status=lambda variant, trial: "failed")
    model = RunModel(run)
    RunWatcher(run, 1.0, model.handle).poll()
    trial = next(iter(model.trials.values()))
    assert "failed: no memory left" in figures_text(trial).plain


def test_the_pane_follows_the_cursor(tmp_path: Path) -> None:
    async def flow() -> None:
        with live_run(tmp_path, seeds=2) as writer:
            writer.begin()
            writer.epoch(writer.trials[1], 1, 0.5)
            async with run_app(tmp_path, (140, 45), "run", run=writer.run) as user:
                await user.sees(f"seed 42  {writer.trials[0]}", "training.learning_rate")
                await user.press("down")
                await user.sees(f"seed 43  {writer.trials[1]}", "best macro-F1 50.0 %")
                writer.epoch(writer.trials[1], 2, 0.6)
                await user.sees("best macro-F1 60.0 % on validation, epoch 2")

    asyncio.run(flow())


def test_a_key_shows_it_instead_of_the_trials(tmp_path: Path) -> None:
    run = record(tmp_path, seeds=2)

    async def flow() -> None:
        async with run_app(tmp_path, (80, 24), "run", run=run) as user:
            await user.sees("macro-F1 %", "✓ finished")
            assert "s each" not in user.text
            await user.press("i")
            await user.sees("seed 42", "epoch 4 of 4", "s each")
            page = user.page(RunPage)
            assert not page.table.display
            await user.press("end")
            await user.sees("training.early_stopping")
            await user.press("i")
            await user.wait_until(lambda: user.app.focused is page.table and page.table.display)
            assert not page.query_one(TrialPane).display
            await user.press("i", "o")
            await user.sees("console.log")
            assert not page.query_one(TrialPane).parent.display  # type: ignore[union-attr]

    asyncio.run(flow())
