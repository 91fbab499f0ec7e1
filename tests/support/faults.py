"""A study that takes a second and has all that makes going on hard; and what goes wrong."""

import os
import resource
import signal
from pathlib import Path
from typing import Any

from experiments.design.study import Budget, Study, Variant
from networks.models.config import EarlyStoppingConfig, FFNConfig, ScheduleConfig, TrainingConfig

_STOPS = TrainingConfig(
    optimizer="adam",
    learning_rate=0.01,
    epochs=40,
    batch_size=8,
    keep="best",
    early_stopping=EarlyStoppingConfig(patience=4, monitor="val_loss"),
    schedule=ScheduleConfig(kind="reduce_on_plateau", patience=2, monitor="val_loss"),
)
_RUNS_ON = TrainingConfig(optimizer="sgd", learning_rate=0.05, epochs=30, batch_size=8)

STUDY = Study(
    name="faults",
    question="Does it go on?",
    about="",
    variants=(
        Variant("stops", FFNConfig(hidden=(12,), dropout=0.2), _STOPS),
        Variant("normalised", FFNConfig(hidden=(12, 6), batch_norm=True), _STOPS),
        Variant("runs-on", FFNConfig(hidden=(8,)), _RUNS_ON),
        Variant(
            "diverges",
            FFNConfig(hidden=(8,)),
            TrainingConfig(optimizer="sgd", learning_rate=1e30, epochs=30, batch_size=8),
        ),
    ),
    budget=Budget(epochs=25, learning_rates=(1e-3, 1e-2)),
)

CULPRIT = 43  # the seed of trials that something happens to


def kills_its_worker() -> None:
    """A trial's worker dies whenever that trial is built."""
    _when_built(lambda: os.kill(os.getpid(), signal.SIGKILL))


def takes_too_much_memory() -> None:
    """A trial asks for more memory than its worker may have."""

    def take() -> None:
        import torch

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        used = pages * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, resource.RLIM_INFINITY))
        try:
            torch.zeros(2**30)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)

    _when_built(take)


def trains_slowly() -> None:
    """Each epoch takes a tenth of a second, so that there is time to do something to it."""
    import time

    from networks.engine.cohort_epoch import CohortTrainer

    train_epoch = CohortTrainer.train_epoch

    def slowly(self: CohortTrainer, epoch: int) -> Any:
        time.sleep(0.1)
        return train_epoch(self, epoch)

    CohortTrainer.train_epoch = slowly  # type: ignore[method-assign]


def has_other_versions() -> None:
    """Keras was another one when the run began."""
    from experiments.execution import coordinator, event_writer

    versions = coordinator.versions
    for module in (event_writer, coordinator):
        module.versions = lambda: versions() | {"keras": "99.0"}  # type: ignore[attr-defined]


def _when_built(happens: Any) -> None:
    from networks.engine import cohort

    build = cohort.build_model

    def failing(network: Any, classes: int, seed: int, *rest: Any) -> Any:
        if seed == CULPRIT:
            happens()
        return build(network, classes, seed, *rest)

    cohort.build_model = failing
