"""Processes that are spawned from scripts of any kind."""

import subprocess
import sys
from pathlib import Path

POOL = """
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

FIRST_PROCESS = """
import multiprocessing, signal, sys
from data.processes import starting_workers
with starting_workers():
    process = multiprocessing.get_context("spawn").Process(target=print)
    process.start()
    print(signal.SIGINT in signal.pthread_sigmask(0, ()), flush=True)
process.join()
print(signal.SIGINT in signal.pthread_sigmask(0, ()))
"""


def _run(script: str) -> list[str]:
    done = subprocess.run(
        [sys.executable],
        input=script,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_script_on_standard_input_runs_once_and_its_workers_never_see_ctrl_c() -> None:
    assert _run(POOL) == ["begin", "True", "True", "False"]


def test_the_first_process_of_all_is_started_without_seeing_ctrl_c() -> None:
    assert _run(FIRST_PROCESS) == ["True", "False"]
