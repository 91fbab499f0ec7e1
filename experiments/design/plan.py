"""A study, a protocol and a dataset to the trials that will be trained."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from experiments.design.limits import (
    MOST_TRIALS,
    check_bounds,
    check_choice,
    check_limit,
)
from experiments.design.study import (
    DEFAULT_SEEDS,
    FIRST_SEED,
    PROTOCOLS,
    QUICK_SEEDS,
    Device,
    Protocol,
    Study,
)
from experiments.design.trial import Trial
from experiments.errors import RunError

_DEVICES: dict[Device, str] = {"cpu": "CPU", "cuda": "GPU that torch can use"}


@dataclass(frozen=True)
class Candidate:
    """One training config of a variant, with a trial for each seed."""

    trials: tuple[Trial, ...]

    @property
    def learning_rate(self) -> float:
        """Differs between the candidates of a variant."""
        return self.trials[0].training.learning_rate

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the trials."""
        return tuple(trial.id for trial in self.trials)


@dataclass(frozen=True)
class PlannedVariant:
    """A variant's candidates; where there are several, validation chooses one."""

    name: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Plan:
    """The trials of a run.

    Args:
        study: its name.
        protocol: "documented" or "controlled".
        seeds: of each candidate's trials.
        epochs: requested instead of the protocol's, or None.
        variants: in the study's order.
        left_out: sentences on what a smaller version of the study lacks.
    """

    study: str
    protocol: Protocol
    seeds: tuple[int, ...]
    epochs: int | None
    variants: tuple[PlannedVariant, ...]
    left_out: tuple[str, ...] = ()

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


@dataclass(frozen=True)
class StudyOptions:
    """Requested extent of a study.

    Args:
        protocol: "documented" or "controlled".
        seeds: their number; None means the protocol's.
        epochs: of every training; None means the protocol's.
        quick: use the controlled protocol with a smaller budget.
        extended: add the variants that only the extended study has.
    """

    protocol: Protocol = "documented"
    seeds: int | None = None
    epochs: int | None = None
    quick: bool = False
    extended: bool = False

    def __post_init__(self) -> None:
        check_choice("protocol", self.protocol, PROTOCOLS)
        check_bounds(seeds=self.seeds, epochs=self.epochs)

    @property
    def seeds_each(self) -> int:
        """Number of seeds of each candidate."""
        return self.seeds or (QUICK_SEEDS if self.quick else DEFAULT_SEEDS[self.protocol])

    @property
    def seed_numbers(self) -> tuple[int, ...]:
        """The seeds of each candidate's trials."""
        return tuple(range(FIRST_SEED, FIRST_SEED + self.seeds_each))


def make_plan(
    study: Study,
    options: StudyOptions,
    dataset_sha256: str,
    devices: Collection[Device] = ("cpu", "cuda"),
) -> Plan:
    """Plan the trials of a study.

    Args:
        study: with its variants.
        options: its requested extent.
        dataset_sha256: content hash of the dataset.
        devices: that can train here; variants of other devices are left out.

    Raises:
        RunError: nothing is left to train, or the options contradict each other.
    """
    protocol, quick = options.protocol, options.quick
    if quick and protocol == "documented":
        raise RunError(
            "--quick makes the controlled protocol smaller; the documented one repeats what the "
            "source ran. Add --protocol controlled, or leave --quick out."
        )
    if options.extended and not study.can_be_extended:
        raise RunError(f"the study {study.name} has no extended form: leave --extended out.")
    seeds = options.seed_numbers
    chosen = study.of(protocol, extended=options.extended)
    candidates = sum(study.count_trainings(variant, protocol, quick=quick) for variant in chosen)
    check_limit(candidates * len(seeds), MOST_TRIALS, "trials")
    able = [v for v in chosen if v.device is None or v.device in devices]
    if not able:
        raise RunError(f"the study {study.name} has no variants in the {protocol} protocol here.")
    variants = tuple(
        PlannedVariant(
            variant.name,
            tuple(
                Candidate(
                    tuple(
                        Trial(variant.network, training, seed, dataset_sha256, variant.device)
                        for seed in seeds
                    )
                )
                for training in study.trainings(variant, protocol, options.epochs, quick=quick)
            ),
        )
        for variant in able
    )
    without = tuple(
        f"{variant.name}: left out, as there is no {_DEVICES[variant.device]} here."
        for variant in chosen
        if variant not in able and variant.device
    )
    epochs = options.epochs
    return Plan(study.name, protocol, seeds, epochs, variants, _left_out(study, options) + without)


def _left_out(study: Study, options: StudyOptions) -> tuple[str, ...]:
    """Sentences on what the quick version of a study lacks."""
    if not options.quick:
        return ()
    budget, smaller = study.budget, study.budget.quick()
    seeds = options.seeds or QUICK_SEEDS
    parts = [f"{seeds} seeds instead of {DEFAULT_SEEDS['controlled']}"]
    if options.epochs is None:
        parts.append(f"{smaller.epochs} epochs instead of {budget.epochs}")
    rates = [f"{rate:g}" for rate in budget.learning_rates if rate not in smaller.learning_rates]
    if rates:
        parts.append(f"no learning rate of {', '.join(rates)}")
    return (f"Quick version: {', '.join(parts)}.",)
