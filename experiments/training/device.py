"""Which device trains, with how many threads, under which versions."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
from functools import cache
from importlib.metadata import version
from typing import Any, Literal

from experiments.design.study import Device
from experiments.errors import RunError
from networks.training.cohort_key import Precision

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


def devices() -> tuple[Device, ...]:
    """The devices that can train here."""
    import torch

    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def check_precision(device: str, precision: Precision) -> None:
    """Refuse a precision that the device does not have.

    Raises:
        RunError: it does not.
    """
    if precision == "tf32" and device != "cuda":
        raise RunError(
            "--precision tf32 is how NVIDIA GPUs multiply; training would run on the "
            f"{device.upper()} here. Use float32 or bfloat16, or --device cuda."
        )


def free_memory(device: str) -> int | None:
    """Free memory of the GPU in bytes; None for the CPU, where none is asked for."""
    if device != "cuda":
        return None
    import torch

    return int(torch.cuda.mem_get_info()[0])


def memory_in_use(device: str) -> int:
    """Bytes in use by this process, on the GPU where that trains; 0 where nothing tells."""
    if device == "cuda":
        import torch

        return int(torch.cuda.memory_allocated())
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def release_memory() -> None:
    """Give back what nothing uses any more, the GPU's, too."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def set_up(device: str, threads: int) -> dict[str, Any]:
    """Make training repeatable and describe the device, JSON-ready.

    Args:
        device: "cpu" or "cuda".
        threads: of torch on the CPU. More than one makes small steps no faster,
            and all of them much slower where other programs use the same cores.
    """
    import torch

    torch.set_num_threads(threads)
    _keep_freed_memory()
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


def _keep_freed_memory() -> None:
    """Let glibc reuse large freed blocks instead of giving each back to the system.

    Every temporary of a large layer would otherwise be mapped and zeroed anew,
    page by page: most of a step's time for a network of 74 million weights.
    """
    m_trim_threshold, m_mmap_max = -1, -4  # from malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return  # another C library
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, -1)  # never


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except ModuleNotFoundError:
        return "not installed"
