"""The results of a run, read from its records, and notes on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from experiments.design.plan import by_fold
from experiments.design.published_figure import PublishedFigure
from experiments.design.trial import Fold, Trial
from experiments.runs.baseline_results import BaselineResult
from experiments.runs.directory import RunDirectory
from experiments.runs.manifest import RunManifest, VariantRecord
from experiments.runs.state import State, state_of
from experiments.runs.trial_result import FiguresOverSeeds, Scores, TestScores, TrialResult
from experiments.runs.trial_result import Spread as Spread
from experiments.runs.validation import Matrix
from experiments.statistics.replicates import Replicate


@dataclass(frozen=True)
class VariantTrial:
    """A trial of a variant; a trial that two variants share is there once for each.

    `result` is None as long as there is none.
    """

    variant: str
    trial: Trial
    result: TrialResult | None

    @property
    def status(self) -> str:
        """Status of the result, or "untrained"."""
        return "untrained" if self.result is None else self.result.status


@dataclass(frozen=True)
class CandidateResult:
    """A learning rate that validation selects from, on one fold."""

    learning_rate: float
    trials: tuple[VariantTrial, ...]

    @property
    def results(self) -> tuple[TrialResult | None, ...]:
        """Results of the trials; None where there is none yet."""
        return tuple(planned.result for planned in self.trials)

    @property
    def fold(self) -> Fold | None:
        """The fold that its trials are tested on; None for the dataset's test split."""
        return self.trials[0].trial.fold

    @property
    def tested(self) -> tuple[VariantTrial, ...]:
        """The trials that were tested."""
        return tuple(one for one in self.trials if one.result and one.result.test)

    @property
    def validation_macro_f1(self) -> Spread:
        """Of each finished trial, at the epoch whose weights were kept."""
        finished = [one for one in self.trials if one.result and one.result.is_finished]
        scores = tuple(one.result.score for one in finished if one.result)
        return Spread(scores, tuple(one.trial.replicate for one in finished))


@dataclass(frozen=True)
class VariantResult(FiguresOverSeeds):
    """A variant's test figures over its seeds; validation selects one of the candidates.

    In cross-validation it does so on each fold.
    """

    record: VariantRecord
    classes: int
    candidates: tuple[CandidateResult, ...]

    @cached_property
    def selected(self) -> tuple[CandidateResult, ...]:
        """The candidate that was tested, on each fold; the first where none was."""
        folds = by_fold(self.candidates)
        return tuple(max(fold, key=lambda candidate: len(candidate.tested)) for fold in folds)

    @property
    def tried(self) -> tuple[CandidateResult, ...]:
        """The learning rates that validation selects from, each with its trials on all folds."""
        return tuple(
            CandidateResult(alike[0].learning_rate, tuple(t for one in alike for t in one.trials))
            for alike in zip(*by_fold(self.candidates), strict=True)
        )

    @property
    def selected_trials(self) -> tuple[VariantTrial, ...]:
        """The trials of what was selected."""
        return tuple(one for candidate in self.selected for one in candidate.trials)

    @cached_property
    def tested(self) -> tuple[TrialResult, ...]:
        """Results of the tested trials."""
        return tuple(one.result for one in self.tested_trials if one.result)

    @cached_property
    def tested_trials(self) -> tuple[VariantTrial, ...]:
        """The trials that were tested."""
        return tuple(one for candidate in self.selected for one in candidate.tested)

    @property
    def replicates(self) -> Sequence[Replicate]:
        """Seeds of the tested trials; in cross-validation folds and seeds."""
        return [one.trial.replicate for one in self.tested_trials]

    @property
    def name(self) -> str:
        """Name of the variant."""
        return self.record.name

    @property
    def published(self) -> tuple[PublishedFigure, ...]:
        """Figures of the sources, if the dataset is theirs."""
        return self.record.published

    @property
    def learning_rates(self) -> list[float]:
        """The trained one, or that which validation selected; of all folds, ascending."""
        return sorted({candidate.learning_rate for candidate in self.selected})

    @property
    def learning_rate(self) -> float | None:
        """The trained one, or that which validation selected; None where folds differ in it."""
        return self.learning_rates[0] if len(self.learning_rates) == 1 else None

    @property
    def rate_text(self) -> str:
        """The learning rates for tables, such as "0.001"."""
        return ", ".join(f"{rate:g}" for rate in self.learning_rates)

    @property
    def selected_from(self) -> int:
        """Number of learning rates."""
        return len(self.candidates) // len(self.selected)

    @property
    def trials(self) -> tuple[str, ...]:
        """Ids of the tested trials."""
        return tuple(result.trial for result in self.tested)

    @property
    def scores(self) -> Sequence[tuple[Scores, TestScores]]:
        """Of each tested trial, those on the validation rows, at the epoch that was kept, and on
        the test rows.
        """
        return [(one.validation, one.test) for one in self.tested if one.validation and one.test]

    @property
    def seeds(self) -> int:
        """Number of planned trials of the selected learning rate, on all folds."""
        return len(self.selected_trials)

    @property
    def diverged(self) -> int:
        """Number of diverged trials, at any learning rate."""
        return sum(result is not None and result.status == "diverged" for result in self._all)

    @property
    def failures(self) -> tuple[str, ...]:
        """Reasons of failed trials, at any learning rate."""
        return tuple(result.reason for result in self._all if result and result.status == "failed")

    @property
    def untrained(self) -> int:
        """Number of trials without a result, at any learning rate."""
        return self._all.count(None)

    @property
    def epochs(self) -> Spread:
        """Epochs of each tested trial."""
        return self._over(float(result.epochs) for result in self.tested)

    @property
    def seconds(self) -> Spread:
        """Training time of each tested trial."""
        return self._over(result.training_seconds for result in self.tested)

    @cached_property
    def confusion_matrix(self) -> Matrix:
        """Rows true, columns predicted, summed over the tested trials."""
        return self.summed_confusion_matrix(self.classes)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        chosen = [
            {"fold": one.fold.number, "learning_rate": one.learning_rate}
            for one in self.selected
            if one.fold
        ]
        return {
            "name": self.name,
            **self.figures(self.classes),
            "learning_rate": self.learning_rate,
            "epochs": self.epochs.to_dict(),
            "seconds": self.seconds.to_dict(),
            "seeds": self.seeds,
            "diverged": self.diverged,
            "failed": len(self.failures),
            "documented": [figure.to_dict() for figure in self.published],
        } | ({"folds": chosen} if chosen else {})

    @property
    def _all(self) -> list[TrialResult | None]:
        return [result for candidate in self.candidates for result in candidate.results]


@dataclass(frozen=True)
class RunResult:
    """A run's manifest and its variants' results.

    Args:
        run: its directory.
        manifest: what was trained, on what.
        state: of the run when this was read.
        variants: in the study's order.
        baselines: simple classifiers on the same rows.

    Example:
    >>> from experiments import run_study
    >>> result = run_study("ffn-baseline", data="demo", epochs=2).result
    >>> [variant.n for variant in result.variants]
    [1, 1]
    """

    run: RunDirectory
    manifest: RunManifest
    state: State
    variants: tuple[VariantResult, ...]
    baselines: tuple[BaselineResult, ...]

    @property
    def study(self) -> str:
        """Its name."""
        return self.manifest.study

    @property
    def protocol(self) -> str:
        """Either "documented" or "controlled"."""
        return self.manifest.protocol

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.manifest.dataset.name

    @property
    def content_sha256(self) -> str:
        """Hash of the dataset's rows."""
        return self.manifest.dataset.content_sha256

    @property
    def is_demo(self) -> bool:
        """Whether the dataset is synthesised music."""
        return self.manifest.dataset.kind == "demo"

    @property
    def genres(self) -> tuple[str, ...]:
        """Class names in label order."""
        return self.manifest.dataset.genres

    @property
    def seeds(self) -> int:
        """Number of seeds of each candidate."""
        return len(self.manifest.seeds)

    @property
    def folds(self) -> int:
        """Number of folds of the cross-validation; 0 without."""
        return self.manifest.folds[0].of if self.manifest.folds[0] else 0

    @property
    def unit(self) -> Literal["seed", "fold"]:
        """What figures are means of: seeds, or folds with their seeds."""
        return "fold" if self.folds else "seed"

    @property
    def extent(self) -> str:
        """Such as "3 seeds", or "5 folds by track, 1 seed"."""
        return self.manifest.extent

    @property
    def machine(self) -> Mapping[str, str]:
        """Device, threads, precision and versions that it ran with, as far as is known."""
        device = asdict(self.manifest.device)
        known = {"device": device.pop("name"), **device, **self.manifest.versions}
        return {name: str(value) for name, value in known.items() if value}

    @property
    def trials(self) -> tuple[VariantTrial, ...]:
        """All trials, variant by variant, in the order of the plan."""
        candidates = (one for variant in self.variants for one in variant.candidates)
        return tuple(planned for candidate in candidates for planned in candidate.trials)

    @property
    def best(self) -> VariantResult | None:
        """The variant with the best mean validation macro-F1; None if none finished."""
        tested = [variant for variant in self.variants if variant.n]
        return max(tested, key=lambda variant: variant.validation_macro_f1 or 0.0, default=None)

    @property
    def tied_for_best(self) -> list[VariantResult]:
        """The best variant, and others with exactly its mean validation macro-F1."""
        score = self.best.validation_macro_f1 if self.best else None
        return [v for v in self.variants if v.n and v.validation_macro_f1 == score]

    def to_dict(self) -> dict[str, Any]:
        """The object that `run --json` prints."""
        fold = self.manifest.folds[0]
        return {
            "study": self.study,
            "protocol": self.protocol,
            "dataset": {"name": self.dataset, "content_sha256": self.content_sha256},
            "run": str(self.run.path),
            "state": self.state,
            "genres": list(self.genres),
            "variants": [variant.to_dict() for variant in self.variants],
            "best": self.best.name if self.best else None,
            "baselines": [baseline.summary(len(self.genres)) for baseline in self.baselines],
            "left_out": list(self.manifest.left_out),
        } | ({"folds": self.folds, "group": fold.group} if fold else {})


def collect(run: RunDirectory) -> RunResult:
    """Read the results of a run.

    Raises:
        RunError: a record is missing or damaged.
    """
    manifest = run.read_manifest()
    classes = len(manifest.dataset.genres)
    results = {trial: run.read_result(trial, classes) for trial in manifest.trials}
    variants = tuple(
        VariantResult(
            record,
            classes,
            tuple(
                CandidateResult(
                    one.learning_rate,
                    tuple(VariantTrial(record.name, t, results[t.id]) for t in one.trials),
                )
                for one in record.candidates
            ),
        )
        for record in manifest.variants
    )
    state = state_of(run, manifest).state
    return RunResult(run, manifest, state, variants, run.read_baselines(classes))


def notes(result: RunResult) -> Iterator[str]:
    """Sentences on failed trials and baselines, and on what limits the figures."""
    for variant in result.variants:
        yield from (f"{variant.name}: {note}" for note in _of_variant(result, variant))
    for baseline in result.baselines:
        if baseline.failure:
            yield f"{baseline.name}: not fitted: {baseline.failure}"


def _of_variant(result: RunResult, variant: VariantResult) -> Iterator[str]:
    trials = sum(len(candidate.trials) for candidate in variant.candidates)
    if variant.untrained:
        yield f"{variant.untrained} of {trials} trials have no result: the run is {result.state}."
    elif not variant.n and not variant.diverged and not variant.failures:
        yield "trained, not yet tested."
    if variant.diverged:
        yield f"{variant.diverged} of {trials} trials diverged (a loss that is not finite)."
    for reason in sorted(set(variant.failures)):
        yield f"{variant.failures.count(reason)} of {trials} trials failed: {reason}"
    predicted = [any(column) for column in zip(*variant.confusion_matrix, strict=True)]
    if variant.n and sum(predicted) == 1:
        only = result.genres[predicted.index(True)]
        yield f"predicts {only} whatever it hears; it has not learned."
    if variant.record.note:
        yield variant.record.note
