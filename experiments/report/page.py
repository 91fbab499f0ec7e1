"""A run, summed up for the eye: all that the templates show of it."""

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
    """A variant and how its trials went.

    Args:
        variant: of the run.
        shown: the learning rate whose trials the curves show.
        panels: its curves.
    """

    variant: VariantResult
    shown: CandidateResult
    panels: tuple[curves.Panel, ...]


@dataclass(frozen=True)
class Page:
    """All that is shown of a run.

    Args:
        anchor: its name in links.
        result, analysis, card, ran: what the records tell.
        about: paragraphs of the study's text.
        dots: plots of accuracy and macro-F1.
        curves: of all variants.
        trained: variants with their curves.
        confusions: of the variants that were tested.
        rates: all learning rates that were tried; none before any trial finished.
        notes: what a reader should know, in sentences.
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
        """Whether there is nothing left to do."""
        return self.result.state == "finished"

    @property
    def answer(self) -> str:
        """To the study's question, in a sentence."""
        answer = self.analysis.answer
        return "Nothing was tested yet." if answer is None else answer.sentence

    def intervals(self, variant: str) -> VariantIntervals:
        """Confidence intervals of a variant's figures."""
        return self.analysis.intervals.get(variant, _UNKNOWN)

    @property
    def best(self) -> tuple[str, ...]:
        """The variant that is best on validation, and those that are as good."""
        best = self.result.best
        if best is None:
            return ()
        score = best.validation_macro_f1
        alike = (v for v in self.result.variants if v.n and v.validation_macro_f1 == score)
        return tuple(variant.name for variant in alike)

    @property
    def has_curves(self) -> bool:
        """Whether there is anything to draw."""
        return any(trained.panels for trained in self.trained)

    @property
    def has_diverged(self) -> bool:
        """Whether there are curves of diverged trials."""
        return any(panel.diverged for trained in self.trained for panel in trained.panels)

    @property
    def has_kept(self) -> bool:
        """Whether weights of before the last epoch were kept."""
        return any(panel.kept for trained in self.trained for panel in trained.panels)

    @property
    def name_width(self) -> int:
        """Characters that the names of variants and baselines need."""
        names = [variant.name for variant in self.result.variants]
        names += [baseline.name for baseline in self.result.baselines]
        return max(len(clean(name)) for name in names)

    @property
    def sources(self) -> tuple[str, ...]:
        """Those that report figures of its variants, such as A and B."""
        found = {f.source for variant in self.result.variants for f in variant.published}
        return tuple(sorted(found))


def page_of(run: RunDirectory, anchor: str) -> Page:
    """Sum a run up.

    Raises:
        RunError: a record is missing or damaged.
    """
    result = collect(run)
    analysis = analyse(result)
    shown = [histories.shown_rate(variant) for variant in result.variants]
    told = [histories.read(run, tried.trials) for tried in shown]
    drawn = curves.draw(told, len(result.genres))
    return Page(
        anchor=anchor,
        result=result,
        analysis=analysis,
        card=card_of(result, run.read_run()),
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
    """The study's text, without the question that it opens with."""
    for paragraph in result.about.split("\n\n"):
        text = " ".join(paragraph.split())
        if text and text != result.question:
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
