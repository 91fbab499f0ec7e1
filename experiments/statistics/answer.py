"""What a study answers: its variants ranked, compared and put into words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.statistics.ranking import ALPHA, Figures, Pair, Ranked, compare_all, rank
from experiments.statistics.wording import sentence


@dataclass(frozen=True)
class Answer:
    """A study's answer.

    Args:
        what: the figure, such as "macro-F1".
        ranking: the variants that have figures, best mean first.
        pairs: each two of them, in the ranking's order.
        without: names of variants without any figure.
        sentence: the answer in plain English; it claims only what the adjusted p-values
            of the pairs support.
    """

    what: str
    ranking: tuple[Ranked, ...]
    pairs: tuple[Pair, ...]
    without: tuple[str, ...]
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "what": self.what,
            "alpha": ALPHA,
            "adjustment": "holm",
            "sentence": self.sentence,
            "ranking": [variant.to_dict() for variant in self.ranking],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "without": list(self.without),
        }


def answer(figures: Figures, what: str = "macro-F1") -> Answer:
    """Compare all pairs of a study's variants over their common seeds, and say what follows.

    Args:
        figures: variant -> seed -> share between 0 and 1, in the study's order. Seeds
            whose trials diverged or failed are left out; a pair is compared on the seeds
            that both have.
        what: the figure's name.

    Raises:
        ValueError: a figure that is no share.
    """
    ranking = rank(figures)
    pairs = compare_all(ranking, figures)
    without = tuple(name for name, values in figures.items() if not values)
    return Answer(what, ranking, pairs, without, sentence(ranking, pairs, without, what))
