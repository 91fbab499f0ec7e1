"""Processes that train: what comes back, and what a death costs."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import CancelledError, wait
from pathlib import Path
from typing import Any

import pytest

from experiments.workers.pool import WorkerPool
from experiments.workers.worker_handle import WorkerDiedError
from experiments.workers.worker_main import send

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0  # seconds, on a busy machine


def square(x: int) -> int:
    for step in range(3):
        send((x, step))
    return x * x


def die(how: int) -> None:
    os.kill(os.getpid(), how)
    time.sleep(PATIENCE)


def leave(code: int) -> None:
    os._exit(code)


def fail() -> None:
    raise KeyError("no such thing")


class UnpicklableError(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def fail_unpicklably() -> None:
    raise UnpicklableError("cannot", "travel")


def unpicklable() -> Any:
    return lambda: None


def environment(name: str) -> str | None:
    return os.environ.get(name)


def pid() -> int:
    return os.getpid()


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)


def sleep(begun: Path) -> None:
    begun.write_text(str(os.getpid()))
    time.sleep(PATIENCE)


def eventually(condition: Any) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def test_results_and_messages_come_back_in_order() -> None:
    reported: list[tuple[int, int]] = []
    with WorkerPool(2, threads=1, on_message=reported.append) as pool:
        futures = [pool.submit(square, x) for x in range(5)]
        assert [future.result(PATIENCE) for future in futures] == [0, 1, 4, 9, 16]
    for x in range(5):
        assert [step for of, step in reported if of == x] == [0, 1, 2]
    assert multiprocessing.active_children() == []


def test_outside_a_task_messages_go_to_nobody() -> None:
    send("outside a task, to nobody")


def begin(folder: Path) -> None:
    (folder / str(os.getpid())).touch()


def test_each_process_begins_with_the_initializer(tmp_path: Path) -> None:
    with WorkerPool(
        1, threads=1, on_message=lambda _: None, initializer=begin, initargs=(tmp_path,)
    ) as pool:
        first = pool.submit(pid).result(PATIENCE)
        assert pool.submit(pid).result(PATIENCE) == first
        assert [path.name for path in tmp_path.iterdir()] == [str(first)]
        pool.grow(2)
        gate = tmp_path / "go"
        waiting = [pool.submit(wait_for, gate) for _ in range(2)]
        assert eventually(lambda: len(list(tmp_path.iterdir())) == 2)
        gate.touch()
        assert [future.result(PATIENCE) for future in waiting] == [None, None]
    with pytest.raises(RuntimeError, match="shut down"):
        pool.grow(3)


@pytest.mark.parametrize(
    ("task", "argument", "says"),
    [(die, signal.SIGKILL, "SIGKILL.*memory"), (die, signal.SIGSEGV, "SIGSEGV"), (leave, 3, "3")],
)
def test_a_death_costs_one_task_and_no_other(
    task: Any, argument: int, says: str, tmp_path: Path
) -> None:
    with WorkerPool(2, threads=1, on_message=lambda _: None) as pool:
        beside = pool.submit(wait_for, tmp_path / "go")
        dying = pool.submit(task, argument)
        queued = [pool.submit(square, x) for x in range(4)]
        with pytest.raises(WorkerDiedError, match=says) as caught:
            dying.result(PATIENCE)
        assert caught.value.reason in (says.partition(".")[0], f"exit code {says}")
        assert [future.result(PATIENCE) for future in queued] == [0, 1, 4, 9]
        (tmp_path / "go").touch()
        assert beside.result(PATIENCE) is None
        assert pool.submit(square, 7).result(PATIENCE) == 49
    assert multiprocessing.active_children() == []


def test_a_worker_that_dies_between_tasks_is_replaced() -> None:
    with WorkerPool(1, threads=1, on_message=lambda _: None) as pool:
        first = pool.submit(pid).result(PATIENCE)
        assert pool.submit(pid).result(PATIENCE) == first, "it lives on"
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: not is_alive(first))
        assert pool.submit(pid).result(PATIENCE) != first


def test_exceptions_come_back_with_their_traceback() -> None:
    with WorkerPool(1, threads=1, on_message=lambda _: None) as pool:
        error = pool.submit(fail).exception(PATIENCE)
        assert isinstance(error, KeyError)
        assert "in fail" in str(error.__cause__)
        error = pool.submit(fail_unpicklably).exception(PATIENCE)
        assert isinstance(error, RuntimeError)
        assert "UnpicklableError: cannot travel" in str(error)
        assert pool.submit(unpicklable).exception(PATIENCE) is not None
        assert pool.submit(square, lambda: None).exception(PATIENCE) is not None  # type: ignore[arg-type]
        assert pool.submit(square, 2).result(PATIENCE) == 4


def test_what_on_message_raises_is_the_futures() -> None:
    def refuse(message: Any) -> None:
        raise OSError("the disk is full")

    with WorkerPool(1, threads=1, on_message=refuse) as pool:
        with pytest.raises(OSError, match="disk is full"):
            pool.submit(square, 2).result(PATIENCE)
        assert pool.submit(pid).result(PATIENCE) > 0


def test_on_message_is_never_called_by_two_at_once() -> None:
    inside = threading.Semaphore(1)

    def alone(message: Any) -> None:
        assert inside.acquire(blocking=False)
        time.sleep(0.01)
        inside.release()

    with WorkerPool(2, threads=1, on_message=alone) as pool:
        for future in [pool.submit(square, x) for x in range(6)]:
            future.result(PATIENCE)


def test_threads_are_set_for_the_workers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with WorkerPool(1, threads=3, on_message=lambda _: None) as pool:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            assert pool.submit(environment, name).result(PATIENCE) == "3"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_queued_tasks_can_be_cancelled(tmp_path: Path) -> None:
    with WorkerPool(1, threads=1, on_message=lambda _: None) as pool:
        running = pool.submit(wait_for, tmp_path / "go")
        assert eventually(running.running)
        first, second = pool.submit(square, 1), pool.submit(square, 2)
        assert first.cancel()
        assert not running.cancel()
        (tmp_path / "go").touch()
        assert second.result(PATIENCE) == 4
        with pytest.raises(CancelledError):
            first.result(PATIENCE)
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(square, 1)


def test_an_exception_ends_all_processes_at_once(tmp_path: Path) -> None:
    pool = WorkerPool(1, threads=1, on_message=lambda _: None)
    sleeping, queued = pool.submit(sleep, tmp_path / "begun"), pool.submit(square, 2)
    assert eventually((tmp_path / "begun").exists)
    assert pool.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None) is None
    assert not wait([sleeping, queued], 0).not_done
    assert isinstance(sleeping.exception(), WorkerDiedError)
    assert queued.cancelled()
    assert multiprocessing.active_children() == []


def test_a_worker_ends_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(
            f"""
            from pathlib import Path
            from experiments.workers.pool import WorkerPool
            from tests.experiments.workers.test_pool import sleep

            if __name__ == "__main__":
                with WorkerPool(1, threads=1, on_message=print) as pool:
                    pool.submit(sleep, Path({str(tmp_path / "begun")!r})).result()
            """
        )
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script)], env=environment) as parent:
        assert eventually(lambda: (tmp_path / "begun").exists() and worker(tmp_path))
        child = worker(tmp_path)
        assert is_alive(child)
        parent.kill()
    assert eventually(lambda: not is_alive(child))


def worker(folder: Path) -> int:
    return int((folder / "begun").read_text() or 0)
