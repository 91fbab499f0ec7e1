"""A study, a protocol and a dataset to the trials that will be trained."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, TypeVar
from typing import Protocol as StructuralType

from data.datasets.artists import GROUPS, Group
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
from experiments.design.trial import Fold, Trial
from experiments.errors import RunError

_DEVICES: dict[Device, str] = {"cpu": "CPU", "cuda": "GPU that torch can use"}


@dataclass(frozen=True)
class Candidate:
    """One training config of a variant on one fold, with a trial for each seed."""

    trials: tuple[Trial, ...]

    @property
    def fold(self) -> Fold | None:
        """The fold that its trials are tested on; None for the dataset's test split."""
        return self.trials[0].fold

    @property
    def learning_rate(self) -> float:
        """Differs between the candidates of a variant on a fold."""
        return self.trials[0].training.learning_rate

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the trials."""
        return tuple(trial.id for trial in self.trials)


class _HasFold(StructuralType):
    @property
    def fold(self) -> Fold | None: ...


T = TypeVar("T", bound=_HasFold)


def by_fold(candidates: Iterable[T]) -> list[list[T]]:
    """Candidates among which validation selects one: those on the same fold."""
    groups: dict[Fold | None, list[T]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.fold, []).append(candidate)
    return list(groups.values())


@dataclass(frozen=True)
class PlannedVariant:
    """A variant's candidates; where there are several on a fold, validation chooses one."""

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
        folds: of cross-validation; None trains and tests on the dataset's own splits.
        group: what is kept in one fold: "track" or "artist"; None means "track".
    """

    protocol: Protocol = "documented"
    seeds: int | None = None
    epochs: int | None = None
    quick: bool = False
    extended: bool = False
    folds: int | None = None
    group: Group | None = None

    def __post_init__(self) -> None:
        check_choice("protocol", self.protocol, PROTOCOLS)
        check_bounds(seeds=self.seeds, epochs=self.epochs, folds=self.folds)
        if self.group is not None:
            check_choice("group", self.group, GROUPS)
            if self.folds is None:
                raise RunError(
                    "group says what the folds of cross-validation keep together: add folds, such "
                    "as --folds 5, or leave --group out."
                )

    @property
    def seeds_each(self) -> int:
        """Number of seeds of each candidate."""
        return self.seeds or (QUICK_SEEDS if self.quick else DEFAULT_SEEDS[self.protocol])

    @property
    def seed_numbers(self) -> tuple[int, ...]:
        """The seeds of each candidate's trials."""
        return tuple(range(FIRST_SEED, FIRST_SEED + self.seeds_each))

    @property
    def tested_folds(self) -> tuple[Fold | None, ...]:
        """The folds of cross-validation; (None,) where the dataset's own splits are used."""
        if self.folds is None:
            return (None,)
        group = self.group or "track"
        return tuple(Fold(number, self.folds, group) for number in range(1, self.folds + 1))

    @property
    def trainings_each(self) -> int:
        """Number of trials of each training config."""
        return self.seeds_each * len(self.tested_folds)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; what came with folds is there only where there are folds."""
        plain = asdict(self)
        return {k: v for k, v in plain.items() if v is not None or k not in ("folds", "group")}


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
    seeds, folds = options.seed_numbers, options.tested_folds
    chosen = study.of(protocol, extended=options.extended)
    candidates = sum(study.count_trainings(variant, protocol, quick=quick) for variant in chosen)
    check_limit(candidates * options.trainings_each, MOST_TRIALS, "trials")
    able = [v for v in chosen if v.device is None or v.device in devices]
    if not able:
        raise RunError(f"the study {study.name} has no variants in the {protocol} protocol here.")
    variants = tuple(
        PlannedVariant(
            variant.name,
            tuple(
                Candidate(
                    tuple(
                        Trial(variant.network, training, seed, dataset_sha256, variant.device, fold)
                        for seed in seeds
                    )
                )
                for training in study.trainings(variant, protocol, options.epochs, quick=quick)
                for fold in folds
            ),
        )
        for variant in able
    )
    without = tuple(
        f"{variant.name}: left out, as there is no {_DEVICES[variant.device]} here."
        for variant in chosen
        if variant not in able and variant.device
    )
    epochs, left_out = options.epochs, (*_folds(options), *_left_out(study, options), *without)
    return Plan(study.name, protocol, seeds, epochs, variants, left_out)


def _folds(options: StudyOptions) -> tuple[str, ...]:
    """A sentence on cross-validation, as the dataset's own splits are not used."""
    if options.folds is None:
        return ()
    return (
        f"Cross-validation: {options.folds} folds by {options.group or 'track'} of all rows "
        "instead of the dataset's own splits. Each row is tested once a seed, by a network that "
        "was trained and selected on the other folds.",
    )


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
