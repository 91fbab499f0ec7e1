"""A run as the screens draw it: its plan, and all that its events have told so far."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from data.terminal.text import clean
from experiments.errors import MISSHAPEN, RunError
from experiments.runs import validation
from experiments.runs.directory import RunDirectory
from experiments.runs.live_state import RunView
from experiments.runs.state import State
from genre_tui.model.trial_groups import Group, Variant
from genre_tui.model.trial_model import TrialModel, test_scores
from genre_tui.model.worker_activity import Activity
from genre_tui.watch.messages import RunTold

METRICS = ("val_macro_f1", "val_accuracy", "accuracy", "val_loss", "loss", "learning_rate")


class RunModel:
    """A run as the screens draw it.

    Args:
        run: its directory; its run.json is read here.

    Raises:
        RunError: run.json is missing or damaged.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.state: State | None = None
        self.owner = self.reason = self.problem = ""
        self.view, self.activity = RunView(), Activity()
        self.trials: dict[str, TrialModel] = {}
        self.newest = ""  # trial that was told of last
        self._learn(run.read_run())

    def _learn(self, facts: dict[str, Any]) -> None:
        """What run.json says; trials that are known already stay as they are."""
        try:
            self.facts = facts
            self.study, self.protocol = clean(str(facts["study"])), clean(str(facts["protocol"]))
            self.dataset = clean(str(facts["dataset"]["name"]))
            self.is_demo = facts["dataset"]["kind"] == "demo"
            self.genres = tuple(clean(str(genre)) for genre in facts["dataset"]["genres"])
            self.variants = tuple(clean(str(variant["name"])) for variant in facts["variants"])
            self.trials = self._planned() | self.trials
            self.settings = self._settings()
        except MISSHAPEN as error:
            raise RunError(f"{self.run.path / 'run.json'} is damaged ({error!r:.80}).") from error

    @property
    def is_alive(self) -> bool:
        """Whether somebody carries it out."""
        return self.state in ("running", "stopping")

    def count(self, *statuses: str) -> int:
        """Trials that are one of these."""
        return sum(trial.status in statuses for trial in self.trials.values())

    def take(self, news: RunTold) -> None:
        """Take in what is new; what makes no sense is passed over."""
        if news.anew:
            self.view, self.activity, self.newest, self.trials = RunView(), Activity(), "", {}
        if news.anew or news.facts is not None:
            try:
                self._learn(news.facts or self.facts)
            except RunError as error:
                self.problem = str(error)
                return
        self.problem = news.problem
        if news.state is not None:
            self.state, self.owner, self.reason = news.state, news.owner, news.reason
        for event in news.events:
            self.view.take(event)
            with suppress(*MISSHAPEN):
                self.activity.take(event)
            with suppress(*MISSHAPEN):
                self._take(event)
        for name, result in (news.results or {}).items():
            with suppress(*MISSHAPEN):
                if result is not None:
                    self.trials[name].take_result(result)
                    self._changed(name, 1)
        if self.state == "crashed":  # nobody has told that they train no more
            self._interrupt()

    def _take(self, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "run_began" | "run_ended":
                self._interrupt()
            case "cohort_began":
                for name in event["trials"]:
                    self.trials[name].status = "training"
            case "epoch":
                trial = self.trials[event["trial"]]
                trial.status, self.newest = "training", trial.id
                trial.take(event)
                self._changed(trial.id, trial.epoch)
            case "trial":
                trial = self.trials[event["trial"]]
                trial.status = str(event["status"])
                trial.reason = clean(str(event.get("reason", "")))
                trial.test = test_scores(event)
                self._changed(trial.id, trial.length + 1)

    def _interrupt(self) -> None:
        for trial in self.trials.values():
            if trial.status == "training":
                trial.status = "waiting"

    def _changed(self, trial: str, epoch: int) -> None:
        for group in self._groups.get(trial, ()):
            group.changed(epoch)

    def _planned(self) -> dict[str, TrialModel]:
        """Every trial of the plan, nothing trained."""
        names: dict[str, str] = {}
        for variant in self.facts["variants"]:
            for candidate in variant["candidates"]:
                for trial in candidate["trials"]:
                    names.setdefault(str(trial), clean(str(variant["name"])))
        return {
            str(name): TrialModel(
                str(name),
                names.get(str(name), ""),
                int(plain["seed"]),
                float(plain["training"]["learning_rate"]),
                validation.count(plain["training"]["epochs"]),
            )
            for name, plain in self.facts["trials"].items()
        }

    def _settings(self) -> tuple[Variant, ...]:
        """Variants, learning rates and seeds, as they belong together."""
        self._groups: dict[str, list[Group]] = {}
        settings = []
        for name, variant in zip(self.variants, self.facts["variants"], strict=True):
            groups = []
            for candidate in variant["candidates"]:
                trials = [self.trials[str(trial)] for trial in candidate["trials"]]
                if trials:
                    groups.append(Group(name, trials[0].learning_rate, trials))
                for trial in trials:
                    self._groups.setdefault(trial.id, []).append(groups[-1])
            if groups:
                settings.append(Variant(name, tuple(groups)))
        return tuple(settings)
