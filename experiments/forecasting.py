"""How long a study will take on this machine, before it starts.

The time of a cohort is modelled from its arithmetic with the constants of a reference machine,
and multiplied by factors of this machine. `machine_speed.measure` finds them in a few seconds, each
finished run corrects them (`learn`), and a small file in the user's cache keeps them.
"""

from __future__ import annotations

import fcntl
import heapq
import math
import operator
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from data.files.atomic import commit, writing
from data.files.plain import plain_file
from data.files.user_folders import cache_folder
from data.processes import usable_cores
from data.terminal.text import duration
from experiments.design.dataset_size import SOURCE_SIZE, DatasetSize
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing
from experiments.design.study import Device, Study
from experiments.design.trial import Trial
from experiments.runs.checksums import dumps, loads
from experiments.runs.validation import MALFORMED
from experiments.training.cohorts import Cohort
from experiments.training.device import Machine, processor_name, versions
from experiments.training.planning import plan_run
from networks.models.config import comparable
from networks.models.multiply_adds import training_multiplications, weights

_GPUS = Path("/proc/driver/nvidia/gpus")
_TWO_MINUTES, _HOUR = 119.5, 3570


class _Costs(NamedTuple):
    """Seconds on the reference machine."""

    step: float  # the operations of a training step, whatever their size
    multiplication: float  # of a row's forward and backward pass
    weight: float  # reading or writing a weight once
    set_up: float  # building and tracing a cohort


# CPU: one core of an Intel Xeon (Sapphire Rapids, 2.6 GHz). GPU: estimates, not measured.
_COSTS = {
    ("ffn", "cpu"): _Costs(1.1e-4, 5e-11, 2e-10, 0.1),
    ("cnn", "cpu"): _Costs(2.5e-3, 2.2e-11, 4e-10, 0.7),
    ("ffn", "cuda"): _Costs(1e-4, 1e-12, 5e-12, 1.0),
    ("cnn", "cuda"): _Costs(5e-4, 3e-13, 5e-12, 2.0),
}
_PASSES = {"sgd": 1, "adam": 6, "adamw": 6}  # over the weights, in a step of the optimizer
_PASSES_OF_OTHERS = 24
# Operations on each output of a layer, in parts of what its products take.
_BATCH_NORM, _DROPOUT, _PRELU = 0.8, 0.6, 0.5
_TRIAL, _TRIAL_WEIGHT = 0.03, 7e-8  # seconds to initialise and save a network, and each weight
START_UP = 4.0  # seconds until a process can train
_SHARED = 1.15  # by which processes on other cores slow one down, where that is not known


@dataclass(frozen=True)
class Forecast:
    """Duration of a run, from the start of its workers to the end of its last training.

    `is_rough`: nothing was measured on this machine; `at_most`: trials may end early; `left_out`:
    what the quick version of the study lacks, in sentences.
    """

    seconds: float
    is_rough: bool = False
    at_most: bool = False
    trials: int = 0
    workers: int = 1
    left_out: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Such as "about 4 min", "up to 1:10 h" or "roughly 4 min"."""
        return self._text("about ", "up to ", "roughly ")

    @property
    def cell(self) -> str:
        """The same for a table: "4 min", "≤1:10 h" or "~4 min"."""
        return self._text("", "≤", "~")

    def _text(self, about: str, at_most: str, roughly: str) -> str:
        """With no more digits than a forecast is worth."""
        qualifier = roughly if self.is_rough else at_most if self.at_most else about
        if self.seconds < _TWO_MINUTES:
            return f"{qualifier}{max(1, round(self.seconds))} s"
        if self.seconds < _HOUR:
            return f"{qualifier}{round(self.seconds / 60)} min"
        return qualifier + duration(round(self.seconds / 600) * 600)


def forecast(
    study: Study,
    options: StudyOptions,
    computing: Computing,
    size: DatasetSize = SOURCE_SIZE,
) -> Forecast:
    """Forecast a run of a study, baselines not included, without importing torch.

    Args:
        study, options, computing: of the run. The device "auto" means an NVIDIA GPU where there
            is one.
        size: of the dataset.

    Raises:
        RunError: the options leave nothing to train.
    """
    computing = on_this_machine(computing)
    device = computing.device
    devices: tuple[Device, ...] = ("cpu", "cuda") if device == "cuda" else ("cpu",)
    machine = Machine("cuda" if device == "cuda" else "cpu", devices)
    planned = plan_run(study, options, computing, machine, size)
    plan, cohorts, workers = planned.plan, planned.cohorts, planned.workers
    seconds, is_rough = _seconds_of(cohorts, replace(computing, workers=workers), size)
    at_most = any(
        trial.training.early_stopping or trial.training.epochs < cohort.trials[0][1].training.epochs
        for cohort in cohorts
        for _, trial in cohort.trials
    )
    return Forecast(seconds, is_rough, at_most, len(plan.trials), workers, plan.left_out)


def on_this_machine(computing: Computing) -> Computing:
    """The same with a device instead of "auto", chosen without importing torch."""
    if computing.device != "auto":
        return computing
    return replace(computing, device="cuda" if _gpu_names() else "cpu")


def _seconds_of(
    cohorts: Sequence[Cohort], computing: Computing, size: DatasetSize
) -> tuple[float, bool]:
    """Seconds that workers need for cohorts in their order; whether a factor is unknown."""
    factors = read_factors(computing)
    slowdown = _slowdown(factors, computing)
    free = [START_UP * factors.get("start_up", 1.0) * slowdown] * (computing.workers or 1)
    is_rough = False
    for cohort in cohorts:
        first, many = cohort.trials[0][1], len(cohort.trials)
        device = cohort.device or computing.device
        epochs = max(trial.training.epochs for _, trial in cohort.trials)
        seconds = epochs * estimate_epoch(first, many, device, size)
        kind = comparable(first.network).kind
        seconds += _COSTS[kind, device].set_up
        shape = size.shape_of(first.network)
        seconds += many * (_TRIAL + _TRIAL_WEIGHT * weights(first.network, size.classes, shape))
        seconds *= factors.get(kind, 1.0) * slowdown
        is_rough |= first.network.kind not in factors or device != computing.device
        heapq.heapreplace(free, free[0] + seconds)
    return max(free), is_rough


def estimate_epoch(trial: Trial, many: int, device: str, size: DatasetSize) -> float:
    """Seconds of an epoch of trials like one on the reference machine, validation included."""
    network, training = comparable(trial.network), trial.training
    costs, steps = _COSTS[network.kind, device], math.ceil(size.train / training.batch_size)
    about = network, size.classes, size.shape_of(network)
    # A validation row takes one product of each layer instead of three.
    products = training_multiplications(*about) * (size.train + size.validation / 3)
    products *= 1 + _BATCH_NORM * network.batch_norm + _DROPOUT * (network.dropout > 0)
    products *= 1 + _PRELU * (network.activation == "prelu")
    passes = steps * _PASSES.get(training.optimizer, _PASSES_OF_OTHERS) * weights(*about)
    each = products * costs.multiplication + passes * costs.weight
    return steps * costs.step + many * each


def _slowdown(factors: Mapping[str, float], computing: Computing) -> float:
    """Factor by which several processes at once are slower than one alone."""
    shared = factors.get("shared", _SHARED) if (computing.workers or 1) > 1 else 1.0
    return _turns(computing) * shared


def _turns(computing: Computing) -> float:
    """How many processes take turns on a core."""
    return max(1.0, (computing.workers or 1) * computing.threads / usable_cores())


# The factors of machines, in a file: {"schema_version": 2, "machines": {key: {name: factor}}}.

FACTORS = ("start_up", "ffn", "cnn", "shared")  # shared: by processes on all cores
_FILE, _SCHEMA_VERSION = "timings.json", 2
_LARGEST_FILE, _MOST_MACHINES = 2**18, 64
_LEAST, _MOST = 1e-4, 1e4  # factors that may be


def read_factors(computing: Computing) -> dict[str, float]:
    """Factors by which this machine is slower than the reference, by name, as far as known."""
    return _read_machines().get(_key(computing), {})


def correct_factors(computing: Computing, found: Mapping[str, float]) -> None:
    """Store factors; a known one becomes its geometric mean with the new one.

    Raises:
        DataError: the file cannot be written.
    """
    path = cache_folder() / _FILE
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("ab")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        machines, key = _read_machines(), _key(computing)
        known = machines.pop(key, {})
        for name, factor in found.items():
            factor = min(max(factor, _LEAST), _MOST)
            known[name] = math.sqrt(known.get(name, factor) * factor)
        newest = dict([*machines.items(), (key, known)][-_MOST_MACHINES:])
        with commit(path) as temporary:
            temporary.write_bytes(dumps({"schema_version": _SCHEMA_VERSION, "machines": newest}))


def _key(computing: Computing) -> str:
    """Name of a machine, its versions, threads, device and precision."""
    known = versions()
    about = [processor_name(), f"{usable_cores()} cores", *_gpu_names(), computing.device]
    about += [f"{computing.threads} threads", computing.precision]
    return ", ".join([*about, *(f"{name} {known[name]}" for name in ("keras", "torch"))])


def _gpu_names() -> list[str]:
    """The models of NVIDIA GPUs that the driver lists."""
    names = []
    for about in sorted(_GPUS.glob("*/information")):
        with suppress(OSError):
            names += re.findall(r"Model:\s*(.*)", about.read_text(encoding="utf-8"))
    return names


def _read_machines() -> dict[str, dict[str, float]]:
    """Factors of all machines, the last changed one at the end; none from a damaged file."""
    try:
        with open(cache_folder() / _FILE, "rb", opener=plain_file) as file:
            content = loads(file.read(_LARGEST_FILE))
        if content["schema_version"] != _SCHEMA_VERSION:
            return {}
        return {
            key: {
                name: factors[name]
                for name in FACTORS
                if name in factors and _LEAST <= factors[name] <= _MOST
            }
            for key, factors in content["machines"].items()
        }
    except (OSError, *MALFORMED):
        return {}


# Learning from finished runs.

_SHORTEST = 1.0  # seconds of training that are worth learning from


def learn(
    cohorts: Iterable[Cohort],
    epoch_seconds: Mapping[str, Sequence[float]],
    computing: Computing,
    size: DatasetSize,
    cpu_seconds: Mapping[str, tuple[float, float]] = MappingProxyType({}),
) -> None:
    """Correct the factors of this machine by the times that a run has measured.

    Args:
        cohorts, computing: of the run, with its number of workers.
        epoch_seconds: trial id -> seconds of each epoch of its whole cohort.
        size: of the dataset.
        cpu_seconds: trial id -> CPU time of the process that trained it, and the seconds that
            it took. What other programs took of the cores is left out by that.

    Raises:
        DataError: the file of factors cannot be written.
    """
    found = defaultdict[str, list[float]](list)
    slowdown = _slowdown(read_factors(computing), computing)
    for cohort in cohorts:
        lasted = [epoch_seconds.get(trial.id, ()) for _, trial in cohort.trials]
        longest, first = max(lasted, key=len), cohort.trials[0][1]
        device = cohort.device or computing.device
        is_own = first.network.kind not in FACTORS
        if is_own or sum(longest) < _SHORTEST or device != computing.device:
            continue
        cpu, seconds = cpu_seconds.get(first.id, (1.0, 1.0))
        is_shared = device == "cpu" and seconds > 0
        got = min(1.0, _turns(computing) * cpu / seconds) if is_shared else 1.0
        living = (sum(len(one) > epoch for one in lasted) for epoch in range(len(longest)))
        expected = (estimate_epoch(first, many, device, size) for many in living)
        found[first.network.kind].append(
            statistics.median(map(operator.truediv, longest, expected)) * got / slowdown
        )
    if found:
        correct_factors(computing, {k: statistics.median(v) for k, v in found.items()})
