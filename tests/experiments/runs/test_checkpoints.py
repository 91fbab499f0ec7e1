"""Checkpoints: whole or not believed, the newest two kept."""

import json
import os
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
    member = {"seconds": [0.1], "callbacks": [{"best": float("inf"), "wait": 2}]}
    state = CohortState(epoch, (0, 1, 2), (1, 2), {1: member, 2: member}, arrays)
    return Checkpoint(state, {"notes": ["a note"], "seconds": 1.5})


def newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    said: list[str] = []
    return Checkpoints(folder, 0).newest(lambda _: True, said.append), said


def test_what_is_written_is_read(tmp_path: Path) -> None:
    size, seconds = Checkpoints(tmp_path, 0).write(checkpoint())
    assert size == next(tmp_path.iterdir()).stat().st_size
    assert seconds > 0
    found, said = newest(tmp_path)
    assert said == []
    assert found is not None
    ours, theirs = found.state, checkpoint().state
    assert (ours.epoch, ours.places, ours.live, ours.members) == (
        theirs.epoch,
        theirs.places,
        theirs.live,
        theirs.members,
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
    assert len(list(tmp_path.iterdir())) == 2
    found, _ = newest(tmp_path)
    assert found is not None
    assert found.state.epoch == 11
    made.clear()
    assert list(tmp_path.iterdir()) == []


def test_one_that_does_not_fit_is_passed_over(tmp_path: Path) -> None:
    made = Checkpoints(tmp_path, 0)
    made.write(checkpoint(1))
    made.write(checkpoint(2))
    said: list[str] = []
    found = made.newest(lambda one: one.state.epoch < 2, said.append)
    assert found is not None
    assert found.state.epoch == 1
    assert made.newest(lambda one: False, said.append) is None
    assert len(said) == 3


def test_a_bit_flipped_in_each_section_falls_back(tmp_path: Path) -> None:
    made = Checkpoints(tmp_path, 0)
    made.write(checkpoint(1))
    made.write(checkpoint(2))
    path = max(tmp_path.iterdir())
    whole = path.read_bytes()
    header = whole.index(b"{")
    places = {
        "magic": range(header - 8),
        "length": range(header - 8, header),
        "header": range(header, header + 40),
        "arrays": range(len(whole) - 32 - 100, len(whole) - 32),
        "digest": range(len(whole) - 32, len(whole)),
    }
    for section, positions in places.items():
        for position in positions:
            flipped = bytearray(whole)
            flipped[position] ^= 1 << (position % 8)
            path.write_bytes(flipped)
            found, said = newest(tmp_path)
            assert found is not None, section
            assert found.state.epoch == 1, section
            assert len(said) == 1
            assert path.name in said[0]
    path.write_bytes(whole)
    found, said = newest(tmp_path)
    assert found is not None
    assert (found.state.epoch, said) == (2, [])


def test_one_cut_anywhere_falls_back(tmp_path: Path) -> None:
    made = Checkpoints(tmp_path, 0)
    made.write(checkpoint(1))
    made.write(checkpoint(2))
    path = max(tmp_path.iterdir())
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        found, said = newest(tmp_path)
        assert found is not None
        assert found.state.epoch == 1
        assert len(said) == 1
    path.write_bytes(whole + b"x")
    found, _ = newest(tmp_path)
    assert found is not None
    assert found.state.epoch == 1
    for each in tmp_path.iterdir():
        each.write_bytes(b"")
    found, said = newest(tmp_path)
    assert found is None
    assert len(said) == 2


def test_one_of_somebody_else_allocates_nothing_large(tmp_path: Path) -> None:
    """Files whose hash is right and whose header asks for what is not there."""

    def forge(header: Any, length: int | None = None) -> None:
        text = json.dumps(header).encode()
        size = len(text) if length is None else length
        body = checkpoints._MAGIC + size.to_bytes(8, "little") + text
        digest = checkpoints.hashlib.sha256(body).digest()
        (tmp_path / "00000009.checkpoint").write_bytes(body + digest)

    plain = {"epoch": 1, "places": [], "live": [], "members": {}, "extra": {}, "arrays": []}
    forge(plain)
    assert newest(tmp_path)[0] is not None
    for arrays in (
        [["weights/0", "<f4", [10**12]]],
        [["weights/0", "<f4", [10**30, 10**30]]],
        [["weights/0", "<f4", [-1]]],
        [["weights/0", "<f4", [1.5]]],
        [["weights/0", "|O", [1]]],
        [["weights/0"]],
        7,
    ):
        forge(plain | {"arrays": arrays})
        found, said = newest(tmp_path)
        assert found is None
        assert len(said) == 1
    for length in (2**63, 10**9, len(json.dumps(plain)) + 1):
        forge(plain, length)
        assert newest(tmp_path)[0] is None
    forge([])
    assert newest(tmp_path)[0] is None


@pytest.mark.parametrize("moment", ["before fsync", "before rename", "after rename"])
def test_killed_between_temporary_file_fsync_and_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """A child dies at that moment; what it leaves is the old one or the new one, whole."""
    made = Checkpoints(tmp_path, 0)
    made.write(checkpoint(1))
    assert killed(lambda: made.write(checkpoint(2)), moment)
    found, said = newest(tmp_path)
    assert found is not None
    assert found.state.epoch == (2 if moment == "after rename" else 1)
    assert said == []
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
        if moment == "before fsync" or (moment == "after rename" and len(calls) == 2):
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

    dump = checkpoints._dump

    def slow(checkpoint: Checkpoint, file: Any) -> None:
        now[0] += 2.0
        dump(checkpoint, file)

    monkeypatch.setattr(checkpoints, "_dump", slow)
    assert made.write(checkpoint())[1] == pytest.approx(2.0)
    now[0] += 199
    assert not made.is_due, "one in a hundred of the time"
    now[0] += 1
    assert made.is_due


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        Checkpoints(tmp_path / "file" / "x", 0).write(checkpoint())
