"""Starts run processes in milliseconds, by forking a process that has torch already.

From then on they do what `python -m experiments.execution.run_process` does; their workers
are forked, too. So a test can kill a run many times a minute.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from experiments.runs.directory import RunDirectory
from experiments.runs.lock import is_alive, lock_holder

ROOT = Path(__file__).parents[2]


class ForkServer:
    """A process that forks run processes. Use it with `with`."""

    def __enter__(self) -> ForkServer:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._started: list[tuple[Path, int]] = []
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        for run, pid in self._started:  # those that a test which failed left behind
            run_process = lock_holder(RunDirectory(run))
            if run_process is not None and run_process.pid == pid and is_alive(RunDirectory(run)):
                os.killpg(pid, signal.SIGKILL)

    def start(self, run: Path, dataset: Path | None = None, fault: str = "") -> int:
        """Start a run process; its pid, which is that of a session of its own, too.

        Args:
            run: its run's directory.
            dataset: its file, for a run that goes on.
            fault: name of a function of `tests.support.faults` that is called first, in
                the run process, so that its workers are changed as well.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(run), dataset and str(dataset), fault]) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        self._started.append((run, pid))
        return pid


def _main() -> None:
    import multiprocessing

    # Everything that a worker needs.
    import sklearn.ensemble
    import sklearn.linear_model
    import sklearn.svm

    import experiments.training.cohort_training
    import experiments.training.device
    from experiments.runs import checkpoints
    from experiments.workers import worker_handle
    from experiments.workers.worker_main import serve

    checkpoints._MAX_SHARE_OF_TIME = 1.0  # epochs take milliseconds here: as many as can be
    fork = multiprocessing.get_context("fork")
    worker_handle.multiprocessing.get_context = lambda _="": fork  # type: ignore[attr-defined]

    def serve_alone(pipe, begin):  # type: ignore[no-untyped-def]
        """A forked worker has all files of its parent open: not those of a spawned one."""
        sentinel = multiprocessing.parent_process()._sentinel  # type: ignore[union-attr]
        for descriptor in map(int, os.listdir("/proc/self/fd")):
            if descriptor > 2 and descriptor not in (pipe.fileno(), sentinel):
                with contextlib.suppress(OSError):  # that of the listing itself
                    os.close(descriptor)
        serve(pipe, begin)

    worker_handle.serve = serve_alone  # type: ignore[attr-defined]
    assert experiments.training.cohort_training
    assert sklearn
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # run processes leave no zombies
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(*json.loads(line))
        print(child, flush=True)


def _run(run: str, dataset: str | None, fault: str) -> None:
    code = 70
    try:
        from experiments.execution import run_process
        from tests.support import faults

        if fault:
            getattr(faults, fault)()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        console = os.open(f"{run}/console.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        null = os.open(os.devnull, os.O_RDWR)
        for target, source in ((0, null), (1, null), (2, console)):
            os.dup2(source, target)
        code = run_process.main([run, dataset] if dataset else [run])
    finally:
        os._exit(code)


if __name__ == "__main__":
    _main()
