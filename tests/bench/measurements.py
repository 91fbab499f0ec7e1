"""What `bench train` measures: networks, optimizers, rivals and sizes of cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.errors import RunError
from networks.models.config import CNNConfig, FFNConfig, NetworkConfig, TrainingConfig
from networks.training.cohort_key import Precision


@dataclass(frozen=True)
class Task:
    """A network and how it is trained, in a documented setting.

    Args:
        title: for readers.
        network: what all rivals train.
        training: how; its epochs are those of a measurement, the first of which is left
            out.
    """

    title: str
    network: NetworkConfig
    training: TrainingConfig


TASKS = {
    "ffn-sgd": Task("FFN, SGD", FFNConfig(), TrainingConfig("sgd", 0.002, epochs=6)),
    "ffn-adam": Task("FFN, Adam", FFNConfig(), TrainingConfig("adam", 1e-3, epochs=6)),
    "cnn-adam": Task("CNN, Adam", CNNConfig(), TrainingConfig("adam", 1e-5, epochs=3)),
}
_LOOPS = {
    "source-loop": "the source's loop (per-item DataLoader)",
    "lean-loop": "lean PyTorch loop on tensors",
    "keras-fit": "keras.Model.fit",
}
_FFN_MEMBERS = (1, 8, 32, 64)
_CNN_MEMBERS_CUDA = (1, 8, 32)  # on a CPU arithmetic is the limit: a network alone
_PRECISIONS: dict[Precision, str] = {"float32": "", "tf32": "tf32", "bfloat16": "bf16"}


@dataclass(frozen=True)
class Measurement:
    """What one process measures.

    Args:
        task: one of `TASKS`.
        rival: one of the loops, or "ours".
        members: trials of a cohort of ours.
        precision: of ours.
    """

    task: str
    rival: str
    members: int = 1
    precision: Precision = "float32"

    @property
    def short(self) -> str:
        """Such as "ours-8-bf16"."""
        if self.rival != "ours":
            return self.rival
        return "-".join(filter(None, ("ours", str(self.members), _PRECISIONS[self.precision])))

    @property
    def name(self) -> str:
        """Such as "cnn-adam/ours-8-bf16"."""
        return f"{self.task}/{self.short}"

    @property
    def what(self) -> str:
        """For readers."""
        rival = _LOOPS.get(self.rival)
        if rival is None:
            trials = "1 trial" if self.members == 1 else f"{self.members} trials"
            parts = ("ours", trials, _PRECISIONS[self.precision], "with validation")
            rival = ", ".join(filter(None, parts))
        return f"{TASKS[self.task].title}: {rival}"


def choose_measurements(device: str, only: Sequence[str] = ()) -> list[Measurement]:
    """What is measured on a kind of device.

    Args:
        device: "cpu" or "cuda".
        only: keep those whose name contains one of these texts; nothing keeps all.

    Raises:
        RunError: none is kept.
    """
    there = []
    for task in TASKS:
        there += [Measurement(task, loop) for loop in _LOOPS]
        there += [Measurement(task, "ours", *form) for form in _forms_of_ours(task, device)]
    kept = [one for one in there if not only or any(text in one.name for text in only)]
    if not kept:
        raise RunError(
            f"no measurement's name contains {' or '.join(map(repr, only))}. There are: "
            f"{', '.join(one.name for one in there)}."
        )
    return kept


def _forms_of_ours(task: str, device: str) -> list[tuple[int, Precision]]:
    if task != "cnn-adam":
        return [(members, "float32") for members in _FFN_MEMBERS]
    if device == "cpu":
        return [(1, "float32"), (1, "bfloat16")]
    return [(members, precision) for precision in _PRECISIONS for members in _CNN_MEMBERS_CUDA]
