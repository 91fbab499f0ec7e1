"""A run as one JSON object: results, manifest, trials."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from experiments.results.run_result import RunResult
from experiments.runs.trial_result import TrialResult

_PRIVATE = "traceback"  # it contains paths of the user's files


def as_object(result: RunResult) -> dict[str, Any]:
    """`RunResult.to_dict` with the run's manifest and every trial, JSON-ready.

    Each trial has its `variants` (several may share it), its configs, and its record as `result`,
    None if there is none yet. Numbers that are not finite are None.
    """
    manifest = result.manifest
    trials: dict[str, dict[str, Any]] = {}
    for planned in result.trials:
        plain = planned.trial.to_dict()
        new = {
            "trial": planned.trial.id,
            "variants": [],
            **plain,
            "result": _record(planned.result),
        }
        trials.setdefault(planned.trial.id, new)["variants"].append(planned.variant)
    figures = result.to_dict()
    about = {
        "question": manifest.question,
        "about": manifest.about,
        "created": manifest.created,
        "dataset": {**figures["dataset"], "kind": manifest.dataset.kind}
        | {"rows": dict(manifest.dataset.rows)},
        "seeds": list(manifest.seeds),
        "epochs": manifest.epochs,
        "device": asdict(manifest.device),
        "versions": dict(manifest.versions),
    }
    return figures | about | {"trials": list(trials.values())}


def as_text(result: RunResult) -> str:
    """`as_object` as a line of JSON, in ASCII."""
    return json.dumps(as_object(result), allow_nan=False)


def _record(result: TrialResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {name: value for name, value in result.to_dict().items() if name != _PRIVATE}
