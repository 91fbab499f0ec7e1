"""Generations of a search, as a run's directory keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.errors import MISSHAPEN, RunError


def merged(facts: Mapping[str, Any], generations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What run.json says of a search, with all that it has drawn since.

    Trials, cohorts and the candidates of variants are those of an ordinary run whose
    plan was the same; variants of which nothing was drawn are left out. `search` tells
    of the draws and whether they are over.

    Raises:
        RunError: they do not belong together.
    """
    draws: list[dict[str, Any]] = []
    try:
        trials, cohorts = dict(facts["trials"]), list(facts["cohorts"])
        names = [variant["name"] for variant in facts["variants"]]
        candidates: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for number, generation in enumerate(generations, 1):
            if generation["number"] != number:
                raise ValueError(f"number {number} is missing")
            trials |= generation["trials"]
            cohorts += generation["cohorts"]
            for draw in generation["draws"]:
                trial, begin = draw["trial"], len(draws)
                if draw["number"] != begin:
                    raise ValueError(f"draw {begin} is missing")
                rate = trials[trial]["training"]["learning_rate"]
                candidates[draw["variant"]].append({"learning_rate": rate, "trials": [trial]})
                draws.append({**draw, "generation": number})
        if len(trials) != len(draws):
            raise ValueError("trials and draws differ")
        return {
            **facts,
            "trials": trials,
            "cohorts": cohorts,
            "variants": [
                {**variant, "candidates": candidates[variant["name"]]}
                for variant in facts["variants"]
                if candidates[variant["name"]]
            ],
            "search": {
                **facts["search"],
                "generations": len(generations),
                "draws": draws,
                "is_over": bool(generations) and generations[-1]["is_last"] is True,
            },
        }
    except MISSHAPEN as error:
        raise RunError(f"the generations of a run are damaged ({error!s:.200}).") from error
