"""Processes that are spawned from scripts of any kind."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import multiprocessing, signal, sys
from concurrent.futures import ProcessPoolExecutor
from data.processes import starting_workers
print("begin")
script = sys.modules["__main__"]
with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
    with starting_workers():
        future = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ())
    print(signal.SIGINT in future.result())
print(sys.modules["__main__"] is script, signal.SIGINT in signal.pthread_sigmask(0, ()))
"""


def test_a_script_on_standard_input_runs_once_and_its_workers_never_see_ctrl_c() -> None:
    done = subprocess.run(
        [sys.executable],
        input=SCRIPT,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["begin", "True", "True False"]
