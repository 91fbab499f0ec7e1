"""One live owner per run, whatever became of the last one."""

import errno
import fcntl
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest

from data.errors import DataError
from experiments.errors import RunError, RunLostError, RunMovedError
from experiments.execution.launch import resume
from experiments.execution.stopping import end_now
from experiments.runs import checksums, lock
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import RunLockedError, hold_run_lock, is_alive, lock_holder
from experiments.runs.process_id import ProcessId, started

ROOT = Path(__file__).parents[3]
ELSEWHERE = replace(ProcessId.me(), host="gpu7", machine="another boot pid:[1]")


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def silent(text: str) -> None:
    """Nobody listens."""


def write_lock(run: RunDirectory, owner: ProcessId) -> None:
    (run.path / "lock").write_bytes(checksums.dumps(asdict(owner)))


def sleeper(run: RunDirectory) -> subprocess.Popen[str]:
    """Another process that owns a run, until it is killed."""
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from experiments.runs.lock import hold_run_lock\n"
        "from experiments.runs.directory import RunDirectory\n"
        "with hold_run_lock(RunDirectory(Path(sys.argv[1])), print):\n"
        "    print('mine', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(run.path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "mine\n"
    return process


def test_one_wins_and_the_other_is_told_who(run: RunDirectory) -> None:
    with sleeper(run) as process:
        assert is_alive(run)
        owner = lock_holder(run)
        assert owner is not None
        assert owner.pid == process.pid
        words = f"trained by process {process.pid} on "
        with pytest.raises(RunLockedError, match=words), hold_run_lock(run, silent):
            pass
        process.kill()
        process.wait()
    assert not is_alive(run)
    with hold_run_lock(run, silent) as me:
        assert me.pid == os.getpid()
        assert is_alive(run)
    assert not is_alive(run), "this process lives, and has given the run back"
    assert lock_holder(run) is None


def test_of_many_at_once_one_wins(run: RunDirectory) -> None:
    inside, refused = [], []
    gate = threading.Barrier(8)

    def attempt() -> None:
        gate.wait()
        try:
            with hold_run_lock(run, silent):
                inside.append(1)
                time.sleep(0.3)
        except RunLockedError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(inside), len(refused)) == (1, 7)


def test_a_dead_owner_whose_lock_is_not_yet_free_is_waited_for(run: RunDirectory) -> None:
    """As when its first thread has died and others have not."""
    held = os.open(run.path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    write_lock(run, replace(ProcessId.me(), started="12345"))
    threading.Timer(0.3, os.close, [held]).start()
    began = time.monotonic()
    with hold_run_lock(run, silent):
        assert time.monotonic() - began > 0.2


def test_a_zombie_is_dead(run: RunDirectory) -> None:
    with sleeper(run) as process:
        process.kill()
        deadline = time.monotonic() + 10
        while is_alive(run) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not is_alive(run), "nobody has waited for it yet"
        process.wait()


def test_a_pid_that_was_given_to_another_process(run: RunDirectory) -> None:
    """The owner died; its pid is that of a living process, which started at another time."""
    write_lock(run, replace(ProcessId.me(), started="12345"))
    assert not is_alive(run)
    with hold_run_lock(run, silent):
        assert is_alive(run)


def test_an_owner_of_an_earlier_boot_is_not_looked_up_by_pid(run: RunDirectory) -> None:
    write_lock(run, replace(ELSEWHERE, host=ProcessId.me().host))
    os.utime(run.path / "lock", (time.time() - 3600,) * 2)
    assert not is_alive(run)
    with hold_run_lock(run, silent, silence=0.2):
        assert is_alive(run)


def test_an_owner_on_another_machine_lives_as_long_as_it_shows(run: RunDirectory) -> None:
    write_lock(run, ELSEWHERE)
    assert is_alive(run)
    old = time.time() - lock.SILENCE - 5
    os.utime(run.path / "lock", (old, old))
    assert not is_alive(run)
    ahead = time.time() + 24 * 3600  # our clock was set back, or theirs is wrong
    os.utime(run.path / "lock", (ahead, ahead))
    assert not is_alive(run)


def test_the_lock_of_another_machine_is_watched_before_it_is_taken(run: RunDirectory) -> None:
    """By signs of life, not by the time of day: any clock may be wrong."""
    write_lock(run, ELSEWHERE)
    messages: list[str] = []
    began = time.monotonic()
    with hold_run_lock(run, messages.append, silence=0.5) as me:
        assert me.pid == os.getpid()
    assert time.monotonic() - began >= 0.5
    assert "gpu7" in messages[0]

    write_lock(run, ELSEWHERE)
    beats = threading.Event()

    def beat() -> None:
        """Signs of life, by a clock that goes backwards."""
        at = time.time()
        while not beats.wait(0.05):
            at -= 100
            os.utime(run.path / "lock", (at, at))

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        with pytest.raises(RunLockedError, match="on gpu7"), hold_run_lock(run, silent, silence=5):
            pass
    finally:
        beats.set()
        thread.join()
    owner = lock_holder(run)
    assert owner is not None
    assert owner.host == "gpu7", "its lock is as it was"


def test_the_owner_shows_signs_of_life(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "HEARTBEAT", 0.02)
    with hold_run_lock(run, silent):
        first = (run.path / "lock").stat().st_mtime_ns
        deadline = time.monotonic() + 10
        while (run.path / "lock").stat().st_mtime_ns == first:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff" * 100, checksums.dumps({"pid": -1})])
def test_a_lock_that_cannot_be_read_is_nobodys(run: RunDirectory, content: bytes) -> None:
    (run.path / "lock").write_bytes(content)
    assert lock_holder(run) is None
    assert not is_alive(run)
    with hold_run_lock(run, silent):
        assert is_alive(run)


def test_the_last_owners_workers_are_waited_for(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = os.open(run.path / "workers.lock", os.O_RDONLY | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_SH)
    monkeypatch.setattr(lock, "_STRAGGLERS", 0.2)
    with (
        pytest.raises(RunLockedError, match="of the last process"),
        hold_run_lock(run, silent),
    ):
        pass
    monkeypatch.setattr(lock, "_STRAGGLERS", 10)
    threading.Timer(0.3, os.close, [held]).start()
    messages: list[str] = []
    with hold_run_lock(run, messages.append):
        assert messages == ["waiting for the workers of the last process to end"]


def test_a_worker_whose_owner_has_died_ends(run: RunDirectory) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom experiments.runs.lock import join_run\n"
        "join_run(Path(sys.argv[1]), int(sys.argv[2]))\nprint('serves')\n"
    )

    def serve(parent: int) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-c", script, str(run.path), str(parent)],
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        return done.returncode, done.stdout

    assert serve(os.getpid()) == (0, "serves\n")
    assert serve(1) == (1, "")


def test_a_file_system_without_locks(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(descriptor: int, how: int) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(lock.fcntl, "flock", none)
    with pytest.raises(RunError, match="a file system without locks"), hold_run_lock(run, silent):
        pass


@pytest.mark.parametrize(
    "name", ["lock", "console.log", "events", "trials", "trials/a1", "control"]
)
def test_a_run_whose_files_are_elsewhere_is_not_written(
    run: RunDirectory, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "keys").write_text("mine")
    target = outside if name in ("events", "trials", "trials/a1", "control") else outside / "keys"
    (run.path / name).parent.mkdir(exist_ok=True)
    (run.path / name).symlink_to(target)
    with pytest.raises(RunError, match="is a link"):
        run.refuse_links()  # the run process begins with this
    with pytest.raises(RunError, match="is a link"):
        resume(run)
    if name == "lock":
        with pytest.raises(DataError, match="cannot be written"), hold_run_lock(run, silent):
            pass
    assert [path.name for path in outside.iterdir()] == ["keys"]
    assert (outside / "keys").read_text() == "mine"


def test_an_owner_on_another_machine_whose_lock_reaches_here_lives(run: RunDirectory) -> None:
    """Such as in another container of this machine, with a clock that is wrong."""
    write_lock(run, ELSEWHERE)
    old = time.time() - lock.SILENCE - 15
    os.utime(run.path / "lock", (old, old))
    assert not is_alive(run)
    held = os.open(run.path / "lock", os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    assert is_alive(run)
    os.close(held)
    assert not is_alive(run)


def test_what_another_process_owns_now_is_not_written(run: RunDirectory) -> None:
    with hold_run_lock(run, silent) as me:
        mine = replace(run, owner=me)
        mine.write_split("c1", [["a"]], "why")
        write_lock(run, ELSEWHERE)  # it took over: our locks do not reach there
        for attempt in (
            mine.require_owner,
            mine.clear_temporary,
            partial(mine.discard_result, "a"),
            partial(mine.write_split, "c2", [["b"]], "why"),
            partial(mine.write_model, "a", lambda path: None),
            partial(mine.write_predictions, "a", {}),
        ):
            with pytest.raises(RunLostError, match=re.escape(f"was resumed by {ELSEWHERE}, so")):
                attempt()
    assert lock_holder(run) == ELSEWHERE, "the other's lock is left as it is"
    assert [path.name for path in run.path.glob("*/*")] == ["c1"]
    run.write_split("c2", [["b"]], "why")


def test_a_record_is_not_committed_once_another_process_owns_the_run(run: RunDirectory) -> None:
    with hold_run_lock(run, silent) as me:
        mine = replace(run, owner=me)
        with pytest.raises(RunLostError):
            # Computed while this process was paused.
            mine.write_model("a", lambda path: write_lock(run, ELSEWHERE))
        assert list(mine.trial_path("a").iterdir()) == []


def test_a_run_that_was_moved_is_not_made_again(tmp_path: Path) -> None:
    run, moved = RunDirectory(tmp_path / "run"), RunDirectory(tmp_path / "moved")
    run.path.mkdir()
    with hold_run_lock(run, silent) as me:
        run.path.rename(moved.path)
        with pytest.raises(RunMovedError, match="was moved or removed while the run was being"):
            replace(run, owner=me).write_split("c1", [["a"]], "why")
        assert is_alive(moved)
    assert not run.path.exists()
    assert lock_holder(moved) is None, "it was given back where it is"


def test_a_stop_takes_no_room(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    run.withdraw_stop()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        for name in ("mkdir", "touch", "open"):
            patched.setattr(Path, name, full)
        run.ask_to_stop()
    assert run.stop_is_asked
    run.ask_to_stop()  # again
    run.withdraw_stop()
    assert not run.stop_is_asked


def test_a_lock_that_names_another_program_ends_nothing(run: RunDirectory) -> None:
    """Somebody else's record must not make us kill a process of ours."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as innocent:
        began = started(innocent.pid)
        write_lock(run, replace(ProcessId.me(), pid=innocent.pid, started=began))
        assert is_alive(run)
        with pytest.raises(RunError, match="which is another program: it was not ended"):
            end_now(run)
        assert innocent.poll() is None
        innocent.kill()
