"""A run as the screens draw it: its plan, and all that its events have told so far."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from experiments.errors import MISSHAPEN, RunError
from experiments.runs import validation
from experiments.runs.directory import RunDirectory
from experiments.runs.events import EpochEnded, LogEntry, PlanMade, TrialEnded
from experiments.runs.progress import RunProgress, TrialProgress
from experiments.runs.state import State
from genre_tui.model.trial_groups import Group, Variant
from genre_tui.watch.messages import RunUpdate

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
        self.progress = RunProgress(history=None)
        self._learn(run.read_run())

    def _learn(self, facts: dict[str, Any]) -> None:
        """What run.json says; trials that are known already stay as they are."""
        try:
            self.facts = facts
            self.study, self.protocol = str(facts["study"]), str(facts["protocol"])
            self.dataset = str(facts["dataset"]["name"])
            self.is_demo = facts["dataset"]["kind"] == "demo"
            self.genres = tuple(str(genre) for genre in facts["dataset"]["genres"])
            self.variants = tuple(str(variant["name"]) for variant in facts["variants"])
            self.progress.plan(self._planned())
            self.settings = self._settings()
        except MISSHAPEN as error:
            raise RunError(f"{self.run.path / 'run.json'} is damaged ({error!r:.80}).") from error

    @property
    def trials(self) -> dict[str, TrialProgress]:
        """All trials by their ids, in the order of the plan."""
        return self.progress.trials

    @property
    def is_alive(self) -> bool:
        """Whether somebody carries it out."""
        return self.state in ("running", "stopping")

    def count(self, *statuses: str) -> int:
        """Trials that are one of these."""
        return sum(trial.status in statuses for trial in self.trials.values())

    def handle(self, update: RunUpdate) -> None:
        """Take in what is new; what makes no sense is left out."""
        if update.anew:
            self.progress = RunProgress(history=None)
        if update.anew or update.facts is not None:
            try:
                self._learn(update.facts or self.facts)
            except RunError as error:
                self.problem = str(error)
                return
        self.problem = update.problem
        if not update.problem:
            self.state, self.owner, self.reason = update.state, update.owner, update.reason
        for entry in update.entries:
            self._handle(entry)
        for name, result in (update.results or {}).items():
            with suppress(*MISSHAPEN):
                if result is not None:
                    self.trials[name].restore(result)
                    self._ended(self.trials[name], first_changed=1)
        if self.state == "crashed":  # no event says that nothing trains any more
            self.progress.interrupt()

    def _handle(self, entry: LogEntry) -> None:
        if isinstance(entry.event, PlanMade):
            return  # run.json names the trials
        self.progress.handle(entry)
        match entry.event:
            case EpochEnded(trial=name, epoch=epoch):
                self._changed(name, max(epoch, 1))
            case TrialEnded(trial=name) if name in self.trials:
                self._ended(self.trials[name], first_changed=self.trials[name].length + 1)

    def _ended(self, trial: TrialProgress, first_changed: int) -> None:
        trial.reason = trial.reason
        self._changed(trial.id, first_changed)

    def _changed(self, trial: str, epoch: int) -> None:
        for group in self._groups.get(trial, ()):
            group.changed(epoch)

    def _planned(self) -> list[TrialProgress]:
        """Every trial of the plan, nothing trained."""
        names: dict[str, str] = {}
        for variant in self.facts["variants"]:
            for candidate in variant["candidates"]:
                for trial in candidate["trials"]:
                    names.setdefault(str(trial), str(variant["name"]))
        return [
            TrialProgress(
                str(name),
                names.get(str(name), ""),
                int(plain["seed"]),
                validation.count(plain["training"]["epochs"]),
                float(plain["training"]["learning_rate"]),
            )
            for name, plain in self.facts["trials"].items()
        ]

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
