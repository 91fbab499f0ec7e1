"""The results of a search: its best trials on validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.runs.directory import RunDirectory
from experiments.runs.search_journal import Draw
from experiments.runs.trial_result import TrialResult

SHOWN = 10


@dataclass(frozen=True)
class RankedTrial:
    """A finished trial.

    Args:
        number: in the order of drawing, counted from 0 as in Optuna.
        trial: its id.
        variant: its name.
        values: drawn values by the paths of their fields.
        epoch: whose weights were kept.
        validation_macro_f1: at that epoch.
        accuracy, macro_f1: on the test rows; None if it was not tested.
    """

    number: int
    trial: str
    variant: str
    values: Mapping[str, Any]
    epoch: int
    validation_macro_f1: float
    accuracy: float | None
    macro_f1: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        plain = vars(self) | {"values": dict(self.values)}
        test = {"accuracy": plain.pop("accuracy"), "macro_f1": plain.pop("macro_f1")}
        return plain | {"test": None if self.macro_f1 is None else test}


@dataclass(frozen=True)
class SearchResult:
    """The results of a search.

    Args:
        sampler, seed: of the search.
        asked, drawn: number of requested and of drawn trials.
        generations: number of generations.
        is_over: whether all trials are drawn.
        diverged, failed: number of such trials.
        ranked: finished trials, the best on validation first.
    """

    sampler: str
    seed: int
    asked: int
    drawn: int
    generations: int
    is_over: bool
    diverged: int
    failed: int
    ranked: tuple[RankedTrial, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with the best trials only."""
        plain = {name: value for name, value in vars(self).items() if name != "ranked"}
        best = [ranked.to_dict() for ranked in self.ranked[:SHOWN]]
        return plain | {"finished": len(self.ranked), "best": best}


def search_result(run: RunDirectory) -> SearchResult | None:
    """The results of a search so far; None for a run that is none.

    Raises:
        RunError: a record is missing or damaged.
    """
    manifest = run.read_manifest()
    search = manifest.search
    if search is None:
        return None
    results = [(draw, run.read_result(draw.trial.id)) for draw in search.draws]
    ended = [result.status for _, result in results if result]
    ranked = [_ranked(draw, result) for draw, result in results if result and result.is_finished]
    return SearchResult(
        search.settings.sampler,
        search.settings.seed,
        search.settings.trials,
        len(search.draws),
        search.generations,
        search.is_over,
        ended.count("diverged"),
        ended.count("failed"),
        tuple(sorted(ranked, key=lambda one: -one.validation_macro_f1)),
    )


def _ranked(draw: Draw, result: TrialResult) -> RankedTrial:
    test = result.test
    return RankedTrial(
        draw.number,
        result.trial,
        draw.setting.variant,
        draw.setting.values,
        result.kept_epoch or result.epochs,
        result.score,
        test.accuracy if test else None,
        test.macro_f1 if test else None,
    )
