"""A run as one JSON object: its results and all that they rest on."""

from __future__ import annotations

import json
import math
from typing import Any

from experiments.design.plan import plan_of
from experiments.export.trials import damage
from experiments.results.run_result import RunResult

_NOT_FOR_OTHERS = "traceback"  # names files of whoever ran it


def as_object(result: RunResult) -> dict[str, Any]:
    """What `RunResult.to_dict` gives, with the run's facts and every trial, JSON-ready.

    Each trial has its `variants` (several may share it), its configs, and its `result`:
    the record as it is, with its history; None where there is none yet. Numbers that
    are not finite are None.

    Raises:
        RunError: a record is damaged.
    """
    run = result.run
    facts = run.read_run()
    with damage(str(run.path / "run.json")):
        plan = plan_of(facts)
        variants: dict[str, list[str]] = {}
        for variant in plan.variants:
            for candidate in variant.candidates:
                for trial in candidate.trials:
                    variants.setdefault(trial.id, []).append(variant.name)
        summed = result.to_dict()
        about = {
            "question": result.question,
            "about": result.about,
            "created": result.created,
            "dataset": {**summed["dataset"], "kind": result.dataset_kind}
            | {"rows": facts["dataset"].get("rows")},
            "seeds": list(plan.seeds),
            "epochs": plan.epochs,
            "device": facts.get("device"),
            "versions": facts.get("versions"),
        }
        trials = [
            {"trial": trial.id, "variants": variants[trial.id], **trial.to_dict()}
            | {"result": _told(run.read_result(trial.id))}
            for _, trial in plan.trials
        ]
        whole: dict[str, Any] = _finite(summed | about | {"trials": trials})
        return whole


def as_text(result: RunResult) -> str:
    """`as_object` as a line of JSON, in ASCII.

    Raises:
        RunError: as `as_object`.
    """
    return json.dumps(as_object(result), allow_nan=False)


def _told(result: dict[str, Any] | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {name: value for name, value in result.items() if name != _NOT_FOR_OTHERS}


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value
