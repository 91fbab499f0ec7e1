"""A study, a protocol and a dataset to the trials that will be trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from experiments.errors import RunError
from experiments.study import DEFAULT_SEEDS, FIRST_SEED, PROTOCOLS, Protocol, Study
from experiments.trial import Trial


@dataclass(frozen=True)
class Candidate:
    """One training config of a variant: a trial a seed."""

    trials: tuple[Trial, ...]

    @property
    def learning_rate(self) -> float:
        """That tells the candidates of a variant apart."""
        return self.trials[0].training.learning_rate


@dataclass(frozen=True)
class PlannedVariant:
    """A variant's candidates; where there are several, validation chooses one."""

    name: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Plan:
    """All that a run will train.

    Args:
        study: its name.
        protocol: "documented" or "controlled".
        seeds: of the trials of each candidate.
        epochs: asked for instead of the protocol's, or None.
        variants: in the study's order.
    """

    study: str
    protocol: Protocol
    seeds: tuple[int, ...]
    epochs: int | None
    variants: tuple[PlannedVariant, ...]

    @cached_property
    def trials(self) -> tuple[tuple[str, Trial], ...]:
        """Trials with the name of their variant, each once, in the order of training.

        Variants whose protocols agree share their trials.
        """
        named: dict[str, tuple[str, Trial]] = {}
        for variant in self.variants:
            for candidate in variant.candidates:
                for trial in candidate.trials:
                    named.setdefault(trial.id, (variant.name, trial))
        return tuple(named.values())


def plan_of(facts: Mapping[str, Any]) -> Plan:
    """The plan that a run's run.json tells of.

    Raises:
        RunError: it is damaged.
    """
    try:
        trials = {}
        for name, plain in facts["trials"].items():
            trials[name] = trial = Trial.from_dict(plain)
            if trial.id != name:
                raise ValueError(f"{name!r:.40} is the name of another trial")
        variants = tuple(
            PlannedVariant(
                str(variant["name"]),
                tuple(
                    Candidate(tuple(trials[name] for name in candidate["trials"]))
                    for candidate in variant["candidates"]
                ),
            )
            for variant in facts["variants"]
        )
        if facts["protocol"] not in PROTOCOLS:
            raise ValueError(f"there is no protocol {facts['protocol']!r:.40}")
        seeds = tuple(int(seed) for seed in facts["seeds"])
        return Plan(str(facts["study"]), facts["protocol"], seeds, facts["epochs"], variants)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"run.json is damaged: its plan cannot be read ({error!s:.200}).") from error


def make_plan(
    study: Study,
    protocol: Protocol,
    dataset_sha256: str,
    seeds: int | None = None,
    epochs: int | None = None,
) -> Plan:
    """The trials of a study.

    Args:
        study: the question.
        protocol: "documented" or "controlled".
        dataset_sha256: content hash of the dataset.
        seeds: how many; the protocol's own number if None.
        epochs: of every training, instead of the protocol's.
    """
    chosen = tuple(FIRST_SEED + i for i in range(seeds or DEFAULT_SEEDS[protocol]))
    variants = tuple(
        PlannedVariant(
            variant.name,
            tuple(
                Candidate(
                    tuple(Trial(variant.network, training, seed, dataset_sha256) for seed in chosen)
                )
                for training in study.trainings(variant, protocol, epochs)
            ),
        )
        for variant in study.variants
    )
    return Plan(study.name, protocol, chosen, epochs, variants)
