"""Everything that the templates show of one run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from data.terminal.text import clean
from experiments.design.published_figure import PublishedFigure
from experiments.report import confusion, curves, dots, histories
from experiments.report.card import Card, card_of
from experiments.report.ran import Ran, what_ran
from experiments.results.analysis import Analysis, VariantIntervals, analyse
from experiments.results.notes import notes
from experiments.results.run_result import CandidateResult, RunResult, VariantResult, collect
from experiments.runs.directory import RunDirectory

_UNKNOWN = VariantIntervals(None, None, None, None)


@dataclass(frozen=True)
class Trained:
    """A variant with its training curves.

    Args:
        variant: its results.
        shown: the learning rate whose trials the curves show.
        panels: the curves.
    """

    variant: VariantResult
    shown: CandidateResult
    panels: tuple[curves.Panel, ...]


@dataclass(frozen=True)
class Page:
    """Data of a run's page.

    Args:
        anchor: prefix of the page's HTML ids.
        result, analysis, card, ran: read and computed from the records.
        about: paragraphs of the study's description.
        dots: plots of accuracy and macro-F1.
        curves: training curves of all variants.
        trained: variants with their curves.
        confusions: confusion matrices of the tested variants.
        rates: all learning rates; none before any trial finished.
        notes: warnings and remarks, in sentences.
    """

    anchor: str
    result: RunResult
    analysis: Analysis
    card: Card
    ran: Ran
    about: tuple[str, ...]
    dots: tuple[dots.Dots, ...]
    curves: curves.Curves
    trained: tuple[Trained, ...]
    confusions: tuple[confusion.Confusion, ...]
    rates: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def is_finished(self) -> bool:
        """Whether the run has finished."""
        return self.result.state == "finished"

    @property
    def answer(self) -> str:
        """The answer to the study's question, in a sentence."""
        answer = self.analysis.answer
        return "Nothing was tested yet." if answer is None else answer.sentence

    def intervals(self, variant: str) -> VariantIntervals:
        """Confidence intervals of a variant's figures."""
        return self.analysis.intervals.get(variant, _UNKNOWN)

    @property
    def best(self) -> tuple[str, ...]:
        """The variant with the best validation macro-F1, and those with an equal one."""
        best = self.result.best
        if best is None:
            return ()
        score = best.validation_macro_f1
        alike = (v for v in self.result.variants if v.n and v.validation_macro_f1 == score)
        return tuple(variant.name for variant in alike)

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
    shown = [histories.shown_rate(variant) for variant in result.variants]
    drawn = curves.draw(list(map(histories.of_candidate, shown)), len(result.genres))
    return Page(
        anchor=anchor,
        result=result,
        analysis=analysis,
        card=card_of(result),
        ran=what_ran(result),
        about=tuple(_paragraphs(result)),
        dots=_plots(result, analysis),
        curves=drawn,
        trained=tuple(map(Trained, result.variants, shown, drawn.of_variant)),
        confusions=tuple(
            confusion.summarise(variant.name, variant.n, result.genres, variant.confusion_matrix)
            for variant in result.variants
            if variant.n
        ),
        rates=_rates(result),
        notes=tuple(notes(result)),
    )


def _rates(result: RunResult) -> tuple[float, ...]:
    tried = [tried for variant in result.variants for tried in variant.candidates]
    if not any(one.validation_macro_f1.values for one in tried):
        return ()
    return tuple(sorted({one.learning_rate for one in tried}))


def _paragraphs(result: RunResult) -> Iterator[str]:
    """The study's description, without the question that it opens with."""
    for paragraph in result.manifest.about.split("\n\n"):
        text = " ".join(paragraph.split())
        if text and text != result.manifest.question:
            yield text


def _plots(result: RunResult, analysis: Analysis) -> tuple[dots.Dots, ...]:
    accuracy, macro_f1 = [], []
    for variant in result.variants:
        intervals = analysis.intervals.get(variant.name, _UNKNOWN)
        accuracy.append(
            dots.Entry(
                variant.name,
                variant.accuracy.values,
                variant.accuracy.mean,
                intervals.accuracy,
                tuple(_source(figure, figure.accuracy) for figure in variant.published),
            )
        )
        macro_f1.append(
            dots.Entry(
                variant.name,
                variant.macro_f1.values,
                variant.macro_f1.mean,
                intervals.macro_f1,
                tuple(
                    _source(figure, figure.f1)
                    for figure in variant.published
                    if figure.f1_kind == "macro"
                ),
            )
        )
    for baseline in result.baselines:
        if baseline.n:
            for entries, spread in (accuracy, baseline.accuracy), (macro_f1, baseline.macro_f1):
                entries.append(
                    dots.Entry(baseline.name, spread.values, spread.mean, is_baseline=True)
                )
    return dots.place("accuracy %", accuracy), dots.place("macro-F1 %", macro_f1)


def _source(figure: PublishedFigure, value: float) -> dots.Source:
    return dots.Source(value / 100, f"source {figure.source}: {value:.2f} % ({figure.protocol})")
