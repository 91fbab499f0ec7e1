"""A study's answer: its variants ranked, compared, and put into a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from experiments.statistics.intervals import MIN_SEEDS
from experiments.statistics.ranking import (
    ALPHA,
    Figures,
    Pair,
    PairwiseOutcome,
    RankedVariant,
    compare_all,
    rank,
)
from experiments.statistics.replicates import fold_count

_ALL = {2: "both", 3: "all three"}
_COUNTS = {1: "one", 2: "2", 3: "three"}


@dataclass(frozen=True)
class Answer:
    """A study's answer by a figure, such as "macro-F1".

    `ranking` holds the variants with figures, best mean first, `pairs` each two of them, `without`
    the names of the others. The sentence claims only what the adjusted p-values support.
    """

    what: str
    ranking: tuple[RankedVariant, ...]
    pairs: tuple[Pair, ...]
    without: tuple[str, ...]
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        pairs = [pair.to_dict() for pair in self.pairs]
        return asdict(self) | {"alpha": ALPHA, "adjustment": "holm", "pairs": pairs}


def answer(figures: Figures, what: str = "macro-F1") -> Answer:
    """Compare all pairs of a study's variants over their common seeds, or folds.

    Args:
        figures: variant -> replicate -> share between 0 and 1, in the study's order, without
            those of diverged or failed trials.
        what: the figure's name.

    Raises:
        ValueError: a figure is not a share.
    """
    ranking = rank(figures)
    pairs = compare_all(ranking, figures)
    without = tuple(name for name, values in figures.items() if not values)
    return Answer(what, ranking, pairs, without, sentence(ranking, pairs, without, what))


def sentence(
    ranking: Sequence[RankedVariant], pairs: Sequence[Pair], without: Sequence[str], what: str
) -> str:
    """The sentence of an `Answer`; differences are in percentage points."""
    if not ranking:
        return "No variant has a figure."
    if any(pair.comparison for pair in pairs):
        outcome = PairwiseOutcome(ranking, pairs)
        clauses = [
            f"by {what}, {_top(outcome)}",
            *_no_winner(outcome),
            *(f"{winner} beats {listed(lost)}" for winner, lost in outcome.wins_in_top.items()),
            *_beaten(outcome),
            *_missing_seeds(outcome),
        ]
    elif len(ranking) == 1:
        clauses = [_only_one(ranking[0], what)]
    else:
        clauses = [_too_few_seeds(ranking, what)]
    if without:
        clauses.append(f"{listed(without)} {'has' if len(without) == 1 else 'have'} no figure")
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def listed(names: Sequence[str]) -> str:
    """Such as "a, b and c"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _top(outcome: PairwiseOutcome) -> str:
    best, top, beaten = outcome.best, outcome.top, outcome.beaten
    if len(top) == 1:
        next_one = f"the next is {beaten[0]}: " if len(beaten) > 1 else ""
        return f"{best} beats {listed(beaten)} ({next_one}{_lead(outcome, beaten[:1])})"
    if outcome.top_is_alike:
        return f"{listed(top)} cannot be told apart ({_lead(outcome, top[1:])})"
    equals = [name for name in top[1:] if not outcome.beats(name, best)]
    if not equals:
        return f"no variant is unbeaten, {best} has the best mean"
    return f"{listed(equals)} cannot be told apart from the best, {best} ({_lead(outcome, equals)})"


def _no_winner(outcome: PairwiseOutcome) -> list[str]:
    if outcome.beaten:
        return []
    if any(pair.winner for pair in outcome.pairs):
        return [f"{outcome.best} beats nobody"]
    return ["neither beats the other" if len(outcome.names) == 2 else "no variant beats another"]


def _beaten(outcome: PairwiseOutcome) -> list[str]:
    """Variants that all of the top, some, or the best alone beat; each variant once."""
    top = outcome.top
    if len(top) == 1:
        return []
    winners = {name: sum(outcome.beats(one, name) for one in top) for name in outcome.beaten}
    by_all = [name for name, count in winners.items() if count == len(top)]
    by_some = [name for name, count in winners.items() if 1 < count < len(top)]
    by_best = [name for name, count in winners.items() if count == 1]
    clauses = []
    if by_all:
        clauses.append(f"{_ALL.get(len(top), f'all {len(top)}')} beat {listed(by_all)}")
    if by_some:
        clauses.append(f"{outcome.best} and others of these, but not all, beat {listed(by_some)}")
    if by_best:
        clauses.append(f"of these only {outcome.best} beats {listed(by_best)}")
    return clauses


def _missing_seeds(outcome: PairwiseOutcome) -> list[str]:
    clauses, word = [], _word(outcome.ranking)
    if outcome.not_compared:
        verbs = ("shares", "is") if len(outcome.not_compared) == 1 else ("share", "are")
        clauses.append(
            f"{listed(outcome.not_compared)} {verbs[0]} fewer than {_units(MIN_SEEDS, word)} with "
            f"{outcome.best} and {verbs[1]} not compared with it"
        )
    seeds = {seed for variant in outcome.ranking for seed in variant.seeds}
    trained = "seeds" if word == "seed" else "trainings"
    lacking = [
        f"{variant.name} ({len(variant.seeds)} of {len(seeds)} {trained})"
        for variant in outcome.ranking
        if len(variant.seeds) < len(seeds) and variant.name not in outcome.not_compared
    ]
    if lacking:
        verb = "lacks" if len(lacking) == 1 else "lack"
        clauses.append(
            f"{listed(lacking)} {verb} {trained}, and pairs are compared on those that both have"
        )
    return clauses


def _lead(outcome: PairwiseOutcome, others: Sequence[str]) -> str:
    """Differences between the best variant and others, with intervals and seeds or folds."""
    pairs = [pair for name in others if (pair := outcome.pair(outcome.best, name))]
    found = [pair.comparison for pair in pairs if pair.comparison]
    counts = [one.n for one in found]
    seeds = " to ".join(map(str, sorted({min(counts), max(counts)})))
    seeds += f" {_word(outcome.ranking)}s"
    # A pair's difference is first minus second, and the best may be the second.
    signs = [1 if pair.first == outcome.best else -1 for pair in pairs]
    leads = sorted(sign * one.difference for sign, one in zip(signs, found, strict=True))
    limits = sorted(
        sign * limit
        for sign, one in zip(signs, found, strict=True)
        if one.interval
        for limit in (one.interval.low, one.interval.high)
    )
    if not any(leads) and not any(limits):
        return f"the same figures on all {seeds}"
    if len(found) == 1:
        text = f"difference {_points(leads[0])} points"
        if not limits:
            return f"{text} on each of {seeds}"
        text += ", 95 % interval"
    else:
        text = f"{outcome.best} leads by {_range(leads)} points"
        text += ", 95 % intervals within" if limits else ""
    text += f" {_range(limits)}" if limits else ""
    text += f", {seeds}"
    lost = [
        pair for pair, one in zip(pairs, found, strict=True) if one.p < ALPHA and not pair.winner
    ]
    if not lost:
        return text
    which = "" if len(found) == 1 else f"{len(lost)} of these "
    return f"{text}; {which}significant alone, not among {len(outcome.pairs)} comparisons"


def _only_one(variant: RankedVariant, what: str) -> str:
    text = f"only {variant.name} has a figure, a {what} of {_points(variant.mean)} %"
    if variant.interval:
        limits = _range((variant.interval.low, variant.interval.high))
        text += f" (95 % interval {limits}, {_count(variant)})"
    return f"{text}: there is nothing to compare it with"


def _too_few_seeds(ranking: Sequence[RankedVariant], what: str) -> str:
    """Mean figures of variants of which no two share enough seeds or folds."""
    word = _word(ranking)
    if len({variant.seeds for variant in ranking}) > 1:
        means = listed([f"{v.name} {_points(v.mean)} % ({_count(v)})" for v in ranking])
        return (
            f"no two variants share {_units(MIN_SEEDS, word)}, so nothing tells them apart: "
            f"their mean {what} is {means}"
        )
    best, *others = ranking
    names = [variant.name for variant in ranking]
    them = " from ".join(names) if len(names) == 2 else f"the {len(names)} variants apart"
    on = f"on {word} {_number(best)} the" if len(best.units) == 1 else "the mean"
    text = f"{_units(len(best.units), word)} cannot tell {them}: {on} {what} of {best.name} is "
    text += f"{_points(best.mean)} %, "
    below = sorted(best.mean - variant.mean for variant in others)
    if len(others) == 1:
        above = "the same as" if not below[0] else f"{_points(below[0])} points above"
        return f"{text}{above} that of {others[0].name}"
    return f"{text}{_range(below)} points above the others"


def _number(variant: RankedVariant) -> int:
    """The seed of a variant, or the number of its fold."""
    (unit,) = variant.units
    return unit[0] if isinstance(unit, tuple) else unit


def _count(variant: RankedVariant) -> str:
    count, word = len(variant.units), _word([variant])
    return f"{count} {word}{'s' if count > 1 else ''}"


def _word(ranking: Sequence[RankedVariant]) -> str:
    """What counts in the statistics of variants."""
    return "fold" if any(fold_count(variant.seeds) for variant in ranking) else "seed"


def _units(count: int, word: str) -> str:
    """Such as "one seed", "2 seeds" or "three folds"."""
    return f"{_COUNTS[count]} {word}{'s' if count > 1 else ''}"


def _range(shares: Sequence[float]) -> str:
    """The first and the last of sorted shares, in points; one if both round to the same."""
    return " to ".join(dict.fromkeys((_points(shares[0]), _points(shares[-1]))))


def _points(share: float) -> str:
    """A share in per cent, without a minus before zero."""
    return f"{round(share * 100, 1) + 0.0:.1f}"
