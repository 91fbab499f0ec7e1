"""Checkpoints: whole or not believed, the newest two kept."""

import hashlib
import os
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import DataError
from data.files import atomic
from experiments.runs import checkpoints
from experiments.runs.checkpoints import Checkpoint, Checkpoints
from networks.engine.cohort import CohortState


def checkpoint(epoch: int = 3) -> Checkpoint:
    arrays = {
        "weights/0": np.arange(6, dtype=np.float32).reshape(2, 3) / 7,
        "optimizer/0": np.array([epoch, epoch], np.int64),
        "kept/1/0": np.zeros((0, 4)),
        "transposed": np.arange(6.0).reshape(2, 3).T,
    }
    callbacks = [{"best": float("inf"), "wait": 2}]
    state = CohortState(epoch, (0, 1, 2), (1, 2), {1: callbacks, 2: callbacks}, arrays)
    return Checkpoint(state, {"notes": ["a note"], "seconds": 1.5})


def newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    messages: list[str] = []
    return Checkpoints(folder, 0).newest(lambda _: True, messages.append), messages


def test_what_is_written_is_read(tmp_path: Path) -> None:
    size, seconds = Checkpoints(tmp_path, 0).write(checkpoint())
    assert size == (tmp_path / "00000003.npz").stat().st_size
    assert seconds > 0
    found, messages = newest(tmp_path)
    assert messages == []
    assert found is not None
    ours, theirs = found.state, checkpoint().state
    assert (ours.epoch, ours.indices, ours.active, ours.callbacks) == (
        theirs.epoch,
        theirs.indices,
        theirs.active,
        theirs.callbacks,
    )
    assert found.extra == checkpoint().extra
    assert ours.arrays.keys() == theirs.arrays.keys()
    for name, array in theirs.arrays.items():
        assert ours.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(ours.arrays[name], array)


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    made = Checkpoints(tmp_path, 0)
    assert newest(tmp_path) == (None, [])
    for epoch in (1, 2, 9, 10, 11):
        made.write(checkpoint(epoch))
    names = ["00000010.npz", "00000010.npz.sha256", "00000011.npz", "00000011.npz.sha256"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    found, _ = newest(tmp_path)
    assert found is not None
    assert found.state.epoch == 11
    made.clear()
    assert list(tmp_path.iterdir()) == []


def test_one_that_does_not_fit_is_passed_over(tmp_path: Path) -> None:
    made = Checkpoints(tmp_path, 0)
    made.write(checkpoint(1))
    made.write(checkpoint(2))
    messages: list[str] = []
    found = made.newest(lambda one: one.state.epoch < 2, messages.append)
    assert found is not None
    assert found.state.epoch == 1
    assert made.newest(lambda one: False, messages.append) is None
    assert len(messages) == 3


def test_a_large_history_is_read_back(tmp_path: Path) -> None:
    """That of 64 trials over 60,000 epochs once made a header longer than readers took."""
    history = np.random.default_rng(0).random((64, 60_000))
    arrays = {f"history/{name}": history + i for i, name in enumerate(("loss", "val_loss"))}
    trials = tuple(range(64))
    state = CohortState(60_000, trials, trials, {index: [] for index in trials}, arrays)
    Checkpoints(tmp_path, 0).write(Checkpoint(state, {}))
    found, messages = newest(tmp_path)
    assert messages == []
    assert found is not None
    np.testing.assert_array_equal(found.state.arrays["history/val_loss"], history + 1)


def two(folder: Path) -> Path:
    """The newer of two checkpoints in a folder."""
    made = Checkpoints(folder, 0)
    made.write(checkpoint(1))
    made.write(checkpoint(2))
    return folder / "00000002.npz"


def test_the_checksum_is_one_that_sha256sum_checks(tmp_path: Path) -> None:
    path = two(tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.with_name("00000002.npz.sha256").read_text() == f"{digest}  00000002.npz\n"


@pytest.mark.parametrize("suffix", ["", ".sha256"])
def test_a_flipped_bit_falls_back(tmp_path: Path, suffix: str) -> None:
    newer = two(tmp_path)
    path = newer.with_name(newer.name + suffix)
    whole = path.read_bytes()
    digest_bytes = 64
    for position in range(0, len(whole) if not suffix else digest_bytes, 3):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << (position % 5)
        path.write_bytes(flipped)
        found, messages = newest(tmp_path)
        assert found is not None
        assert found.state.epoch == 1, position
        assert len(messages) == 1
        assert newer.name in messages[0]
    path.write_bytes(whole)
    found, messages = newest(tmp_path)
    assert found is not None
    assert (found.state.epoch, messages) == (2, [])


@pytest.mark.parametrize("suffix", ["", ".sha256"])
def test_one_cut_anywhere_falls_back(tmp_path: Path, suffix: str) -> None:
    newer = two(tmp_path)
    path = newer.with_name(newer.name + suffix)
    whole = path.read_bytes()
    for size in range(len(whole) if not suffix else 64):
        path.write_bytes(whole[:size])
        found, messages = newest(tmp_path)
        assert found is not None
        assert found.state.epoch == 1
        assert len(messages) == 1
    path.unlink()
    found, messages = newest(tmp_path)
    assert found is not None
    assert found.state.epoch == 1
    assert len(messages) == (1 if suffix else 0)
    for each in tmp_path.iterdir():
        each.write_bytes(b"")
    found, messages = newest(tmp_path)
    assert found is None
    assert len(messages) == (2 if suffix else 1)


def forge(folder: Path, write: Callable[[Any], object]) -> tuple[Checkpoint | None, list[str]]:
    """What is read of a file whose checksum is right."""
    path = folder / "00000009.npz"
    with path.open("wb") as file:
        write(file)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n")
    return newest(folder)


PLAIN = np.array('{"epoch": 1, "indices": [], "active": [], "callbacks": [], "extra": {}}')


def test_one_of_somebody_else_is_read_or_passed_over(tmp_path: Path) -> None:
    assert forge(tmp_path, lambda file: np.savez(file, json=PLAIN))[0] is not None

    def announcing(descr: str, shape: str) -> Callable[[Any], None]:
        header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
        array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header

        def write(file: Any) -> None:
            np.savez(file, json=PLAIN)
            with zipfile.ZipFile(file, "a") as archive:
                archive.writestr("weights/0.npy", array)

        return write

    pickled = np.array([{"an": "object"}], dtype=object)
    tracemalloc.start()
    for write in (
        announcing("<f4", "(10**12,)"),
        announcing("<f4", f"({10**12},)"),
        announcing("<f4", f"({10**30}, {10**30})"),
        announcing("<f4", "(-1,)"),
        announcing("|O", "(1,)"),
        lambda file: np.savez(file, json=PLAIN, weights=pickled, allow_pickle=True),
        lambda file: np.savez(file, json=pickled, allow_pickle=True),
        lambda file: np.savez(file, weights=np.zeros(3)),
        lambda file: np.savez(file, json=np.array("[]")),
        lambda file: np.savez_compressed(file, json=PLAIN, weights=np.zeros(2**20)),
        lambda file: file.write(pickle.dumps({"json": str(PLAIN)})),
    ):
        found, messages = forge(tmp_path, write)
        assert found is None
        assert len(messages) == 1
        assert "\n" not in messages[0]
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


def test_those_of_an_earlier_version_are_named_and_removed(tmp_path: Path) -> None:
    (tmp_path / "00000002.checkpoint").write_bytes(b"genre-tui checkpoint 1\n")
    found, messages = newest(tmp_path)
    assert found is None
    assert messages == ["the cohort's checkpoints are of an earlier version: it restarts."]
    Checkpoints(tmp_path, 0).clear()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["before fsync", "before rename", "between", "after rename"])
def test_killed_between_temporary_file_fsync_and_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """A child dies at that moment; what it leaves is the old one or the new one, whole."""
    made = Checkpoints(tmp_path, 0)
    made.write(checkpoint(1))
    assert killed(lambda: made.write(checkpoint(2)), moment)
    found, messages = newest(tmp_path)
    assert found is not None
    assert found.state.epoch == (2 if moment == "after rename" else 1)
    assert messages == []
    # And the next one finds its way.
    made.write(checkpoint(3))
    found, _ = newest(tmp_path)
    assert found is not None
    assert found.state.epoch == 3


def killed(write: Callable[[], Any], moment: str) -> bool:
    """Whether a fork of this process died of SIGKILL in the middle of writing."""
    child = os.fork()
    if child == 0:
        try:
            die_at(moment)
            write()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == 9


def die_at(moment: str) -> None:
    """Let this process die where files are committed."""
    sync, calls = atomic.sync, []

    def dying(path: Path) -> None:
        calls.append(path)
        # The checksum, its folder, the checkpoint, its folder.
        last = {"before fsync": 1, "between": 3, "after rename": 4}.get(moment)
        if len(calls) == last:
            os.kill(os.getpid(), 9)
        sync(path)
        if moment == "before rename":
            os.kill(os.getpid(), 9)

    atomic.sync = dying


def test_writing_pauses_for_what_it_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    made = Checkpoints(tmp_path, 30)
    assert not made.is_due
    now[0] += 30
    assert made.is_due

    arrays = checkpoints._arrays

    def slow(checkpoint: Checkpoint) -> dict[str, Any]:
        now[0] += 2.0
        return arrays(checkpoint)

    monkeypatch.setattr(checkpoints, "_arrays", slow)
    assert made.write(checkpoint())[1] == pytest.approx(2.0)
    now[0] += 199
    assert not made.is_due, "one in a hundred of the time"
    now[0] += 1
    assert made.is_due


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        Checkpoints(tmp_path / "file" / "x", 0).write(checkpoint())
