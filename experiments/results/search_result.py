"""What came of a search: its best trials on validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.errors import MISSHAPEN, RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.validation import number, of_type, share

SHOWN = 10


@dataclass(frozen=True)
class Ranked:
    """A trial that finished.

    Args:
        number: in the order of drawing, counted from 0, as Optuna does.
        trial: its id.
        variant: its name.
        values: that were drawn for it, by the paths of their fields.
        epoch: that was kept.
        validation_macro_f1: at that epoch.
        accuracy, macro_f1: on the test rows; None where they were not looked at.
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
    """What came of a search.

    Args:
        sampler, seed: that drew.
        asked: trials in all.
        drawn: so far.
        generations: in which they were.
        is_over: whether all are drawn.
        diverged, failed: trials that did.
        ranked: trials that finished, the best on validation first.
    """

    sampler: str
    seed: int
    asked: int
    drawn: int
    generations: int
    is_over: bool
    diverged: int
    failed: int
    ranked: tuple[Ranked, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with the best trials only."""
        plain = {name: value for name, value in vars(self).items() if name != "ranked"}
        best = [ranked.to_dict() for ranked in self.ranked[:SHOWN]]
        return plain | {"finished": len(self.ranked), "best": best}


def search_result(run: RunDirectory) -> SearchResult | None:
    """What came of a search so far; None for a run that is none.

    Raises:
        RunError: a record is missing or damaged.
    """
    facts = run.read_run()
    if "search" not in facts:
        return None
    try:
        search = of_type(dict, facts["search"])
        draws = of_type(list, search["draws"])
        results = [run.read_result(of_type(str, draw["trial"])) for draw in draws]
        ended = [of_type(str, result["status"]) for result in results if result]
        ranked = [
            _ranked(of_type(dict, draw), result)
            for draw, result in zip(draws, results, strict=True)
            if result and result["status"] == "finished"
        ]
        return SearchResult(
            of_type(str, search["sampler"]),
            of_type(int, search["seed"]),
            of_type(int, search["trials"]),
            len(draws),
            of_type(int, search["generations"]),
            of_type(bool, search["is_over"]),
            ended.count("diverged"),
            ended.count("failed"),
            tuple(sorted(ranked, key=lambda one: -one.validation_macro_f1)),
        )
    except MISSHAPEN as error:
        if isinstance(error, RunError):
            raise
        raise RunError(f"the records of {run.path} are damaged ({error!r:.200}).") from error


def _ranked(draw: Mapping[str, Any], result: Mapping[str, Any]) -> Ranked:
    test = result["test"]
    return Ranked(
        of_type(int, draw["number"]),
        of_type(str, draw["trial"]),
        of_type(str, draw["variant"]),
        of_type(dict, draw["values"]),
        of_type(int, result["kept_epoch"]),
        share(number(result["validation"]["macro_f1"])),
        share(test["accuracy"]) if test else None,
        share(test["macro_f1"]) if test else None,
    )
