import contextlib
from pathlib import Path

import numpy as np
import pytest

from data.errors import DataError
from data.sources.npy_folder import read_npy_folder

ROWS = {"train": 12, "val": 6, "test": 8}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for split, n in ROWS.items():
        for kind, shape in (("mfccs", (26,)), ("melgrams", (21, 128))):
            place = tmp_path / split / kind
            place.mkdir(parents=True)
            dtype = np.float64 if kind == "mfccs" else np.float32
            np.save(place / "X.npy", rng.standard_normal((n, *shape)).astype(dtype))
            np.save(place / "labels.npy", np.array(["rock", "blues"] * (n // 2)))
    return tmp_path


def _refused(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_npy_folder(folder, "x")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_rows_keep_their_order(folder: Path) -> None:
    dataset = read_npy_folder(folder, "x")
    assert dataset.genres == ("blues", "rock")
    assert dataset.test.label.tolist() == [1, 0] * 4
    np.testing.assert_array_equal(dataset.test.mfcc, np.load(folder / "test/mfccs/X.npy"))
    np.testing.assert_array_equal(dataset.test.mel, np.load(folder / "test/melgrams/X.npy"))
    assert set(dataset.train.track.tolist()) == {-1}
    assert dataset.provenance["is_source"] is False


def test_without_melgrams(folder: Path) -> None:
    for split in ROWS:
        for file in (folder / split / "melgrams").iterdir():
            file.unlink()
        (folder / split / "melgrams").rmdir()
    assert not read_npy_folder(folder, "x").has_mel


def test_melgrams_of_one_split_only(folder: Path) -> None:
    (folder / "test/melgrams/X.npy").unlink()
    assert "test/melgrams/X.npy is missing" in _refused(folder)


def test_no_folder(folder: Path) -> None:
    assert "is no folder" in _refused(folder / "none")


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "is missing. Expected the arrays" in _refused(tmp_path)


@pytest.mark.parametrize(
    ("file", "value", "words"),
    [
        ("train/mfccs/X.npy", np.zeros((12, 13)), "train mfcc (13,), mel (21, 128)"),
        ("train/mfccs/X.npy", np.zeros((12, 26), int), "floating point"),
        ("train/mfccs/X.npy", np.zeros(12), "shape (n, statistics)"),
        ("train/mfccs/X.npy", np.full((12, 26), np.nan), "train/mfccs/X.npy: mfcc must be finite"),
        ("test/mfccs/X.npy", np.full((8, 26), 1e300), "Row 0 (counted from 0) holds 1e+300"),
        ("test/melgrams/X.npy", np.full((8, 21, 128), -np.inf, np.float32), "holds -inf"),
        ("train/mfccs/labels.npy", np.array(["rock"] * 11), "11 labels, X.npy beside it 12 rows"),
        ("train/mfccs/labels.npy", np.arange(12), "must hold one genre name a row"),
        ("train/mfccs/labels.npy", np.array(["rock"] * 12), "2 to 1000 genres"),
        ("test/mfccs/labels.npy", np.array(["rock", "jazz"] * 4), "differ"),
    ],
)
def test_arrays_that_cannot_be(folder: Path, file: str, value: np.ndarray, words: str) -> None:
    np.save(folder / file, value)
    assert words in _refused(folder)


def test_a_class_in_test_only(folder: Path) -> None:
    for kind in ("mfccs", "melgrams"):
        np.save(folder / "test" / kind / "labels.npy", np.array(["rock", "jazz"] * 4))
    message = _refused(folder)
    assert "test/mfccs/labels.npy has the genre 'jazz'" in message
    assert "blues, rock" in message


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("/tmp/genre-tui-trap"),))


def test_pickles_are_refused_and_not_run(folder: Path) -> None:
    np.save(folder / "train/mfccs/X.npy", np.array([Trap()] * 12), allow_pickle=True)
    assert "pickled objects" in _refused(folder)
    assert not Path("/tmp/genre-tui-trap").exists()


def test_a_cut_file(folder: Path) -> None:
    path = folder / "train/mfccs/X.npy"
    path.write_bytes(path.read_bytes()[:-8])
    assert "cut short" in _refused(folder)


@pytest.mark.parametrize(
    "shape", ["(-1, 26)", "(True,26)", "(1e3,26)", "[" * 9, "-" * 9, "(12, 26", "None    "]
)
def test_a_header_that_makes_no_sense(folder: Path, shape: str) -> None:
    path = folder / "train/mfccs/X.npy"
    content = path.read_bytes()
    assert b"(12, 26)" in content
    path.write_bytes(content.replace(b"(12, 26)", shape.encode()))
    assert str(path) in _refused(folder)


def test_headers_with_flipped_bytes_are_refused_or_read(folder: Path) -> None:
    path = folder / "train/mfccs/X.npy"
    original = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        content = bytearray(original)
        for place in rng.integers(6, 128, 2).tolist():
            content[place] = int(rng.choice(list(b"()[]{}'\"-,:0 \\\xff")))
        path.write_bytes(content)
        with contextlib.suppress(DataError):  # anything else would be a traceback for the user
            read_npy_folder(folder, "x")


def test_a_single_value(folder: Path) -> None:
    np.save(folder / "train/mfccs/X.npy", np.float64(1))
    assert "Received: a single value" in _refused(folder)


def test_melgrams_can_be_left_aside(folder: Path) -> None:
    (folder / "test/melgrams/X.npy").unlink()
    assert not read_npy_folder(folder, "x", with_mel=False).has_mel


@pytest.mark.parametrize("content", [b"", b"words"])
def test_no_array_file(folder: Path, content: bytes) -> None:
    (folder / "train/mfccs/X.npy").write_bytes(content)
    assert "no NumPy array file" in _refused(folder)


def test_a_huge_announced_shape_is_refused_before_allocation(folder: Path) -> None:
    path = folder / "train/mfccs/X.npy"
    content = path.read_bytes()
    path.write_bytes(
        content.replace(b"(12, 26)", b"(99999999999999, 26)").replace(b" " * 12, b"", 1)
    )
    assert str(path) in _refused(folder)
