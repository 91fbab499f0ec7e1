"""Everything that the templates show of one run."""

from __future__ import annotations

from dataclasses import dataclass

from data.terminal.text import clean
from experiments.design.plan import by_fold
from experiments.report import curves
from experiments.report.dot_plot import DotPlotLayout, plot_run
from experiments.report.provenance import DatasetCounts, command_of, count_dataset
from experiments.results.analysis import Analysis, VariantIntervals, analyse
from experiments.results.confusion_matrix import ConfusionMatrix
from experiments.results.run_result import CandidateResult, RunResult, VariantResult, collect, notes
from experiments.runs.directory import RunDirectory

_UNKNOWN = VariantIntervals(None, None, None, None)


@dataclass(frozen=True)
class TrainedVariant:
    """A variant, the learning rates that its curves show, and the panels of the curves."""

    variant: VariantResult
    shown: tuple[CandidateResult, ...]
    panels: tuple[curves.Panel, ...]


@dataclass(frozen=True)
class Page:
    """Data of a run's page.

    Args:
        anchor: prefix of the page's HTML ids.
        result, notes, analysis: of the run.
        dataset: its rows.
        command: that repeats the run; empty if there is none.
        is_own_study: whether options of the command cannot express the study.
        dot_plots: of accuracy and macro-F1.
        curves: training curves of all variants.
        trained: variants with their curves.
        confusions: the tested variants, with their confusion matrices summed over seeds.
    """

    anchor: str
    result: RunResult
    notes: tuple[str, ...]
    analysis: Analysis
    dataset: DatasetCounts
    command: str
    is_own_study: bool
    dot_plots: tuple[DotPlotLayout, ...]
    curves: curves.Curves
    trained: tuple[TrainedVariant, ...]
    confusions: tuple[tuple[VariantResult, ConfusionMatrix], ...]

    @property
    def about(self) -> list[str]:
        """Paragraphs of the study's description, without the question at its beginning."""
        texts = (" ".join(part.split()) for part in self.result.manifest.about.split("\n\n"))
        return [text for text in texts if text and text != self.result.manifest.question]

    @property
    def rates(self) -> list[float]:
        """All learning rates; none before any trial finished."""
        tried = [tried for variant in self.result.variants for tried in variant.candidates]
        if not any(one.validation_macro_f1.values for one in tried):
            return []
        return sorted({one.learning_rate for one in tried})

    def intervals(self, variant: str) -> VariantIntervals:
        """Confidence intervals of a variant's figures."""
        return self.analysis.intervals.get(variant, _UNKNOWN)

    @property
    def best(self) -> list[str]:
        """Names of the best variants on validation."""
        return [variant.name for variant in self.result.tied_for_best]

    @property
    def has_curves(self) -> bool:
        """Whether any variant has curves."""
        return any(trained.panels for trained in self.trained)

    @property
    def has_diverged(self) -> bool:
        """Whether any trial diverged."""
        return any(panel.diverged for trained in self.trained for panel in trained.panels)

    @property
    def has_kept(self) -> bool:
        """Whether any trial kept weights of an earlier epoch than its last."""
        return any(panel.kept for trained in self.trained for panel in trained.panels)

    @property
    def name_width(self) -> int:
        """Length of the longest name of a variant or baseline."""
        names = [variant.name for variant in self.result.variants]
        names += [baseline.name for baseline in self.result.baselines]
        return max(len(clean(name)) for name in names)

    @property
    def statistics(self) -> str:
        """What the baselines read."""
        return self.result.manifest.dataset.statistics

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources with published figures of the variants, such as A and B."""
        found = {f.source for variant in self.result.variants for f in variant.published}
        return tuple(sorted(found))


def page_of(run: RunDirectory, anchor: str) -> Page:
    """Collect a run's page from its records.

    Raises:
        RunError: a record is missing or damaged.
    """
    result = collect(run)
    analysis = analyse(result)
    shown = [_shown(variant) for variant in result.variants]
    drawn = curves.draw(list(map(curves.histories_of, shown)), len(result.genres))
    return Page(
        anchor,
        result,
        tuple(notes(result)),
        analysis,
        count_dataset(result),
        *command_of(result),
        (plot_run(result, analysis, "accuracy"), plot_run(result, analysis, "macro_f1")),
        drawn,
        tuple(map(TrainedVariant, result.variants, shown, drawn.of_variant)),
        tuple(
            (variant, ConfusionMatrix(variant.confusion_matrix))
            for variant in result.variants
            if variant.n
        ),
    )


def _shown(variant: VariantResult) -> tuple[CandidateResult, ...]:
    """The selected learning rate, of each fold; before selection, the best so far."""
    if variant.n:
        return variant.selected
    folds = by_fold(variant.candidates)
    return tuple(
        max(fold, key=lambda tried: tried.validation_macro_f1.mean or 0.0) for fold in folds
    )
