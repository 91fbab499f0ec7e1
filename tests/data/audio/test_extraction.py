"""The worker processes that compute features."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
from pathlib import Path
from data.audio.extraction import extract
from tests.data.audio.test_extraction import Sleeping

folder = Path(sys.argv[1])
extract([Sleeping(folder, "a"), Sleeping(folder, "b")], folder, 2, print)
"""


@dataclass
class Sleeping:
    """A track that writes down its process and never ends."""

    folder: Path
    name: str
    weight = 1

    def segments(self, *_: object) -> Iterator[np.ndarray]:
        (self.folder / f"{self.name}.new").write_text(str(os.getpid()))
        (self.folder / f"{self.name}.new").rename(self.folder / f"{self.name}.pid")
        time.sleep(3600)
        yield np.zeros((1, 8000), dtype=np.int16)


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT) as parent:
        try:
            _wait_until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
        finally:
            parent.kill()
    workers = [int(path.read_text()) for path in tmp_path.glob("*.pid")]
    try:
        _wait_until(lambda: not any(map(_lives, workers)))
    finally:
        for pid in filter(_lives, workers):
            os.kill(pid, 9)
