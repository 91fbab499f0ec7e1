"""Array files of other people: refused before anything is allocated, unpickled or followed."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from data.errors import DataError
from data.sources.array_files import find_arrays
from data.storage import hdf5
from tests.conftest import small_dataset


@contextmanager
def _little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def _read(path: Path) -> None:
    for array in find_arrays(path):
        array.read()


def _refused(path: Path) -> str:
    with _little_memory(), pytest.raises(DataError) as caught:
        _read(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert len(sentence) < 600
    return sentence


def _npy(values: Any, version: tuple[int, int] = (1, 0)) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(values), version, allow_pickle=True)
    return file.getvalue()


def _archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("/tmp/genre-tui-trap"),))


def test_pickles_are_refused_and_not_run(tmp_path: Path) -> None:
    content = _npy(np.array([Trap()] * 3))
    (tmp_path / "x.npy").write_bytes(content)
    assert "pickled objects" in _refused(tmp_path / "x.npy")
    assert "pickled objects" in _refused(_archive(tmp_path / "x.npz", X=content))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["X"] = np.array([file.ref], dtype=h5py.ref_dtype)
    assert "pickled objects" in _refused(tmp_path / "x.h5")
    assert not Path("/tmp/genre-tui-trap").exists()


def test_an_archive_that_would_fill_the_memory(tmp_path: Path) -> None:
    content = _npy(np.zeros(2**27, "u1"))
    assert "announces 134 MB, of which the file stores 0.1 MB" in _refused(
        _archive(tmp_path / "x.npz", X=content)
    )


def test_small_arrays_may_be_compressed_well(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", y=np.zeros((100_000, 10)))
    (array,) = find_arrays(tmp_path / "x.npz")
    assert array.shape == array.read().shape == (100_000, 10)


@pytest.mark.parametrize("shape", ["(10000000, 99)", "(-1, 5)", "(True, 5)", "(1e3, 5)"])
def test_shapes_that_are_not_stored(tmp_path: Path, shape: str) -> None:
    content = _npy(np.zeros((24, 5))).replace(b"(24, 5)", shape.encode(), 1)
    content = content.replace(b" " * (len(shape) - 7), b"", 1) if len(shape) > 7 else content
    sentence = _refused(_archive(tmp_path / "x.npz", X=content))
    assert "damaged" in sentence


def test_a_long_announced_header(tmp_path: Path) -> None:
    content = b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + b"{" * 50_000
    assert "is no NumPy array, or it is damaged" in _refused(
        _archive(tmp_path / "x.npz", X=content)
    )


def test_sizes_that_an_archive_lies_about(tmp_path: Path) -> None:
    """The directory's sizes of a member are changed, larger and smaller."""
    path = _archive(tmp_path / "x.npz", X=_npy(np.random.default_rng(0).random((24, 5))))
    original = path.read_bytes()
    place = original.rindex(b"PK\x01\x02") + 20  # compressed and full size, in 4 bytes each
    sizes = struct.unpack_from("<II", original, place)
    for change in ((0, 10**9), (0, -8), (-100, 0)):
        content = bytearray(original)
        changed = [size + by for size, by in zip(sizes, change, strict=True)]
        struct.pack_into("<II", content, place, *changed)
        path.write_bytes(content)
        assert str(path) in _refused(path)


def test_flipped_bytes_are_refused_or_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    files = [_archive(tmp_path / "x.npz", X=_npy(rng.random((24, 5))), y=_npy(np.arange(24)))]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("X", data=rng.random((24, 5)), compression="gzip")
        file["y"] = np.arange(24)
    files.append(tmp_path / "x.h5")
    for path in files:
        original = path.read_bytes()
        for _ in range(150):
            content = bytearray(original)
            for place in rng.integers(0, len(content), 3).tolist():
                content[place] = int(rng.integers(256))
            path.write_bytes(content)
            with contextlib.suppress(DataError):  # anything else would be a traceback for the user
                _read(path)


@pytest.mark.parametrize("keep", [3, 30, 300, -8])
@pytest.mark.parametrize("suffix", ["npz", "h5", "npy"])
def test_cut_files(tmp_path: Path, keep: int, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    values = np.random.default_rng(0).random((100, 9))
    if suffix == "npz":
        np.savez(path, X=values)
    elif suffix == "npy":
        np.save(path, values)
    else:
        with h5py.File(path, "w") as file:
            file["X"] = values
    path.write_bytes(path.read_bytes()[:keep])
    assert str(path) in _refused(path)


def test_an_encrypted_archive(tmp_path: Path) -> None:
    path = _archive(tmp_path / "x.npz", X=_npy(np.zeros((24, 5))))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x03\x04") + 6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "cannot be read" in _refused(path)


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.npz")
    assert "it is no plain file" in _refused(tmp_path / "x.npz")
    assert "it is no plain file" in _refused(tmp_path)


# HDF5.


def test_links_and_other_files_are_not_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["X"] = np.zeros((24, 5))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["soft"] = h5py.SoftLink("/y")
        file["outside"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "X")
        file["group"] = file["/"]
        file["y"] = np.zeros(24)
    names = [array.name for array in find_arrays(tmp_path / "x.h5")]
    assert set(names) == {"y", "group/y", "group/group/y", "group/group/group/y"}
    layout = h5py.VirtualLayout((24, 5), "f8")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "X", (24, 5))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_virtual_dataset("X", layout)
    assert "keeps X in other files" in _refused(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("X", (24,), "u1", external=[(tmp_path / "other.h5", 0, 24)])
    assert "keeps X in other files" in _refused(tmp_path / "x.h5")


def test_arrays_that_are_announced_only(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("X", (10**9, 26), "f8", chunks=(1000, 26))
    assert "announces 208000 MB" in _refused(tmp_path / "x.h5")


def test_texts_of_a_damaged_heap(tmp_path: Path) -> None:
    """HDF5 would loop for ever: the first text's size is such that it never ends."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["y"] = ["rock", "blues"] * 12
    content = bytearray(path.read_bytes())
    place = content.index(b"GCOL") + 16 + 8
    struct.pack_into("<Q", content, place, 2**64 - 16)
    path.write_bytes(content)
    script = (
        "import sys; from pathlib import Path; from data.sources.array_files import find_arrays\n"
        "from data.errors import DataError\n"
        "try: [array.read() for array in find_arrays(Path(sys.argv[1]))]\n"
        "except DataError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, timeout=60
    )
    assert "the texts in it are not where they should be" in done.stdout


def test_too_many_arrays(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for number in range(1100):
            file[f"track{number}"] = np.zeros(3)
    with pytest.raises(DataError, match="more than 1000 arrays"):
        find_arrays(tmp_path / "x.h5")
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1100):
        np.save(folder / f"{number}.npy", np.zeros(3))
    with pytest.raises(DataError, match=r"join those of single tracks \(numpy.concatenate\)"):
        find_arrays(folder)


def test_a_dataset_of_this_program(tmp_path: Path) -> None:
    hdf5.save(small_dataset(mel=False), tmp_path / "x.h5")
    assert "is a dataset of this program already: name it with --data" in _refused(
        tmp_path / "x.h5"
    )


@pytest.mark.parametrize("content", [b"", b"words", b"[]", b"\x80\x04N."])
def test_other_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    assert "is no .npy, .npz, HDF5 or JSON file of arrays" in _refused(tmp_path / "x.npz")


def test_an_archive_without_arrays(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("data.pkl", b"...")
    assert find_arrays(tmp_path / "x.npz") == []


def test_lists_in_json(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text(
        '{"mapping": ["a", "b"], "labels": [0, 1], "mfcc": [[[1, 2]], [[3, 4.5]]], "n": 2}'
    )
    found = {array.name: array.read().tolist() for array in find_arrays(path)}
    assert found == {"mapping": ["a", "b"], "labels": [0, 1], "mfcc": [[[1, 2]], [[3, 4.5]]]}
    for content in ("{", '{"a": [[1, 2], [3]]}', '{"a": ' + "[" * 100_000, "{\xff"):
        path.write_text(content, encoding="latin-1")
        with pytest.raises(DataError) as caught:
            _read(path)
        assert str(path) in str(caught.value)
    path.write_text('{"a": [{}, {}], "b": []}')
    _read(path)
