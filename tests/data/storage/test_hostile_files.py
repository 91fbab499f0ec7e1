"""Dataset files and arrays of other people: refused before anything is allocated or run."""

import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from data.errors import DataError
from data.sources.npy_folder import read_npy_folder
from data.storage import hdf5
from tests.conftest import small_dataset

GIANT = 10**12
TEXT = h5py.string_dtype()


@contextmanager
def _little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


# HDF5.


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "small.h5"
    hdf5.save(replace(small_dataset(mel=False), track_artists=("A", "", "B")), target)
    return target


def _refused(path: Path, words: str) -> None:
    for read in (hdf5.load, hdf5.summarise):
        with _little_memory(), pytest.raises(DataError) as caught:
            read(path)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 500


def _create(
    file: h5py.File, name: str, kind: Any, shape: tuple[int, ...], layout: int, alloc: int
) -> None:
    group, name = name.split("/") if "/" in name else ("/", name)
    del file[group][name]
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(layout)
    plist.set_alloc_time(alloc)
    space = h5py.h5s.create_simple(shape)
    h5py.h5d.create(file[group].id, name.encode(), kind, space, plist)


def _nothing_stored(name: str, kind: Any, *shape: int) -> Callable[[h5py.File], None]:
    return lambda file: _create(
        file, name, kind, shape, h5py.h5d.CONTIGUOUS, h5py.h5d.ALLOC_TIME_LATE
    )


def _compact(file: h5py.File) -> None:
    kind, early = h5py.h5t.STD_I64LE, h5py.h5d.ALLOC_TIME_EARLY
    _create(file, "test/label", kind, (24,), h5py.h5d.COMPACT, early)


def _store(name: str, *arguments: Any, **options: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, *arguments, **options)

    return change


def _link(name: str, link: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = link

    return change


OTHER = h5py.ExternalLink("/etc/hostname", "/x")
ROWS = np.zeros((24, 26))
BYTES = np.fromiter((np.zeros(9, np.uint8) for _ in range(3)), dtype=object)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_nothing_stored("test/mfcc", h5py.h5t.IEEE_F64LE, GIANT, 26), "holds 0 in plain rows"),
        (_nothing_stored("test/label", h5py.h5t.STD_I64LE, GIANT), "holds 0 in plain rows"),
        (_nothing_stored("test/mfcc", h5py.h5t.IEEE_F64LE, 2**40, 2**20), "of shape ('n', 26)"),
        (_compact, "holds 192 in plain rows"),
        (_store("test/mfcc", (GIANT, 26), "<f8", chunks=(9, 26), compression="gzip"), "holds 0"),
        (_store("test/mfcc", data=ROWS, compression="gzip"), "in plain rows"),
        (_store("test/mfcc", data=ROWS, chunks=(24, 26)), "in plain rows"),
        (_store("test/label", dtype="<i8"), "it is damaged"),
        (_store("track_names", (GIANT,), "S100", chunks=(9,)), "holds 0 in plain rows"),
        (_store("track_names", (3,), f"S{10**9}", chunks=(3,)), "holds 0 in plain rows"),
        (_store("track_names", data=["a", "b", "c"], dtype=TEXT), "must be text"),
        (_store("track_names", (3,), "S9", external=[("/etc/hostname", 0, 27)]), "in other files"),
        (_store("track_artists", (GIANT,), "S100", chunks=(9,)), "holds 0 in plain rows"),
        (_store("track_artists", data=["a", "b", "c"], dtype=TEXT), "must be text"),
        (_link("track_artists", OTHER), "links are not followed"),
        (_link("test", OTHER), "links are not followed"),
        (_link("test", h5py.SoftLink("/train")), "links are not followed"),
        (_link("track_names", OTHER), "links are not followed"),
        (_link("track_names", h5py.SoftLink("/test/label")), "links are not followed"),
        (_link("test/label", np.dtype("<i8")), "is no array"),
        (_link("test", np.zeros(3)), "is no group"),
        (lambda file: file.create_group("other"), "'other', which no dataset of ours has"),
        (lambda file: file.create_group("test/other"), "'other', which no dataset of ours has"),
        (lambda file: file.__delitem__("test/track"), "lacks 'track'"),
        (lambda file: file.__delitem__("test/mfcc"), "and all the same. Received in test: none."),
        (
            lambda file: file.create_dataset("test/mel", data=ROWS[:, None]),
            "and all the same. Received in test: mfcc and mel",
        ),
        (_nothing_stored("train/mfcc", h5py.h5t.IEEE_F64LE, 48, 2**21), "at most 1,048,576 values"),
        (_store("train/mfcc", data=ROWS[:, None]), "must have statistics a row"),
        (_link("train/mfcc", np.zeros(())), "must have statistics a row"),
        (lambda file: file.__delitem__("train/mfcc") or file.create_group("train/mfcc"), "a row"),
    ],
)
def test_arrays_that_are_not_stored_here(
    path: Path, change: Callable[[h5py.File], None], words: str
) -> None:
    with h5py.File(path, "a") as file:
        change(file)
    _refused(path, words)


@pytest.mark.parametrize(
    ("name", "value", "dtype"),
    [
        ("schema_version", np.ones(9, int), None),
        ("schema_version", "1", None),
        ("schema_version", True, None),
        ("content_sha256", ["0" * 64] * 2, TEXT),
        ("provenance", ["{}"] * 3, TEXT),
        ("provenance", 3, None),
        ("provenance", h5py.Empty("f4"), None),
        ("features", 3, None),
        ("features", ["{}"] * 2, TEXT),
        ("genres", "blues", TEXT),
        ("genres", [["blues", "jazz", "rock"]], TEXT),
        ("genres", ["blues"] * 1001, TEXT),
        ("genres", [1, 2, 3], None),
        ("genres", BYTES, h5py.vlen_dtype(np.uint8)),
    ],
)
def test_attributes_of_another_type_or_size_are_not_read(
    path: Path, name: str, value: Any, dtype: Any
) -> None:
    with h5py.File(path, "a") as file:
        file.attrs.create(name, value, dtype=dtype)
    _refused(path, "no schema_version" if name == "schema_version" else f"{name} must be")


@pytest.mark.parametrize("name", ["schema_version", "content_sha256", "provenance", "genres"])
def test_attributes_that_are_missing(path: Path, name: str) -> None:
    with h5py.File(path, "a") as file:
        del file.attrs[name]
    _refused(path, "no schema_version" if name == "schema_version" else f"lacks {name!r}")


@pytest.mark.parametrize(
    ("name", "value", "dtype", "words"),
    [
        ("schema_version", np.zeros(10**6, int), None, "no schema_version"),
        ("genres", ["blues"] * 20_000, TEXT, "genres must be at most 1000"),
        ("provenance", "{" + " " * 2**22 + "}", TEXT, "bytes besides its rows"),
        ("features", np.zeros(10**6, int), None, "features must be"),
    ],
)
def test_giant_attributes_are_not_read(
    path: Path, name: str, value: Any, dtype: Any, words: str
) -> None:
    large = path.with_name("large.h5")
    with h5py.File(path) as small, h5py.File(large, "w", libver="latest") as file:
        for key in small:
            small.copy(key, file)
        for key, kept in small.attrs.items():
            file.attrs[key] = kept
        hdf5.load(path)
        file.attrs.create(name, value, dtype=dtype)
    _refused(large, words)


def test_rows_of_another_size_than_is_stored(path: Path) -> None:
    with h5py.File(path) as file:
        layout = struct.pack("<2Q", file["test/mfcc"].id.get_offset(), ROWS.nbytes)
    content = path.read_bytes()
    assert content.count(layout) == 1
    path.write_bytes(content.replace(layout, layout[:8] + struct.pack("<Q", ROWS.nbytes - 1)))
    _refused(path, f"announces {ROWS.nbytes} bytes and holds {ROWS.nbytes - 1}")


@pytest.mark.parametrize("at_the_end", [False, True])
@pytest.mark.parametrize(
    ("place", "value"),
    [
        (8, 2**62),  # the heap's size
        (24, 3000),
        (24, 0xFF),  # the first text's: HDF5 would then go round in a free space of 0 bytes
        (24, 2**62),
    ],
)
def test_damaged_texts_are_refused_in_the_end(
    path: Path, place: int, value: int, at_the_end: bool
) -> None:
    if at_the_end:
        with h5py.File(path, "a") as file:
            file.attrs["provenance"] = '{"note": "' + 4000 * " " + '"}'
        hdf5.load(path)
    content = bytearray(path.read_bytes())
    assert content.count(b"GCOL") == 1 + at_the_end
    struct.pack_into("<Q", content, content.rindex(b"GCOL") + place, value)
    path.write_bytes(content)
    script = f"""
from pathlib import Path
from data.storage import hdf5
from data.errors import DataError
try:
    hdf5.load(Path({str(path)!r}))
except DataError as error:
    print(error)
"""
    # In a process that can be ended: no signal ends HDF5's loop.
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert "the texts in it are not where they should be" in done.stdout, done.stderr


# NumPy.


class Trap:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.marker,))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for split in ("train", "val", "test"):
        for kind, shape in (("mfccs", (26,)), ("melgrams", (21, 128))):
            place = tmp_path / "arrays" / split / kind
            place.mkdir(parents=True)
            np.save(place / "X.npy", rng.standard_normal((4, *shape)))
            np.save(place / "labels.npy", np.array(["rock", "blues"] * 2))
    return tmp_path / "arrays"


def _refused_folder(folder: Path, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_npy_folder(folder, "x")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


FILES = ["train/mfccs/X.npy", "train/mfccs/labels.npy", "test/melgrams/X.npy"]


@pytest.mark.parametrize("file", FILES)
def test_pickles_are_not_run_wherever_they_are(folder: Path, tmp_path: Path, file: str) -> None:
    marker = tmp_path / "marker"
    traps = np.array([Trap(marker)] * 4, dtype=object)
    mixed = np.array([(1.0, trap) for trap in traps], dtype=[("a", "<f8"), ("b", "O")])
    for value in (traps, mixed):
        np.save(folder / file, value, allow_pickle=True)
        _refused_folder(folder, "pickled objects")
    (folder / file).write_bytes(pickle.dumps(Trap(marker)))
    _refused_folder(folder, "no NumPy array file")
    assert not marker.exists()
    np.load(folder / file, allow_pickle=True)
    assert marker.exists(), "the trap would not have worked"


@pytest.mark.parametrize("file", FILES)
def test_an_archive_of_arrays_is_no_array(folder: Path, tmp_path: Path, file: str) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((4, 26)))
    (folder / file).write_bytes((tmp_path / "a.npz").read_bytes())
    _refused_folder(folder, "no NumPy array file")
    with zipfile.ZipFile(folder / file, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("X.npy", bytes(2**22))
    _refused_folder(folder, "no NumPy array file")


def _header(text: str) -> bytes:
    header = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header


@pytest.mark.parametrize(
    "content",
    [
        _header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 26)}"),
        _header("{'descr': '<f8', 'fortran_order': True, 'shape': (1000000000000, 26)}"),
        _header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**62}, {2**62})}}"),
        _header("{'descr': '<U500000000', 'fortran_order': False, 'shape': (4,)}"),
        _header("{'descr': '|V2000000000', 'fortran_order': False, 'shape': (4, 26)}"),
        b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + b"{'descr': '<f8'",
        b"\x93NUMPY\3\0" + struct.pack("<I", 2**20) + b" " * 2**20,
        b"\x93NUMPY\x09\0" + bytes(200),
        b"\x93NUMPY",
    ],
)
@pytest.mark.parametrize("file", FILES)
def test_an_array_that_is_announced_and_not_there(folder: Path, file: str, content: bytes) -> None:
    (folder / file).write_bytes(content + bytes(1000))
    with _little_memory():
        _refused_folder(folder, "damaged NumPy array file, or it is cut short")
