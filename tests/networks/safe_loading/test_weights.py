"""Model files whose weights lead elsewhere or are not what the layers need."""

import contextlib
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from networks.inference import load_model
from networks.models.checks import ConfigError
from tests.networks.safe_loading.model_files import (
    assert_refused,
    change_weights,
    kept,
    parts_of,
    write,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return kept(tmp_path)


KERNEL = "layers/dense/vars/0"  # (26, 3)


def _replace(make: Callable[[h5py.File], object]) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[KERNEL]
        make(file)

    return change


def _external_storage(file: h5py.File) -> None:
    file.create_dataset(KERNEL, (26, 3), "<f4", external=[("/etc/hostname", 0, 312)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((26, 3), "<f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (26, 3))
    file.create_virtual_dataset(KERNEL, layout)


def _nothing_stored(file: h5py.File) -> None:
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_LATE)
    space = h5py.h5s.create_simple((26, 3))
    h5py.h5d.create(file["layers/dense/vars"].id, b"0", h5py.h5t.IEEE_F32LE, space, plist)


def _store(*arguments: Any, **options: Any) -> Callable[[h5py.File], object]:
    return _replace(lambda file: file.create_dataset(KERNEL, *arguments, **options))


def _set(name: str, value: Any) -> Callable[[h5py.File], object]:
    return lambda file: file.__setitem__(name, value)


def _remove(name: str) -> Callable[[h5py.File], object]:
    return lambda file: file.__delitem__(name)


VALUES = np.zeros((26, 3), np.float32)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_replace(_set(KERNEL, h5py.ExternalLink("/etc/hostname", "/x"))), "'ExternalLink'"),
        (_replace(_set(KERNEL, h5py.SoftLink("/layers/dense_1/vars/0"))), "'SoftLink'"),
        (_replace(_external_storage), "a reference to other files"),
        (_replace(_virtual), "a reference to other files"),
        (_replace(_nothing_stored), "in plain rows, received 0"),
        (_store(data=VALUES, chunks=(26, 3)), "in plain rows"),
        (_store(data=VALUES, compression="gzip"), "in plain rows"),
        (_store((10**12, 3), "<f4", chunks=(1000, 3)), "of shape (26, 3)"),
        (_store(data=VALUES.T), "of shape (26, 3)"),
        (_store(data=VALUES.astype(np.float64)), "float32"),
        (_store(data=VALUES.astype(">f4")), "float32"),
        (_store(data=np.full((26, 3), b"text")), "float32"),
        (lambda file: file[KERNEL].attrs.__setitem__("dtype", "bfloat16"), "in plain rows"),
        (_replace(lambda file: file.create_group(KERNEL)), "arrays of weights"),
        (_replace(_set(KERNEL, np.dtype("<f4"))), "arrays of weights"),
        (_remove(KERNEL), "'0' in /layers/dense/vars"),
        (_remove("layers/dense"), "'dense' in /layers"),
        (_remove("layers"), "'layers' in /"),
        (_set("layers/dense_2/vars/0", VALUES), "at most 7 members of /layers, received 8"),
        (_set("layers/dropout/vars/0", VALUES), "at most 0 members of /layers/dropout/vars"),
        (_set("layers/dropout/seeds", VALUES), "at most 1 members of /layers/dropout,"),
        (_set("optimizer/vars/0", VALUES), "at most 2 members of /,"),
        (_set("vars/0", VALUES), "at most 0 members of /vars"),
        (lambda file: file.move("layers/dropout", "layers/lambda"), "no other members of /layers"),
        (lambda file: file.move("vars", "optimizer"), "no other members of /, received 'opt"),
        (lambda file: [_remove("layers")(file), _set("layers", VALUES)(file)], "a group"),
    ],
)
def test_weights_that_keras_does_not_write(
    path: Path, change: Callable[[h5py.File], object], words: str
) -> None:
    change_weights(path, change)
    assert_refused(path, words)


def test_links_to_groups_are_not_followed(path: Path) -> None:
    original = path.read_bytes()
    for name in ("layers", "vars", "layers/dense", "layers/dense/vars"):
        for link in (h5py.SoftLink("/vars"), h5py.ExternalLink("/etc/hostname", "/")):
            path.write_bytes(original)
            change_weights(path, _remove(name))
            change_weights(path, _set(name, link))
            assert_refused(path, f"received {type(link).__name__!r}")


@pytest.mark.parametrize(
    ("offset", "size", "words"),
    [(0, -1, "312 bytes in plain rows, received 311"), (2**20, 0, "cannot be loaded")],
)
def test_an_array_that_is_not_where_it_says(path: Path, offset: int, size: int, words: str) -> None:
    parts = parts_of(path)
    content = parts["model.weights.h5"]
    with h5py.File(io.BytesIO(content)) as file:
        begin = file[KERNEL].id.get_offset()
    layout = struct.pack("<2Q", begin, 312)
    assert content.count(layout) == 1
    changed = content.replace(layout, struct.pack("<2Q", begin + offset, 312 + size))
    write(path, parts | {"model.weights.h5": changed})
    assert_refused(path, words)


def test_no_weights_file(path: Path) -> None:
    parts = parts_of(path)
    for content in (b"words" * 200, parts["model.weights.h5"][:-1000]):
        write(path, parts | {"model.weights.h5": content})
        assert_refused(path, "damaged")


def test_flipped_bits_of_the_weights_end_no_program(path: Path) -> None:
    parts, rng = parts_of(path), np.random.default_rng(0)
    structure = len(parts["model.weights.h5"])
    for place in rng.integers(0, structure, 60).tolist():
        content = bytearray(parts["model.weights.h5"])
        content[place] = int(rng.integers(256))
        write(path, parts | {"model.weights.h5": bytes(content)})
        with contextlib.suppress(ConfigError):
            load_model(path)
