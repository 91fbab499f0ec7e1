"""The device that trains: which one, how busy it is, and under which versions."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import time
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from experiments.design.study import Device
from experiments.errors import RunError
from networks.training.cohort_key import Precision

_GPU_PAUSE = 1.0  # seconds between two queries of the GPU's driver


@dataclass(frozen=True)
class Machine:
    """What trains on this machine.

    Args:
        device: "cpu" or "cuda".
        devices: all that can train here.
        name: of the device's model; "" where it is not known.
        free_memory: of the GPU in bytes; None on a CPU.
    """

    device: Device
    devices: tuple[Device, ...]
    name: str = ""
    free_memory: int | None = None


def probe(choice: str, threads: int, precision: Precision, anyway: bool = True) -> Machine:
    """Set this process up to train, and describe the machine.

    Args:
        choice: of the device: "auto", "cpu" or "cuda".
        threads: of torch on the CPU.
        precision: of products.
        anyway: also at a precision that the device is slow at.

    Raises:
        RunError: there is no such device, or it has no such precision or is slow at it.
    """
    import torch

    device = choose_device(choice)
    if precision == "bfloat16" and device == "cpu" and not (anyway or multiplies_bfloat16()):
        raise RunError(
            f"this CPU ({processor_name()}) has neither AVX512-BF16 nor AMX, without which "
            "--precision bfloat16 trains about ten times slower than float32. Use float32, or add "
            "--anyway."
        )
    if precision == "tf32" and device != "cuda":
        raise RunError(
            "--precision tf32 is how NVIDIA GPUs multiply; training would run on the "
            f"{device.upper()} here. Use float32 or bfloat16, or --device cuda."
        )
    name = set_up(device, threads)
    devices: tuple[Device, ...] = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    memory = int(torch.cuda.mem_get_info()[0]) if device == "cuda" else None
    return Machine(device, devices, name, memory)


def choose_device(choice: str) -> Device:
    """The device that "auto", "cpu" or "cuda" means here.

    Raises:
        RunError: "cuda" where torch has no GPU.
    """
    import torch

    has_gpu = torch.cuda.is_available()
    if choice == "cuda" and not has_gpu:
        raise RunError(
            "--device cuda needs a GPU that torch can use; torch "
            f"{torch.__version__} finds none here. Use --device cpu or auto."
        )
    return "cuda" if choice == "cuda" or (choice == "auto" and has_gpu) else "cpu"


def multiplies_bfloat16() -> bool:
    """Whether the CPU has instructions for it; True where torch does not know."""
    import torch

    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    if known.get("architecture") != "x86_64":
        return True
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def set_up(device: str, threads: int) -> str:
    """Make training in this process repeatable; the name of the device's model.

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
    return torch.cuda.get_device_name() if device == "cuda" else processor_name()


def versions() -> dict[str, str]:
    """Versions of what a result depends on, by name."""
    packages = ("genre-tui", "keras", "torch", "numpy", "scikit-learn")
    return {"python": platform.python_version()} | {name: _version(name) for name in packages}


def processor_name() -> str:
    """The processor's model; "" where the system does not have it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def memory_in_use(device: str) -> int:
    """Bytes in use by this process, on the GPU where that trains; 0 where it is not known."""
    if device == "cuda":
        import torch

        return int(torch.cuda.memory_allocated())
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def release_memory() -> None:
    """Free what nothing references, and the GPU memory that torch keeps for reuse."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


class ResourceUsage:
    """How busy this process is, since the last call.

    Args:
        device: "cpu" or "cuda".
    """

    def __init__(self, device: str) -> None:
        self._has_gpu = device == "cuda"
        self._gpu: float | None = None
        self._queried = float("-inf")
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def cpu(self) -> float:
        """Cores that the process kept busy."""
        wall, cpu = time.perf_counter(), time.process_time()
        seconds, busy = wall - self._wall, cpu - self._cpu
        self._wall, self._cpu = wall, cpu
        return busy / seconds if seconds > 0 else 0.0

    def gpu(self) -> float | None:
        """Share of the last second in which the GPU computed, for whatever process.

        None where it is not used or not known: torch queries NVIDIA's library through the
        package nvidia-ml-py.
        """
        now = time.monotonic()
        if self._has_gpu and now - self._queried >= _GPU_PAUSE:
            self._queried = now
            try:
                import torch

                self._gpu = torch.cuda.utilization() / 100
            except Exception:  # the package, the library or the right is missing
                self._has_gpu, self._gpu = False, None
        return self._gpu


def _keep_freed_memory() -> None:
    """Let glibc reuse large freed blocks instead of returning each to the system.

    Every temporary of a large layer would otherwise be mapped and zeroed again,
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
