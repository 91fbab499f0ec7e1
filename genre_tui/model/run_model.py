"""A run as the screens draw it: its plan, and its state by its events and results."""

from __future__ import annotations

from experiments.design.plan import by_fold
from experiments.runs.directory import RunDirectory
from experiments.runs.events import EpochEnded, LogEntry, PlanMade, TrialEnded
from experiments.runs.manifest import RunManifest
from experiments.runs.progress import RunProgress, TrialProgress
from experiments.runs.state import State
from genre_tui.model.trial_groups import Group, VariantGroups
from genre_tui.watch.messages import RunUpdate

METRICS = ("val_macro_f1", "val_accuracy", "accuracy", "val_loss", "loss", "learning_rate")


class RunModel:
    """A run as the screens draw it; raises RunError where run.json is missing or damaged."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.state: State | None = None
        self.owner = self.reason = self.problem = ""
        self.progress = RunProgress(history=None)
        self._learn(run.read_manifest())

    def _learn(self, manifest: RunManifest) -> None:
        """Use a manifest; what is known of its trials stays."""
        self.manifest = manifest
        self.study, self.protocol = manifest.study, manifest.protocol
        self.dataset = manifest.dataset.name
        self.is_demo = manifest.dataset.kind == "demo"
        self.genres = manifest.dataset.genres
        self.variants = tuple(variant.name for variant in manifest.variants)
        known, trials = self.progress.trials, {}
        for variant, trial in manifest.plan.trials:
            planned = known.get(trial.id) or TrialProgress(trial.id, variant, trial.seed, 0)
            planned.variant, planned.seed = variant, trial.seed
            planned.fold = trial.fold and trial.fold.number
            planned.epochs = trial.training.epochs
            planned.learning_rate = trial.training.learning_rate
            trials[trial.id] = planned
        self.progress.trials = trials
        self.settings = self._settings()

    @property
    def trials(self) -> dict[str, TrialProgress]:
        """All trials by their ids, in the order of the plan."""
        return self.progress.trials

    @property
    def is_alive(self) -> bool:
        """Whether a process trains it."""
        return self.state in ("running", "stopping")

    def count(self, *statuses: str) -> int:
        """Number of trials with one of these statuses."""
        return sum(trial.status in statuses for trial in self.trials.values())

    def handle(self, update: RunUpdate) -> None:
        """Update it; events that make no sense are left out."""
        if update.anew or update.progress is not None:
            self.progress = update.progress or RunProgress(history=None)
        if update.anew or update.progress is not None or update.manifest is not None:
            self._learn(update.manifest or self.manifest)
        self.problem = update.problem
        if not update.problem:
            self.state, self.owner, self.reason = update.state, update.owner, update.reason
        for entry in update.entries:
            self._handle(entry)
        for name, result in (update.results or {}).items():
            if result is not None and name in self.trials:
                self.trials[name].restore(result)
                self._changed(name, 1)
        if self.state == "crashed":  # no event reports that
            self.progress.interrupt()

    def _handle(self, entry: LogEntry) -> None:
        if isinstance(entry.event, PlanMade):
            return  # run.json names the trials
        self.progress.handle(entry)
        match entry.event:
            case EpochEnded(trial=name, epoch=epoch):
                self._changed(name, max(epoch, 1))
            case TrialEnded(trial=name) if name in self.trials:
                self._changed(name, self.trials[name].length + 1)

    def _changed(self, trial: str, epoch: int) -> None:
        for group in self._groups.get(trial, ()):
            group.changed(epoch)

    def _settings(self) -> tuple[VariantGroups, ...]:
        """The groups of trials by variant and learning rate."""
        self._groups: dict[str, list[Group]] = {}
        settings = []
        for name, variant in zip(self.variants, self.manifest.variants, strict=True):
            groups = []
            for alike in zip(*by_fold(variant.candidates), strict=True):
                trials = [self.trials[trial] for candidate in alike for trial in candidate.ids]
                groups.append(Group(name, alike[0].learning_rate, trials))
                for trial in trials:
                    self._groups.setdefault(trial.id, []).append(groups[-1])
            settings.append(VariantGroups(name, tuple(groups)))
        return tuple(settings)
