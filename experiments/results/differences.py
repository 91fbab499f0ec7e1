"""In what runs differ: protocol, dataset, seeds, machine, and what their variants are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from experiments.design.config_paths import flatten_config
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


def differences(results: Sequence[RunResult]) -> Iterator[Difference]:
    """All that is not the same in some runs, as far as their records tell."""
    yield from _unlike([_settings(result) for result in results], "")
    for name in dict.fromkeys(variant.name for result in results for variant in result.variants):
        configs = [_config(result, name) for result in results]
        if all(configs):
            yield from _unlike(configs, f"{name}: ")


def _unlike(fields: Sequence[Mapping[str, str]], begin: str) -> Iterator[Difference]:
    for what in dict.fromkeys(name for one in fields for name in one):
        values = tuple(one.get(what, _NONE) for one in fields)
        if len(set(values)) > 1:
            yield Difference(f"{begin}{what}", values)


def _settings(result: RunResult) -> dict[str, str]:
    """What runs may differ in, apart from their variants."""
    return {
        "study": result.study,
        "protocol": result.protocol,
        "state": result.state,
        "dataset": result.dataset,
        "dataset's content": result.content_sha256[:12],
        "seeds": ", ".join(str(seed) for seed in result.manifest.seeds),
        "left out": " ".join(result.manifest.left_out) or _NONE,
        **result.machine,
    }


def _config(result: RunResult, name: str) -> dict[str, str]:
    """A variant's config, field by field; empty where the run has no such variant."""
    for variant in result.manifest.variants:
        if variant.name == name:
            rates = [f"{candidate.learning_rate:g}" for candidate in variant.candidates]
            trial = variant.candidates[0].trials[0].to_dict()
            flat = dict(flatten_config({part: trial[part] for part in ("network", "training")}))
            return flat | {"training.learning_rate": ", ".join(rates)}
    return {}
