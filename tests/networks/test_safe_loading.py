"""Model files of other people: weights of ours load, nothing else in a file is read."""

import contextlib
import io
import json
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import h5py
import keras
import numpy as np
import pytest

from networks.errors import ConfigError
from networks.inference import load_model, logits_of, save_model
from networks.models.build import build_model
from networks.models.config import Activation, CNNConfig, FFNConfig, Initializer
from networks.safe_loading import WEIGHTS
from tests.support.model_files import (
    CNN,
    EVERYTHING,
    FFN,
    assert_refused,
    change_weights,
    expected_logits,
    kept,
    load,
    parts_of,
    rows,
    write,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return kept(tmp_path)


ACTIVATIONS = get_args(Activation)
NETWORKS: list[FFNConfig | CNNConfig] = [
    FFNConfig(),
    CNNConfig(),
    *(FFNConfig(hidden=(3, 1), activation=name, **EVERYTHING) for name in ACTIVATIONS),
    *(FFNConfig(hidden=(2,), initializer=name) for name in get_args(Initializer)),
    *(
        CNNConfig(filters=(2, 1), kernel_size=3, dense=(2,), activation=name, **EVERYTHING)
        for name in ACTIVATIONS
    ),
    *(
        CNNConfig(filters=(1, 2), kernel_size=3, dense=(1,), pooling=pooling, padding=padding)
        for pooling in (False, True)
        for padding in (False, True)
    ),
    CNNConfig(filters=(1,), kernel_size=1, dense=(2, 2), dense_activation=False, dropout=0.5),
]


@pytest.mark.parametrize("network", NETWORKS)
def test_what_our_builders_make_loads(network: FFNConfig | CNNConfig, tmp_path: Path) -> None:
    path = kept(tmp_path, network)
    model = load(path, network)
    np.testing.assert_array_equal(logits_of(model, rows(network)), expected_logits(network))
    save_model(model, path)
    load(path, network)


@pytest.mark.parametrize("network", [FFN, CNN])
def test_a_file_as_keras_saves_it_loads(network: FFNConfig | CNNConfig, tmp_path: Path) -> None:
    build_model(network, 4, 0, rows(network)).save(tmp_path / "model.keras")
    model = load(tmp_path / "model.keras", network)
    np.testing.assert_array_equal(logits_of(model, rows(network)), expected_logits(network))


def test_a_layer_that_was_not_adapted_loads(tmp_path: Path) -> None:
    build_model(FFN, 4, 0).save(tmp_path / "model.keras")
    load(tmp_path / "model.keras")


def test_equal_models_are_equal_files_that_keras_opens(tmp_path: Path) -> None:
    paths = [tmp_path / "first.keras", tmp_path / "second.keras"]
    models = [build_model(CNN, 4, 0, rows(CNN)) for _ in paths]
    for path, model in zip(paths, models, strict=True):
        save_model(model, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert len(list(tmp_path.iterdir())) == 2
    found = keras.saving.load_model(paths[0])
    np.testing.assert_array_equal(logits_of(found, rows(CNN)), expected_logits(CNN))
    save_model(found, paths[1])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_weights_of_another_network_are_refused(path: Path, tmp_path: Path) -> None:
    other = FFNConfig(hidden=(3, 4), activation="prelu", **EVERYTHING)
    with pytest.raises(ConfigError, match="expected 11 members of /layers, received 7"):
        load(path, other)
    with pytest.raises(ConfigError, match=r"of shape \(3, 5\)"):
        load_model(path, FFN, 5)
    with pytest.raises(ConfigError, match=r"of shape \(2,\)"):
        load(path, FFNConfig(hidden=(2,), activation="prelu", **EVERYTHING))
    large = kept(tmp_path, CNNConfig())
    with pytest.raises(ConfigError, match=r"bytes of model\.weights\.h5"):
        load(large, FFN)


def test_what_is_checked_is_what_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, file = [], h5py.File

    def swap(copy: Any, mode: str, **options: Any) -> Any:
        if not isinstance(copy, (str, Path)):  # files of our own have names
            path.write_bytes(b"another file")
            opened.append(copy)
        return file(copy, mode, **options)

    monkeypatch.setattr(h5py, "File", swap)
    np.testing.assert_array_equal(logits_of(load(path), rows(FFN)), expected_logits(FFN))
    assert opened[0].closed


@pytest.mark.parametrize("config", [b"", b"[", b'{"module": "subprocess", "class_name": "Popen"}'])
def test_configs_are_not_read(path: Path, config: bytes) -> None:
    write(path, parts_of(path) | {"config.json": config, "metadata.json": config})
    np.testing.assert_array_equal(logits_of(load(path), rows(FFN)), expected_logits(FFN))


def test_a_lambda_is_not_run(tmp_path: Path) -> None:
    """Neither where its weights do not fit, nor where they do."""
    path, marker = tmp_path / "model.keras", tmp_path / "marker"
    trap = eval(f"lambda x: (open({str(marker)!r}, 'w').close(), x)[1]")
    inputs = keras.Input((26,), name="mfcc_statistics")
    x = keras.layers.Lambda(trap, name="trap")(inputs)
    keras.Model(inputs, keras.layers.Dense(4, name="logits")(x), name="ffn").save(path)
    marker.unlink(missing_ok=True)
    assert_refused(path, "7 members of /layers, received 3")
    parts = parts_of(path)
    config = json.loads(parts["config.json"])
    write(path, parts_of(kept(tmp_path)) | {"config.json": json.dumps(config).encode()})
    load(path)
    assert not marker.exists()
    write(path, parts)
    keras.src.saving.saving_lib.load_model(path, compile=False, safe_mode=False)
    assert marker.exists(), "the trap would not have worked"


def test_pickles_are_not_read(tmp_path: Path) -> None:
    path = kept(tmp_path)
    pickle = b"cos\nsystem\n(S'touch " + str(tmp_path / "marker").encode() + b"'\ntR."
    write(path, parts_of(path) | {WEIGHTS: pickle})
    assert_refused(path, "damaged")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.npz", pickle)
    assert_refused(path, "one member model.weights.h5")
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", ["metadata.json", "config.json", WEIGHTS])
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
        if name == WEIGHTS:
            assert_refused(path, "a compressed member")
        else:
            load(path)  # only weights are read
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
    ("size", "words"),
    [
        (2**31, "bytes of model.weights.h5"),
        (2**20, "bytes of model.weights.h5"),
        (2**18, "ends beyond the end"),
        (2**10, "cannot be loaded"),
    ],
)
def test_an_announced_size(path: Path, size: int, words: str) -> None:
    _patch_directory(path, WEIGHTS, 20, "<2L", size, size)
    assert_refused(path, words)


def test_a_compressed_member_that_pretends(path: Path) -> None:
    original = path.read_bytes()
    _patch_directory(path, WEIGHTS, 20, "<L", 100)
    assert_refused(path, "a compressed member")
    path.write_bytes(original)
    _patch_directory(path, WEIGHTS, 10, "<H", zipfile.ZIP_DEFLATED)
    assert_refused(path, "a compressed member")


def test_an_encrypted_member(path: Path) -> None:
    _patch_directory(path, WEIGHTS, 8, "<H", 1)
    assert_refused(path, "an encrypted member")


@pytest.mark.parametrize(
    "names",
    [
        [f"../{WEIGHTS}", "config.json", "metadata.json"],
        [f"/etc/{WEIGHTS}", "config.json", "metadata.json"],
        ["config.json", "metadata.json", WEIGHTS, WEIGHTS],
        ["config.json", "metadata.json"],
        ["config.json", "metadata.json", "model.weights.npz"],
        [],
    ],
)
def test_no_member_of_weights_or_two(path: Path, names: list[str], tmp_path: Path) -> None:
    parts = parts_of(path)
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of names that are there twice
        for name in names:
            archive.writestr(name, parts.get(name, b"x"))
    assert_refused(path, "one member model.weights.h5")
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
    path.write_bytes(content[10_000:])
    assert_refused(path, "cannot be loaded as this network")


def test_flipped_bits_are_noticed_or_harmless(path: Path) -> None:
    original, harmless = path.read_bytes(), 0
    places = np.random.default_rng(0).integers(0, len(original), 150).tolist()
    for place in [*places, *range(len(original) - 200, len(original), 3)]:
        content = bytearray(original)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        with contextlib.suppress(ConfigError):  # anything else would be a traceback for the user
            np.testing.assert_array_equal(logits_of(load(path), rows(FFN)), expected_logits(FFN))
            harmless += 1
    assert 0 < harmless < 90


def test_no_model_file(path: Path, tmp_path: Path) -> None:
    assert_refused(tmp_path, "must be a model file. Received: a folder")
    assert_refused(tmp_path / "none.keras", "must be a model file. Received: nothing")
    path.write_text("words")
    assert_refused(path, "a zip archive, as Keras saves it, received b'words'")


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
        (_replace(lambda file: file.create_group(KERNEL)), "to be a Dataset"),
        (_replace(_set(KERNEL, np.dtype("<f4"))), "to be a Dataset"),
        (_remove(KERNEL), "2 members of /layers/dense/vars, received 1"),
        (_remove("layers/dense"), "7 members of /layers, received 6"),
        (_remove("layers"), "2 members of /, received 1"),
        (_set("layers/dense_2/vars/0", VALUES), "7 members of /layers, received 8"),
        (_set("layers/dense/vars/2", VALUES), "2 members of /layers/dense/vars, received 3"),
        (lambda file: file.move("layers/dropout", "layers/lambda"), "no other members of /layers"),
        (
            lambda file: [_remove("layers")(file), _set("layers", VALUES)(file)],
            "'layers' in / to be a Group",
        ),
    ],
)
def test_weights_that_keras_does_not_write(
    path: Path, change: Callable[[h5py.File], object], words: str
) -> None:
    change_weights(path, change)
    assert_refused(path, words)


def test_links_to_groups_are_not_followed(path: Path) -> None:
    original = path.read_bytes()
    for name in ("layers", "layers/dense", "layers/dense/vars"):
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
    content = parts[WEIGHTS]
    with h5py.File(io.BytesIO(content)) as file:
        begin = file[KERNEL].id.get_offset()
    layout = struct.pack("<2Q", begin, 312)
    assert content.count(layout) == 1
    changed = content.replace(layout, struct.pack("<2Q", begin + offset, 312 + size))
    write(path, parts | {WEIGHTS: changed})
    assert_refused(path, words)


def test_no_weights_file(path: Path) -> None:
    parts = parts_of(path)
    for content in (b"words" * 200, parts[WEIGHTS][:-1000]):
        write(path, parts | {WEIGHTS: content})
        assert_refused(path, "damaged")


def test_flipped_bits_of_the_weights_end_no_program(path: Path) -> None:
    parts, rng = parts_of(path), np.random.default_rng(0)
    structure = len(parts[WEIGHTS])
    for place in rng.integers(0, structure, 60).tolist():
        content = bytearray(parts[WEIGHTS])
        content[place] = int(rng.integers(256))
        write(path, parts | {WEIGHTS: bytes(content)})
        with contextlib.suppress(ConfigError):
            load(path)
