"""A study's answer in plain English, from its ranking and its pairs' comparisons."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.statistics.ranking import ALPHA, Pair, Ranked
from experiments.statistics.standing import Standing

_ALL = {2: "both", 3: "all three"}


def sentence(
    ranking: Sequence[Ranked], pairs: Sequence[Pair], without: Sequence[str], what: str
) -> str:
    """The answer: who cannot be told from the best, whom they beat, what is not known.

    Differences are in percentage points.

    Args:
        ranking: variants with figures, best mean first.
        pairs: all pairs of them.
        without: names of variants without figures.
        what: the figure's name.
    """
    if not ranking:
        return "No variant has a figure."
    if any(pair.comparison for pair in pairs):
        standing = Standing(ranking, pairs)
        clauses = [
            f"by {what}, {_of_top(standing)}",
            *_of_nobody(standing),
            *(f"{winner} beats {listed(lost)}" for winner, lost in standing.wins_in_top.items()),
            *_of_beaten(standing),
            *_of_seeds(standing),
        ]
    else:
        clauses = [_of_one(ranking[0], what) if len(ranking) == 1 else _of_too_few(ranking, what)]
    if without:
        clauses.append(f"{listed(without)} {'has' if len(without) == 1 else 'have'} no figure")
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def listed(names: Sequence[str]) -> str:
    """Such as "a, b and c"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _of_top(standing: Standing) -> str:
    best, top, beaten = standing.best, standing.top, standing.beaten
    if len(top) == 1:
        next_one = f"the next is {beaten[0]}: " if len(beaten) > 1 else ""
        return f"{best} beats {listed(beaten)} ({next_one}{_lead(standing, beaten[:1])})"
    if standing.top_is_alike:
        return f"{listed(top)} cannot be told apart ({_lead(standing, top[1:])})"
    equals = [name for name in top[1:] if not standing.beats(name, best)]
    if not equals:
        return f"no variant is unbeaten, {best} has the best mean"
    return (
        f"{listed(equals)} cannot be told apart from the best, {best} ({_lead(standing, equals)})"
    )


def _of_nobody(standing: Standing) -> list[str]:
    if standing.beaten:
        return []
    if any(pair.winner for pair in standing.pairs):
        return [f"{standing.best} beats nobody"]
    return ["neither beats the other" if len(standing.names) == 2 else "no variant beats another"]


def _of_beaten(standing: Standing) -> list[str]:
    """Whom all of the top beat, whom some, whom the best alone; each variant once."""
    top = standing.top
    if len(top) == 1:
        return []
    winners = {name: sum(standing.beats(one, name) for one in top) for name in standing.beaten}
    by_all = [name for name, count in winners.items() if count == len(top)]
    by_some = [name for name, count in winners.items() if 1 < count < len(top)]
    by_best = [name for name, count in winners.items() if count == 1]
    clauses = []
    if by_all:
        clauses.append(f"{_ALL.get(len(top), f'all {len(top)}')} beat {listed(by_all)}")
    if by_some:
        clauses.append(f"{standing.best} and others of these, but not all, beat {listed(by_some)}")
    if by_best:
        clauses.append(f"of these only {standing.best} beats {listed(by_best)}")
    return clauses


def _of_seeds(standing: Standing) -> list[str]:
    """Who lacks seeds."""
    clauses = []
    if standing.apart:
        verbs = ("shares", "is") if len(standing.apart) == 1 else ("share", "are")
        clauses.append(
            f"{listed(standing.apart)} {verbs[0]} fewer than two seeds with {standing.best} and "
            f"{verbs[1]} not compared with it"
        )
    seeds = {seed for variant in standing.ranking for seed in variant.seeds}
    lacking = [
        f"{variant.name} ({len(variant.seeds)} of {len(seeds)} seeds)"
        for variant in standing.ranking
        if len(variant.seeds) < len(seeds) and variant.name not in standing.apart
    ]
    if lacking:
        verb = "lacks" if len(lacking) == 1 else "lack"
        clauses.append(
            f"{listed(lacking)} {verb} seeds, and pairs are compared on those that both have"
        )
    return clauses


def _lead(standing: Standing, others: Sequence[str]) -> str:
    """How far the best is ahead of others that it was compared with."""
    pairs = [pair for name in others if (pair := standing.pair(standing.best, name))]
    found = [pair.comparison for pair in pairs if pair.comparison]
    counts = [one.n for one in found]
    seeds = " to ".join(map(str, sorted({min(counts), max(counts)}))) + " seeds"
    # A pair's difference is first minus second, and the best may be the second.
    signs = [1 if pair.first == standing.best else -1 for pair in pairs]
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
        text = f"{standing.best} leads by {_range(leads)} points"
        text += ", 95 % intervals within" if limits else ""
    text += f" {_range(limits)}" if limits else ""
    text += f", {seeds}"
    lost = [
        pair for pair, one in zip(pairs, found, strict=True) if one.p < ALPHA and not pair.winner
    ]
    if not lost:
        return text
    which = "" if len(found) == 1 else f"{len(lost)} of these "
    return f"{text}; {which}significant alone, not among {len(standing.pairs)} comparisons"


def _of_one(variant: Ranked, what: str) -> str:
    text = f"only {variant.name} has a figure, a {what} of {_points(variant.mean)} %"
    if variant.interval:
        limits = _range((variant.interval.low, variant.interval.high))
        text += f" (95 % interval {limits}, {len(variant.seeds)} seeds)"
    return f"{text}: there is nothing to compare it with"


def _of_too_few(ranking: Sequence[Ranked], what: str) -> str:
    """Variants of which no two share two seeds: their figures, and no claim."""
    if len({variant.seeds for variant in ranking}) > 1:
        means = listed([f"{v.name} {_points(v.mean)} % ({_count(v)})" for v in ranking])
        return (
            "no two variants share two seeds, so nothing tells them apart: "
            f"their mean {what} is {means}"
        )
    best, *others = ranking
    names = [variant.name for variant in ranking]
    them = " from ".join(names) if len(names) == 2 else f"the {len(names)} variants apart"
    text = f"one seed cannot tell {them}: on seed {best.seeds[0]} the {what} of {best.name} is "
    text += f"{_points(best.mean)} %, "
    below = sorted(best.mean - variant.mean for variant in others)
    if len(others) == 1:
        above = "as" if not below[0] else f"{_points(below[0])} points above"
        return f"{text}{above} that of {others[0].name}"
    return f"{text}{_range(below)} points above the others"


def _count(variant: Ranked) -> str:
    return f"{len(variant.seeds)} seed{'s' if len(variant.seeds) > 1 else ''}"


def _range(shares: Sequence[float]) -> str:
    """The first and the last of sorted shares, in points; one where they read the same."""
    return " to ".join(dict.fromkeys((_points(shares[0]), _points(shares[-1]))))


def _points(share: float) -> str:
    """A share in per cent, without a minus before zero."""
    return f"{round(share * 100, 1) + 0.0:.1f}"
