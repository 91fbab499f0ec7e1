"""In what runs differ: protocol, dataset, seeds, machine, and what their variants are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.design.config_paths import flatten_config
from experiments.errors import MISSHAPEN, RunError
from experiments.results.run_result import RunResult

_NONE = "-"


@dataclass(frozen=True)
class Difference:
    """Something that is not the same in all runs.

    Args:
        what: it is, such as "seeds" or "adam: training.epochs".
        values: one a run, as text.
    """

    what: str
    values: tuple[str, ...]


def differences(results: Sequence[RunResult]) -> tuple[Difference, ...]:
    """All that is not the same in some runs, as far as their records tell.

    Raises:
        RunError: a run.json is damaged.
    """
    try:
        return tuple(_differences(results))
    except MISSHAPEN as error:
        raise RunError(f"a run.json is damaged ({error!r:.80}).") from error


def _differences(results: Sequence[RunResult]) -> Iterator[Difference]:
    facts = [result.run.read_run() for result in results]
    yield from _unlike([_told(one, run) for one, run in zip(results, facts, strict=True)], "")
    for name in dict.fromkeys(variant.name for result in results for variant in result.variants):
        configs = [_config(run, name) for run in facts]
        if all(configs):
            yield from _unlike(configs, f"{name}: ")


def _unlike(told: Sequence[Mapping[str, str]], begin: str) -> Iterator[Difference]:
    for what in dict.fromkeys(name for one in told for name in one):
        values = tuple(one.get(what, _NONE) for one in told)
        if len(set(values)) > 1:
            yield Difference(f"{begin}{what}", values)


def _told(result: RunResult, facts: Mapping[str, Any]) -> dict[str, str]:
    """What runs may differ in, apart from their variants."""
    return {
        "study": result.study,
        "protocol": result.protocol,
        "state": result.state,
        "dataset": result.dataset,
        "dataset's content": result.content_sha256[:12],
        "seeds": ", ".join(str(seed) for seed in facts["seeds"]),
        "left out": " ".join(result.left_out) or _NONE,
        **result.machine,
    }


def _config(facts: Mapping[str, Any], name: str) -> dict[str, str]:
    """A variant's config, field by field; empty where the run has no such variant."""
    for variant in facts["variants"]:
        if variant["name"] == name:
            candidates = variant["candidates"]
            rates = [f"{candidate['learning_rate']:g}" for candidate in candidates]
            trial = dict(facts["trials"][candidates[0]["trials"][0]])
            flat = dict(
                flatten_config({"network": trial["network"], "training": trial["training"]})
            )
            return flat | {"training.learning_rate": ", ".join(rates)}
    return {}
