"""Model files that are no archives as Keras writes them."""

import contextlib
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from networks.inference import load_model, logits_of
from networks.models.checks import ConfigError
from tests.networks.safe_loading.model_files import (
    FFN,
    assert_refused,
    expected_logits,
    kept,
    parts_of,
    rows,
    write,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return kept(tmp_path)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", ["metadata.json", "config.json", "model.weights.h5"])
def test_a_zip_bomb(path: Path, name: str, method: int) -> None:
    parts = parts_of(path)
    with zipfile.ZipFile(path, "w") as archive:
        for other, content in parts.items():
            if other == name:
                archive.writestr(other, bytes(2**22), compress_type=method)
            else:
                archive.writestr(other, content)
    tracemalloc.start()
    try:
        assert_refused(path, "a compressed member")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def _patch_directory(path: Path, name: str, offset: int, form: str, *values: int) -> None:
    """Overwrite fields of a member's entry in the central directory."""
    content = bytearray(path.read_bytes())
    entry = content.rindex(name.encode()) - 46
    assert content[entry : entry + 4] == b"PK\1\2"
    struct.pack_into(form, content, entry + offset, *values)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("config.json", 2**22, "at most 2097152 bytes of config.json"),
        ("metadata.json", 2**22, "at most 2097152 bytes of metadata.json"),
        ("model.weights.h5", 2**31, "bytes of model.weights.h5"),
        ("model.weights.h5", 2**30, "ends beyond the end"),
        ("model.weights.h5", 2**10, "cannot be loaded"),
    ],
)
def test_an_announced_size(path: Path, name: str, size: int, words: str) -> None:
    _patch_directory(path, name, 20, "<2L", size, size)
    assert_refused(path, words)


def test_a_compressed_member_that_pretends(path: Path) -> None:
    original = path.read_bytes()
    _patch_directory(path, "config.json", 20, "<L", 100)
    assert_refused(path, "a compressed member")
    path.write_bytes(original)
    _patch_directory(path, "config.json", 10, "<H", zipfile.ZIP_DEFLATED)
    assert_refused(path, "a compressed member")


def test_an_encrypted_member(path: Path) -> None:
    _patch_directory(path, "config.json", 8, "<H", 1)
    assert_refused(path, "an encrypted member")


@pytest.mark.parametrize(
    "names",
    [
        ["../config.json", "metadata.json", "model.weights.h5"],
        ["/etc/config.json", "metadata.json", "model.weights.h5"],
        ["config.json", "metadata.json", "model.weights.h5", "assets/../../x"],
        ["config.json", "metadata.json", "model.weights.h5", "x.py"],
        ["config.json", "metadata.json", "model.weights.h5", "config.json"],
        ["config.json", "config.json", "model.weights.h5"],
        ["config.json", "metadata.json"],
        ["config.json", "metadata.json", "model.weights.npz"],
        [],
    ],
)
def test_members_that_keras_does_not_write(path: Path, names: list[str], tmp_path: Path) -> None:
    parts = parts_of(path)
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of names that are there twice
        for name in names:
            archive.writestr(name, parts.get(name, b"x"))
    assert_refused(path, "the members metadata.json, config.json, model.weights.h5")
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]


def test_a_directory_of_many_members_is_not_read(path: Path) -> None:
    write(path, parts_of(path) | {f"{number}": b"" for number in range(1000)})
    assert_refused(path, "of three members")


def test_an_archive_of_the_kind_for_giants(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-22] + b"PK\6\7" + bytes(16) + content[-22:])
    assert_refused(path, "of three members")
    path.write_bytes(content[:-2] + b"\1\0")  # a comment, which is not there
    assert_refused(path, "of three members")


def test_truncated_files(path: Path) -> None:
    content = path.read_bytes()
    for end in (0, 1, 21, 22, 100, 10_000, len(content) - 22, len(content) - 1):
        path.write_bytes(content[:end])
        assert_refused(path, "a zip archive, as Keras saves it")
    path.write_bytes(content[1000:])
    assert_refused(path, "cannot be loaded as a network")


def test_flipped_bits_are_noticed_or_harmless(path: Path) -> None:
    original, harmless = path.read_bytes(), 0
    places = np.random.default_rng(0).integers(0, len(original), 150).tolist()
    for place in [*places, *range(len(original) - 200, len(original), 3)]:
        content = bytearray(original)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        with contextlib.suppress(ConfigError):  # anything else would be a traceback for the user
            np.testing.assert_array_equal(
                logits_of(load_model(path), rows(FFN)), expected_logits(FFN)
            )
            harmless += 1
    assert 0 < harmless < 60


def test_no_model_file(path: Path, tmp_path: Path) -> None:
    assert_refused(tmp_path, "must be a model file. Received: a folder")
    assert_refused(tmp_path / "none.keras", "must be a model file. Received: nothing")
    path.write_text("words")
    assert_refused(path, "a zip archive, as Keras saves it, received b'words'")
