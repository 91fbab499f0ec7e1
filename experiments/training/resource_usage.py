"""How busy the process that trains keeps the machine."""

from __future__ import annotations

import time

_GPU_REST = 1.0  # seconds between two questions to the driver


class Usage:
    """Tells how busy this process has been since it was asked last.

    Args:
        device: "cpu" or "cuda".
    """

    def __init__(self, device: str) -> None:
        self._asks_gpu = device == "cuda"
        self._gpu: float | None = None
        self._asked = float("-inf")
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def cpu(self) -> float:
        """Cores that the process kept busy, since the last time."""
        wall, cpu = time.perf_counter(), time.process_time()
        seconds, busy = wall - self._wall, cpu - self._cpu
        self._wall, self._cpu = wall, cpu
        return busy / seconds if seconds > 0 else 0.0

    def gpu(self) -> float | None:
        """Part of the last second in which the GPU computed, whoever asked it to.

        None where it is not used, or where nothing tells: torch asks NVIDIA's library
        through the package nvidia-ml-py.
        """
        now = time.monotonic()
        if self._asks_gpu and now - self._asked >= _GPU_REST:
            self._asked = now
            try:
                import torch

                self._gpu = torch.cuda.utilization() / 100
            except Exception:  # the package, the library or the right is missing
                self._asks_gpu, self._gpu = False, None
        return self._gpu
