"""Which device trains, with how many threads, under which versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any, Literal

from experiments.errors import RunError

DeviceChoice = Literal["auto", "cpu", "cuda"]


def choose_device(choice: DeviceChoice) -> Literal["cpu", "cuda"]:
    """The device that trains.

    Raises:
        RunError: CUDA is asked for where there is none.
    """
    import torch

    if choice == "cuda" and not torch.cuda.is_available():
        raise RunError(
            "--device cuda needs a GPU that torch can use; torch "
            f"{torch.__version__} finds none here. Use --device cpu or auto."
        )
    if choice == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return choice


def set_up(device: str, features: str) -> dict[str, Any]:
    """Make training repeatable and describe the device, JSON-ready.

    The FFN's steps are too small to share between threads; convolutions are not.

    Args:
        device: "cpu" or "cuda".
        features: "mfcc" or "mel": what the networks read.
    """
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = 1 if features == "mfcc" else cores or 1
    torch.set_num_threads(threads)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    name = torch.cuda.get_device_name() if device == "cuda" else processor_name()
    return {"type": device, "name": name, "threads": threads}


def versions() -> dict[str, str]:
    """Versions of what a result depends on."""
    packages = ("genre-tui", "keras", "torch", "numpy", "scikit-learn")
    return {"python": platform.python_version()} | {name: _version(name) for name in packages}


def processor_name() -> str:
    """The processor's model, as far as the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except ModuleNotFoundError:
        return "not installed"
