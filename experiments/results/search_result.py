"""The results of a search: its best trials on validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.runs.directory import RunDirectory
from experiments.runs.manifest import SearchRecord
from experiments.runs.search_journal import Draw
from experiments.runs.trial_result import TrialResult

SHOWN = 10


@dataclass(frozen=True)
class RankedTrial:
    """A finished trial: how it was drawn, and its result."""

    draw: Draw
    result: TrialResult

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        test = self.result.test
        return {
            "number": self.draw.number,
            "trial": self.result.trial,
            "variant": self.draw.setting.variant,
            "values": dict(self.draw.setting.values),
            "epoch": self.result.kept_epoch,
            "validation_macro_f1": self.result.score,
            "test": test and {"accuracy": test.accuracy, "macro_f1": test.macro_f1},
        }


@dataclass(frozen=True)
class SearchResult:
    """The results of a search.

    Args:
        search: its settings and draws.
        diverged, failed: number of such trials.
        ranked: finished trials, the best on validation first.
    """

    search: SearchRecord
    diverged: int
    failed: int
    ranked: tuple[RankedTrial, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with the best trials only."""
        return {
            "sampler": self.search.settings.sampler,
            "seed": self.search.settings.seed,
            "asked": self.search.settings.trials,
            "drawn": len(self.search.draws),
            "generations": self.search.generations,
            "is_over": self.search.is_over,
            "diverged": self.diverged,
            "failed": self.failed,
            "finished": len(self.ranked),
            "best": [ranked.to_dict() for ranked in self.ranked[:SHOWN]],
        }


def search_result(run: RunDirectory) -> SearchResult | None:
    """The results of a search so far; None for a run that is none.

    Raises:
        RunError: a record is missing or damaged.
    """
    search = run.read_manifest().search
    if search is None:
        return None
    results = [(draw, run.read_result(draw.trial.id)) for draw in search.draws]
    ended = [result.status for _, result in results if result]
    ranked = [RankedTrial(d, result) for d, result in results if result and result.is_finished]
    ranked.sort(key=lambda one: -one.result.score)
    return SearchResult(search, ended.count("diverged"), ended.count("failed"), tuple(ranked))
