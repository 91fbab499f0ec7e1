"""Model files of other people: ours load, all others are refused before Keras reads them."""

import contextlib
import json
import struct
import tempfile
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, get_args

import h5py
import keras
import numpy as np
import pytest

from networks.checks import ConfigError
from networks.config import Activation, CNNConfig, FFNConfig, Initializer
from networks.inference import load_model, logits_of
from networks.training import build

EVERYTHING: Any = {"batch_norm": True, "dropout": 0.1, "standardize": True}
FFN = FFNConfig(hidden=(3,), activation="prelu", **EVERYTHING)
CNN = CNNConfig(filters=(2, 1), kernel_size=3, dense=(2,), activation="relu", **EVERYTHING)
Parts = dict[str, bytes]


def _rows(network: FFNConfig | CNNConfig) -> np.ndarray:
    shape = (26,) if isinstance(network, FFNConfig) else (21, 128)
    return np.random.default_rng(0).normal(3, 2, (6, *shape)).astype(np.float32)


@cache
def _saved(network: FFNConfig | CNNConfig) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        build(network, 4, 0, _rows(network)).save(path)
        return path.read_bytes()


@cache
def _expected(network: FFNConfig | CNNConfig) -> np.ndarray:
    return logits_of(build(network, 4, 0, _rows(network)), _rows(network))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "model.keras"
    target.write_bytes(_saved(FFN))
    return target


def _parts(path: Path) -> Parts:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _write(path: Path, parts: Parts, **options: Any) -> None:
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _change_config(path: Path, change: Callable[[Any], object]) -> None:
    parts = _parts(path)
    config = json.loads(parts["config.json"])
    change(config)
    _write(path, parts | {"config.json": json.dumps(config).encode()})


def _change_weights(path: Path, change: Callable[[h5py.File], object]) -> None:
    parts, file = _parts(path), path.with_name("weights.h5")
    file.write_bytes(parts["model.weights.h5"])
    with h5py.File(file, "a") as weights:
        change(weights)
    _write(path, parts | {"model.weights.h5": file.read_bytes()})


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], None]:
    """Asserts that a file is refused for the reason that `words` tell, unread by Keras."""
    read: list[object] = []
    monkeypatch.setattr(keras.saving, "load_model", lambda *args, **_: read.append(args))

    def check(path: Path, words: str) -> None:
        with pytest.raises(ConfigError) as caught:
            load_model(path)
        message = str(caught.value)
        assert words in message
        assert message.startswith(str(path))
        assert message.endswith(("train the network again.", "Choose a model.keras of a run."))
        assert "\n" not in message
        assert len(message) < 500
        assert not read

    return check


Refused = Callable[[Path, str], None]


# Ours load.

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
    path = tmp_path / "model.keras"
    path.write_bytes(_saved(network))
    model = load_model(path)
    np.testing.assert_array_equal(logits_of(model, _rows(network)), _expected(network))
    model.save(path)  # and once more, as Keras writes what it has read
    load_model(path)


def test_a_layer_that_was_not_adapted_loads(tmp_path: Path) -> None:
    build(FFN, 4, 0).save(tmp_path / "model.keras")
    load_model(tmp_path / "model.keras")


def test_keras_reads_a_copy_that_nobody_else_can_change(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, folders = keras.saving.load_model, []

    def swap(folder: str, **options: Any) -> Any:
        path.write_bytes(b"another file")
        folders.append(Path(folder))
        assert Path(folder).stat().st_mode & 0o077 == 0
        return read(folder, **options)

    monkeypatch.setattr(keras.saving, "load_model", swap)
    np.testing.assert_array_equal(logits_of(load_model(path), _rows(FFN)), _expected(FFN))
    assert not folders[0].exists()


def test_what_keras_refuses_is_a_sentence_too(path: Path) -> None:
    def change(config: Any) -> None:
        start = config["config"]["layers"][2]["config"]["kernel_initializer"]
        start["config"]["distribution"] = "nonsense"

    _change_config(path, change)
    with pytest.raises(ConfigError, match=r"none of ours \(.*could not be deserialized") as error:
        load_model(path)
    assert "\n" not in str(error.value)


# Code in the config.


def test_a_lambda_is_refused_and_not_run(tmp_path: Path, refused: Refused) -> None:
    path, marker = tmp_path / "model.keras", tmp_path / "marker"
    trap = eval(f"lambda x: (open({str(marker)!r}, 'w').close(), x)[1]")
    inputs = keras.Input((26,), name="mfcc_statistics")
    x = keras.layers.Lambda(trap, name="trap")(inputs)
    keras.Model(inputs, keras.layers.Dense(4, name="logits")(x), name="ffn").save(path)
    marker.unlink(missing_ok=True)
    refused(path, "'keras.layers', 'Lambda'")
    assert not marker.exists()
    keras.src.saving.saving_lib.load_model(path, compile=False, safe_mode=False)
    assert marker.exists(), "the trap would not have worked"


EVIL = {
    "function": {"module": "builtins", "class_name": "function", "config": "eval"},
    "class": {"module": "subprocess", "class_name": "Popen", "config": {"args": ["true"]}},
    "lambda": {"class_name": "__lambda__", "config": {"value": "4wAAAA=="}},
    "keras": {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://x"}},
    "private": {"module": "keras.src.utils.file_utils", "class_name": "File", "config": {}},
    "setting": {
        "module": "keras.config",
        "class_name": "function",
        "config": "enable_unsafe_deserialization",
    },
    "registered": {
        "module": "keras.initializers",
        "class_name": "Zeros",
        "config": {},
        "registered_name": "evil>Zeros",
    },
}
PLACES = (
    "compile_config",
    "build_config",
    "config/name",
    "config/layers/2/config/activation",
    "config/layers/2/config/dtype",
    "config/layers/2/config/kernel_initializer",
    "config/layers/2/config/kernel_initializer/config/seed",
    "config/layers/2/config/kernel_regularizer",
    "config/layers/2/config/bias_constraint",
    "config/layers/2/config/quantization_config",
    "config/layers/2/config/new_setting",
    "config/layers/2/build_config",
    "config/layers/2/inbound_nodes/0/args/0",
    "config/layers/2/inbound_nodes/0/kwargs/mask",
    "config/layers/3/config/gamma_initializer",
    "config/layers/4/config/alpha_initializer/config/value",
    "config/layers/5",
    "config/new_layers",
    "new_config",
)


def _put(place: str, value: Any) -> Callable[[Any], object]:
    def change(config: Any) -> None:
        *way, last = [int(key) if key.isdigit() else key for key in place.split("/")]
        for key in way:
            config = config[key]
        config[last] = value

    return change


@pytest.mark.parametrize("place", PLACES)
def test_classes_and_functions_are_refused_wherever_they_sit(
    path: Path, refused: Refused, place: str
) -> None:
    original = path.read_bytes()
    for kind, evil in EVIL.items():
        path.write_bytes(original)
        _change_config(path, _put(place, evil))
        words = "evil>Zeros" if kind == "registered" else str(evil["class_name"])
        refused(path, words)


@pytest.mark.parametrize("place", ["", "config/layers/2/"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("module", "os"),
        ("module", "builtins"),
        ("module", None),
        ("module", ["keras.layers"]),
        ("class_name", "Lambda"),
        ("class_name", "TFSMLayer"),
        ("class_name", "Sequential"),
        ("class_name", None),
        ("registered_name", "evil>Dense"),
        ("registered_name", "Dense"),
        ("shared_object_id", 7),
    ],
)
def test_a_layer_or_model_of_another_class(
    path: Path, refused: Refused, place: str, key: str, value: Any
) -> None:
    _change_config(path, _put(place + key, value))
    refused(path, "shared_object_id" if value == 7 else repr(value))


# Networks that are not ours.


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("config/layers/0/config/batch_shape", [None, 10**9], "batch_shape of mfcc_statistics"),
        ("config/layers/0/config/sparse", True, "no 'sparse'"),
        ("config/layers/1/config/mean", [0.0] * 26, "no 'mean'"),
        ("config/layers/2/config/units", True, "units of hidden_1"),
        ("config/layers/2/config/units", 2.0, "units of hidden_1"),
        ("config/layers/2/config/use_bias", False, "use_bias of hidden_1"),
        ("config/layers/2/config/activation", "my>relu", "activation of hidden_1"),
        ("config/layers/2/config/dtype", "int8_from_float32", "dtype of hidden_1"),
        ("config/layers/2/config/lora_rank", 10**6, "no 'lora_rank'"),
        ("config/layers/2/config/name", "a\n\x1b[2J", "a name of its own"),
        ("config/layers/3/config/epsilon", float("nan"), "epsilon of hidden_1_batch_norm"),
        ("config/layers/3/config/renorm", True, "no 'renorm'"),
        ("config/layers/4/config/shared_axes", [1, 2, 3], "one slope"),
        ("config/layers/5/config/noise_shape", [10**9, 3], "no 'noise_shape'"),
        ("config/layers/5/inbound_nodes", [], "take the outputs of the layer before"),
        ("config/layers/5/inbound_nodes/0/kwargs/training", True, "take the outputs"),
        ("config/layers/5/inbound_nodes/0/args/0/config/shape", [None, 10**9], "take the outputs"),
        ("config/layers/5/inbound_nodes/0/args/0/config/keras_history/0", "logits", "the outputs"),
        ("config/layers/5", 3, "a layer to be a JSON object"),
        ("config/layers", [], "at least two layers"),
        ("config/layers", [{}] * 1001, "at most 1000 layers"),
        ("config/output_layers", ["hidden_1", 0, 0], "output_layers to be logits"),
        ("config/trainable", False, "a trainable model"),
        ("compile_config", {"optimizer": "adam"}, "without an optimizer"),
    ],
)
def test_settings_that_our_networks_do_not_have(
    path: Path, refused: Refused, place: str, value: Any, words: str
) -> None:
    _change_config(path, _put(place, value))
    refused(path, words)


@pytest.mark.parametrize(
    ("network", "place", "value", "words"),
    [
        (FFN, "config/layers/2/config/units", 10**9, "received 1000000000"),
        (FFN, "config/layers/2/build_config/input_shape", [None, 10**9], "built for rows of (26,)"),
        (FFN, "config/layers/6/config/units", 2 * 10**8, "to put out 1 to 16777216 values a row"),
        (FFN, "config/layers/6/config/units", 10**7, "bytes of weights, as the layers need"),
        (FFN, "config/layers/6/config/units", 5, "/vars/0 to be float32 of shape (3, 5)"),
        (CNN, "config/layers/3/config/filters", 10**9, "received 1000000000"),
        (CNN, "config/layers/3/config/filters", 10**4, "to put out 1 to 16777216 values a row"),
        (CNN, "config/layers/3/config/kernel_size", [20_000, 20_000], "at most 500000000"),
        (CNN, "config/layers/3/config/strides", [10**9, 1], "strides of convolution_1"),
        (CNN, "config/layers/3/config/padding", "valid", "built for rows of (2, 19, 126)"),
        (CNN, "config/layers/2/config/target_shape", [10**9, 21, 128], "target_shape of image"),
        (CNN, "config/layers/7/config/pool_size", [10**9, 1], "pool_size of"),
    ],
)
def test_a_giant_that_is_announced_is_not_allocated(
    tmp_path: Path,
    refused: Refused,
    network: FFNConfig | CNNConfig,
    place: str,
    value: Any,
    words: str,
) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(_saved(network))

    _change_config(path, _put(place, value))
    tracemalloc.start()
    try:
        refused(path, words)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_json_that_is_none(path: Path, refused: Refused) -> None:
    parts = _parts(path)
    for content in (b"", b"{", b"[]", b"1", b"[" * 10**5, b"9" * 10**5, b"\xff\xfe{\x00}\x00"):
        _write(path, parts | {"config.json": content})
        refused(path, "cannot be loaded as a network")


# Archives.


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", ["metadata.json", "config.json", "model.weights.h5"])
def test_a_zip_bomb(path: Path, refused: Refused, name: str, method: int) -> None:
    parts = _parts(path)
    with zipfile.ZipFile(path, "w") as archive:
        for other, content in parts.items():
            if other == name:
                archive.writestr(other, bytes(2**24), compress_type=method)
            else:
                archive.writestr(other, content)
    tracemalloc.start()
    try:
        refused(path, "a compressed member")
        assert tracemalloc.get_traced_memory()[1] < 2**22
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
def test_an_announced_size(path: Path, refused: Refused, name: str, size: int, words: str) -> None:
    _patch_directory(path, name, 20, "<2L", size, size)
    refused(path, words)


def test_an_encrypted_member(path: Path, refused: Refused) -> None:
    _patch_directory(path, "config.json", 8, "<H", 1)
    refused(path, "an encrypted member")


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
def test_members_that_keras_does_not_write(
    path: Path, refused: Refused, names: list[str], tmp_path: Path
) -> None:
    parts = _parts(path)
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of names that are there twice
        for name in names:
            archive.writestr(name, parts.get(name, b"x"))
    refused(path, "the members metadata.json, config.json, model.weights.h5")
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]


def test_a_directory_of_many_members_is_not_read(path: Path, refused: Refused) -> None:
    _write(path, _parts(path) | {f"{number}": b"" for number in range(1000)})
    refused(path, "of three members")


def test_an_archive_of_the_kind_for_giants(path: Path, refused: Refused) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-22] + b"PK\6\7" + bytes(16) + content[-22:])
    refused(path, "of three members")


def test_truncated_files(path: Path, refused: Refused) -> None:
    content = path.read_bytes()
    for end in (0, 1, 21, 22, 100, 10_000, len(content) - 22, len(content) - 1):
        path.write_bytes(content[:end])
        refused(path, "a zip archive, as Keras saves it")
    path.write_bytes(content[1000:])
    refused(path, "cannot be loaded as a network")


def test_flipped_bits_are_noticed_or_harmless(path: Path) -> None:
    original, harmless = path.read_bytes(), 0
    places = np.random.default_rng(0).integers(0, len(original), 150).tolist()
    for place in [*places, *range(len(original) - 200, len(original), 3)]:
        content = bytearray(original)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        with contextlib.suppress(ConfigError):  # anything else would be a traceback for the user
            np.testing.assert_array_equal(logits_of(load_model(path), _rows(FFN)), _expected(FFN))
            harmless += 1
    assert 0 < harmless < 60


def test_no_model_file(path: Path, tmp_path: Path, refused: Refused) -> None:
    refused(tmp_path, "must be a model file. Received: a folder")
    refused(tmp_path / "none.keras", "must be a model file. Received: nothing")
    path.write_text("words")
    refused(path, "a zip archive, as Keras saves it, received b'words'")


# Weights.

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
        (_set("layers/dense_2/vars/0", VALUES), "members of /layers"),
        (_set("layers/dropout/vars/0", VALUES), "members of /layers/dropout/vars"),
        (_set("layers/dropout/seed_generator", VALUES), "members of /layers/dropout"),
        (_set("optimizer/vars/0", VALUES), "members of /"),
        (_set("vars/0", VALUES), "members of /vars"),
        (lambda file: [_remove("layers")(file), _set("layers", VALUES)(file)], "a group"),
    ],
)
def test_weights_that_keras_does_not_write(
    path: Path, refused: Refused, change: Callable[[h5py.File], object], words: str
) -> None:
    _change_weights(path, change)
    refused(path, words)


def test_links_to_groups_are_not_followed(path: Path, refused: Refused) -> None:
    original = path.read_bytes()
    for name in ("layers", "vars", "layers/dense", "layers/dense/vars"):
        for link in (h5py.SoftLink("/vars"), h5py.ExternalLink("/etc/hostname", "/")):
            path.write_bytes(original)
            _change_weights(path, _remove(name))
            _change_weights(path, _set(name, link))
            refused(path, f"received {type(link).__name__!r}")


def test_no_weights_file(path: Path, refused: Refused) -> None:
    parts = _parts(path)
    for content in (b"words" * 200, parts["model.weights.h5"][:-1000]):
        _write(path, parts | {"model.weights.h5": content})
        refused(path, "damaged")


def test_flipped_bits_of_the_weights_end_no_program(path: Path) -> None:
    parts, rng = _parts(path), np.random.default_rng(0)
    structure = len(parts["model.weights.h5"])
    for place in rng.integers(0, structure, 60).tolist():
        content = bytearray(parts["model.weights.h5"])
        content[place] = int(rng.integers(256))
        _write(path, parts | {"model.weights.h5": bytes(content)})
        with contextlib.suppress(ConfigError):
            load_model(path)
