"""One measurement of training, in a process of its own.

What one measurement loads, compiles or leaves in memory cannot help or harm the
next. Run as a module, with a `Job` as JSON, this file is that process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.errors import RunError
from experiments.training.device import set_up
from networks.errors import ConfigError
from networks.models.config import comparable, network_from_dict, training_from_dict
from networks.training.cohort_key import Precision

if TYPE_CHECKING:
    from tests.bench.rivals import Work

CHILD: tuple[str, ...] = (sys.executable, "-m", "tests.bench.process")

_MATRIX_SIDE = 1024


@dataclass(frozen=True)
class Job:
    """All that a process needs, JSON-ready.

    Args:
        name: of the row it fills.
        rival: one of `rivals.RIVALS`, "ours", or "matrix-product", which reads neither
            of the following but the device.
        device: "cpu" or "cuda".
        threads: of torch on the CPU.
        members: trials of a cohort of ours.
        precision: of ours.
        network, training: configs, as `networks.models.config.to_dict` gives them.
        classes: number of genres.
        arrays: an .npz file with `features`, `label`, `validation_features` and
            `validation_label`.
    """

    name: str
    rival: str
    device: str
    threads: int
    members: int = 1
    precision: Precision = "float32"
    network: dict[str, Any] | None = None
    training: dict[str, Any] | None = None
    classes: int = 0
    arrays: str = ""


@dataclass(frozen=True)
class Measured:
    """What a process found.

    Args:
        device_name: the processor or GPU.
        rate: trial-epochs a second; of the matrix product operations a second.
        epoch: mean seconds of an epoch, the first left out.
        set_up: seconds of the training beyond as many such epochs: building, tracing,
            and what the first epoch takes longer than the others. Imports do not count.
        reports: what a reader of the figures should know.
    """

    device_name: str
    rate: float
    epoch: float = 0.0
    set_up: float = 0.0
    reports: list[str] = field(default_factory=list)


def in_its_own_process(job: Job) -> Measured:
    """Carry a measurement out in a new process.

    Raises:
        RunError: it failed or was killed.
    """
    done = subprocess.run(
        [*CHILD, json.dumps(asdict(job))],
        capture_output=True,
        text=True,
        # Keras would take a GPU wherever there is one.
        env=os.environ | {"KERAS_TORCH_DEVICE": job.device},
    )
    try:
        if done.returncode:
            raise ValueError
        return Measured(**json.loads(done.stdout.splitlines()[-1]))
    except (ValueError, TypeError, IndexError):
        raise RunError(_failure(job, done)) from None


def measure_here(job: Job) -> Measured:
    """Carry a measurement out in this process."""
    device_name = set_up(job.device, job.threads)
    if job.rival == "matrix-product":
        return Measured(device_name, matrix_product_rate(job.device))
    work = _read_work(job)
    reports: list[str] = []
    if job.rival == "ours":
        began, ends = _train_ours(job, work, reports.append)
    else:
        began, ends = _train_rival(job.rival, work)
    seconds = time.perf_counter() - began
    epoch = (ends[-1] - ends[0]) / (len(ends) - 1)
    beyond = seconds - len(ends) * epoch
    return Measured(device_name, job.members / epoch, epoch, beyond, reports)


def matrix_product_rate(device: str, tries: int = 20) -> float:
    """Operations a second of a float32 matrix product, the best of several tries.

    A product of two matrices of 1024 x 1024 is 2 * 1024^3 operations: as many
    multiplications as additions.
    """
    import torch

    a, b = torch.randn(2, _MATRIX_SIDE, _MATRIX_SIDE, device=device)
    out = torch.empty_like(a)
    products = 100 if device == "cuda" else 1  # a GPU is asked for many before it is waited for
    best = float("inf")
    for _ in range(tries):
        _wait_for(device)
        began = time.perf_counter()
        for _ in range(products):
            torch.mm(a, b, out=out)
        _wait_for(device)
        best = min(best, (time.perf_counter() - began) / products)
    return 2 * _MATRIX_SIDE**3 / best


def _read_work(job: Job) -> Work:
    from tests.bench.rivals import Work

    assert job.network is not None
    assert job.training is not None
    with np.load(job.arrays, allow_pickle=False) as arrays:
        return Work(
            comparable(network_from_dict(job.network)),
            training_from_dict(job.training),
            job.classes,
            job.device,
            **{name: arrays[name] for name in arrays.files},
        )


def _train_rival(rival: str, work: Work) -> tuple[float, list[float]]:
    """Train a rival, without validation; when it began and each epoch ended."""
    import torch

    from tests.bench.rivals import RIVALS

    torch.backends.cudnn.deterministic = False  # torch's default; only ours must repeat itself
    began = time.perf_counter()
    made = RIVALS[rival](work)
    ends = []
    for _ in range(work.training.epochs):
        made.epoch()
        _wait_for(work.device)
        ends.append(time.perf_counter())
    return began, ends


def _train_ours(job: Job, work: Work, report: Callable[[str], None]) -> tuple[float, list[float]]:
    """Train a cohort as users do, with validation and callbacks; as `_train_rival`.

    Raises:
        RunError: a trial ended early: the others are then faster than all together.
    """
    from networks.engine.cohort import EpochScores, FailedTrial, TrialSpec, train_cohort
    from networks.training.results import LabelledRows

    epochs = work.training.epochs
    ends = [0.0] * epochs
    trained = [0] * job.members

    def on_epoch(epoch: int, seconds: float, ended: Sequence[EpochScores]) -> None:
        ends[epoch - 1] = time.perf_counter()
        for one in ended:
            trained[one.index] = epoch

    began = time.perf_counter()
    outcomes = train_cohort(
        [TrialSpec(work.network, work.training, seed) for seed in range(job.members)],
        LabelledRows(work.features, work.label),
        LabelledRows(work.validation_features, work.validation_label),
        work.classes,
        device=work.device,
        precision=job.precision,
        on_epoch=on_epoch,
        report=report,
    )
    for outcome, epoch in zip(outcomes, trained, strict=True):
        if epoch < epochs:
            assert outcome is not None
            why = outcome.reason if isinstance(outcome, FailedTrial) else outcome.status
            raise RunError(f"a trial ended after {epoch} of {epochs} epochs: {why}")
    return began, ends


def _wait_for(device: str) -> None:
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


def _failure(job: Job, done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        how = f"was killed by {signal.Signals(-done.returncode).name}"
    elif done.returncode:
        how = f"failed with exit code {done.returncode}"
    else:
        how = "ended without a figure"
    last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "")
    said = f", saying: {last.strip().rstrip('.')}" if last else " and said nothing"
    return (
        f"the measurement {job.name} {how}{said}. Try again, or measure without it: --only TEXT "
        "keeps those with TEXT in their names."
    )


def main() -> None:
    """Carry out the job on the command line and print what was measured."""
    try:
        measured = measure_here(Job(**json.loads(sys.argv[1])))
    except (RunError, ConfigError) as error:
        sys.exit(str(error))
    print(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main()
