"""Which trials of a plan train together, by the kind of device.

It does not depend on how many processes train: a run on a laptop and one on a
large machine of the same kind give the same results.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.design.dataset_size import DatasetSize
from experiments.design.study import Device
from experiments.design.trial import Fold, Trial, cohort_id
from experiments.errors import DamagedRecordError, RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.manifest import CohortRecord, RunManifest
from networks.models.config import CNNConfig
from networks.training.cohort_key import LARGEST_COHORT, bytes_per_trial, cohort_key

_SHARE_OF_FREE_MEMORY = 0.7


@dataclass(frozen=True)
class Cohort:
    """Trials that train in lockstep, each with the name of its variant."""

    trials: tuple[tuple[str, Trial], ...]

    @property
    def id(self) -> str:
        """16 hexadecimal digits, from the trials' ids."""
        return cohort_id(trial.id for _, trial in self.trials)

    @property
    def record(self) -> CohortRecord:
        """As a manifest has it."""
        return CohortRecord(self.id, tuple(trial.id for _, trial in self.trials))

    @property
    def device(self) -> Device | None:
        """The device that its trials are about, or None."""
        return self.trials[0][1].device

    @property
    def fold(self) -> Fold | None:
        """The fold that its trials are tested on, or None."""
        return self.trials[0][1].fold

    def part(self, trials: Iterable[str]) -> Cohort:
        """Those of its trials that have these ids."""
        named = {trial.id: (variant, trial) for variant, trial in self.trials}
        return Cohort(tuple(named[trial] for trial in trials))

    def halves(self) -> tuple[Cohort, Cohort]:
        """The first and the last trials, of two at least."""
        middle = len(self.trials) // 2
        return Cohort(self.trials[:middle]), Cohort(self.trials[middle:])


def plan_cohorts(
    trials: Sequence[tuple[str, Trial]],
    device: str,
    size: DatasetSize,
    free_memory: int | None = None,
) -> tuple[Cohort, ...]:
    """Group trials of one architecture, optimizer, batch size, device and fold into cohorts.

    Args:
        trials: with the names of their variants, in the order of training.
        device: "cpu" or "cuda", of trials that are about none.
        size: of the dataset.
        free_memory: of the device, in bytes, where it limits cohorts.

    Returns:
        In the order of their first trials. Cohorts of one kind are of nearly equal
        size.

    Raises:
        RunError: a single trial is too large for the device.
    """
    kinds: dict[tuple[object, ...], list[tuple[str, Trial]]] = {}
    for name, trial in trials:
        key = (trial.device, trial.fold, *cohort_key(trial.network, trial.training))
        kinds.setdefault(key, []).append((name, trial))
    cohorts: list[Cohort] = []
    for alike in kinds.values():
        first = alike[0][1]
        largest = _largest(first, first.device or device, size, free_memory)
        number = -(-len(alike) // largest)
        sizes = [len(alike) // number + (i < len(alike) % number) for i in range(number)]
        for many in sizes:
            cohorts.append(Cohort(tuple(alike[:many])))
            alike = alike[many:]
    order = {trial.id: place for place, (_, trial) in enumerate(trials)}
    return tuple(sorted(cohorts, key=lambda cohort: order[cohort.trials[0][1].id]))


def cohorts_of(manifest: RunManifest) -> tuple[Cohort, ...]:
    """The cohorts of a run.

    Raises:
        DamagedRecordError: they have other ids.
    """
    named = {trial.id: (variant, trial) for variant, trial in manifest.plan.trials}
    cohorts = tuple(Cohort(tuple(map(named.__getitem__, r.trials))) for r in manifest.cohorts)
    for cohort, record in zip(cohorts, manifest.cohorts, strict=True):
        if cohort.id != record.id or len({trial.fold for _, trial in cohort.trials}) != 1:
            raise DamagedRecordError(f"run.json is damaged: {record.id:.40} is another cohort.")
    return cohorts


def planned_parts(run: RunDirectory, cohort: Cohort) -> list[Cohort]:
    """The cohorts that a planned one trains as: itself, or the parts that it was split into.

    Raises:
        RunError: the record of a split is damaged.
    """
    split = run.read_split(cohort.id)
    if split is None:
        return [cohort]
    ids = {trial.id for _, trial in cohort.trials}
    if any(not 0 < len(part) < len(ids) or not ids >= set(part) for part in split):
        raise DamagedRecordError(f"split.json of the cohort {cohort.id} is of another one.")
    return [each for part in split for each in planned_parts(run, cohort.part(part))]


def _largest(trial: Trial, device: str, size: DatasetSize, free_memory: int | None) -> int:
    network = trial.network
    largest = LARGEST_COHORT[network.features][device]
    if not isinstance(network, CNNConfig) or device == "cpu" or free_memory is None:
        return largest
    shape = size.shape_of(network)
    each = bytes_per_trial(network, trial.training.batch_size, size.classes, shape)
    fit = int(free_memory * _SHARE_OF_FREE_MEMORY) // each
    if fit == 0:
        raise RunError(
            f"training this network needs about {each / 2**30:.1f} GB of the GPU's memory, of "
            f"which {free_memory / 2**30:.1f} GB are free. Use a smaller network or batch, "
            "another GPU, or --device cpu."
        )
    return min(fit, largest)
