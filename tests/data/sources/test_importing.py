"""Labelled arrays of others: what is recognised, what it becomes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from data import DataError, import_dataset, load_dataset
from data.sources.labelled_rows import scale_advice
from tests.support.foreign import imported, refused

Arrays = dict[str, npt.NDArray[Any]]
ROWS = {"train": 12, "val": 6, "test": 8}


def _npz(path: Path, arrays: Arrays) -> Path:
    np.savez(path / "x.npz", **arrays)  # type: ignore[arg-type]
    return path / "x.npz"


def _compressed(path: Path, arrays: Arrays) -> Path:
    np.savez_compressed(path / "x.npz", **arrays)  # type: ignore[arg-type]
    return path / "x.npz"


def _npy(path: Path, arrays: Arrays) -> Path:
    for name, values in arrays.items():
        file = path / "folder" / f"{name}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, values)
    return path / "folder"


def _h5(path: Path, arrays: Arrays, **options: Any) -> Path:
    with h5py.File(path / "x.h5", "w") as file:
        for name, values in arrays.items():
            text = values.dtype.kind == "U"
            data = values.astype(object) if text else values
            dtype = h5py.string_dtype() if text else None
            file.create_dataset(name, data=data, dtype=dtype, **options)
    return path / "x.h5"


def _chunked(path: Path, arrays: Arrays) -> Path:
    return _h5(path, arrays, compression="gzip", chunks=True)


FORMS = [_npz, _compressed, _npy, _h5, _chunked]


def _rows(n: int, shape: tuple[int, ...] = (5,), seed: int = 0) -> npt.NDArray[Any]:
    return np.random.default_rng([seed, n]).standard_normal((n, *shape))


def _labels(n: int) -> npt.NDArray[Any]:
    return np.array(["rock", "blues"] * (n // 2))


def _three(x: str, y: str, shape: tuple[int, ...] = (5,)) -> Arrays:
    """Arrays of three splits, whose names have a {} for the split's."""
    arrays: Arrays = {}
    for split, n in ROWS.items():
        arrays[x.format(split)], arrays[y.format(split)] = _rows(n, shape), _labels(n)
    return arrays


def _one(shape: tuple[int, ...] = (5,), n: int = 24, **more: npt.NDArray[Any]) -> Arrays:
    """One set of rows, four to a track."""
    tracks = np.repeat(np.arange(n // 4), 4)
    labels = np.array(["rock", "blues"])[tracks % 2]
    return {"X": _rows(n, shape), "y": labels, "groups": tracks} | more


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("X_{}", "y_{}"),
        ("{}_x", "{}_y"),
        ("x{}", "y{}"),
        ("{}X", "{}Y"),
        ("{}_data", "{}_labels"),
        ("{}_features", "{}_targets"),
        ("data_{}_input_mfcc", "data_{}_target"),
        ("{}/X", "{}/y"),
        ("{}/features", "{}/labels"),
        ("{}/data", "{}/label"),
        ("mel_spec_{}", "genres_{}"),
    ],
)
def test_names_that_people_use(
    tmp_path: Path, form: Callable[[Path, Arrays], Path], x: str, y: str
) -> None:
    dataset = imported(form(tmp_path, _three(x, y))).dataset
    assert dataset.genres == ("blues", "rock")
    for split, rows in zip(ROWS, (dataset.train, dataset.validation, dataset.test), strict=True):
        np.testing.assert_array_equal(rows.mfcc, _rows(ROWS[split]))
        assert rows.label.tolist() == [1, 0] * (ROWS[split] // 2)
        assert rows.mel is None
    assert dataset.track_names == ()
    assert dataset.parameters is None


@pytest.mark.parametrize("split", ["val", "valid", "validation", "dev"])
def test_a_folder_of_archives(tmp_path: Path, split: str) -> None:
    for name, n in ROWS.items():
        file = tmp_path / f"{split if name == 'val' else name}.npz"
        np.savez(file, x=_rows(n), y=_labels(n))
    dataset = imported(tmp_path).dataset
    np.testing.assert_array_equal(dataset.validation.mfcc, _rows(ROWS["val"]))


def test_vectors_and_images_of_the_same_rows(tmp_path: Path) -> None:
    arrays = _three("{}/mfcc", "{}/y") | _three("{}/mels", "{}/y", (9, 4))
    report = imported(_npz(tmp_path, arrays))
    assert report.dataset.shapes == {"mfcc": (5,), "mel": (9, 4)}
    assert report.dataset.provenance["features"]["mfcc"] == "5 columns"
    assert "train/mels: images of 9 time steps x 4 features; the first axis" in " ".join(
        report.notes
    )


def test_without_validation_rows_some_of_the_train_tracks_are_taken(tmp_path: Path) -> None:
    tracks = np.repeat(np.arange(16), 2)
    labels = np.array(["a", "b"])[tracks % 2]
    arrays = {
        "x_train": _rows(32),
        "y_train": labels,
        "track_ids_train": tracks,
        "x_test": _rows(8),
        "y_test": np.array(["a", "b"] * 4),
    }
    dataset = imported(_npz(tmp_path, arrays)).dataset
    assert len(dataset.train) + len(dataset.validation) == 32
    assert 2 <= len(dataset.validation) <= 10
    np.testing.assert_array_equal(dataset.test.mfcc, _rows(8))
    assert not set(dataset.train.track) & set(dataset.validation.track)
    assert dataset.provenance["split"].startswith("the files, but")


# One set of rows.


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_split_by_their_tracks(
    tmp_path: Path, form: Callable[[Path, Arrays], Path]
) -> None:
    report = imported(form(tmp_path, _one()))
    dataset = report.dataset
    assert dataset.track_names == ("0", "1", "2", "3", "4", "5")
    assert [len(rows) for _, rows in dataset.splits()] == [8, 8, 8]
    assert report.warnings == ()
    assert dataset.provenance["split"]["by"] == "tracks"
    for _, rows in dataset.splits():
        expected = _rows(24)[rows.track[0] * 4]
        np.testing.assert_array_equal(rows.mfcc[0], expected)  # type: ignore[index]


def test_artists_of_tracks(tmp_path: Path) -> None:
    path = _npz(tmp_path, _one(artist=np.array(["x", "x", "y"]).repeat(8)))
    dataset = imported(path).dataset
    assert dataset.track_artists == ("x", "x", "x", "x", "y", "y")


def test_the_split_is_that_of_seed_and_shares(tmp_path: Path) -> None:
    path = _npz(tmp_path, _one(n=160))
    first, again = (imported(path, seed=1).dataset.content_sha256 for _ in range(2))
    assert first == again != imported(path).dataset.content_sha256
    dataset = imported(path, shares=(0.4, 0.3, 0.3)).dataset
    assert [len(rows) for _, rows in dataset.splits()] == [64, 48, 48]


@pytest.mark.parametrize("suffix", [".npy", ".txt"])
def test_groups_in_a_file_of_their_own(tmp_path: Path, suffix: str) -> None:
    arrays = _one()
    tracks = [f"song {track}" for track in arrays.pop("groups")]
    if suffix == ".npy":
        np.save(tmp_path / "g.npy", np.array(tracks))
    else:
        (tmp_path / "g.txt").write_text("\n".join(tracks))
    path = _npz(tmp_path, arrays)
    dataset = imported(path, groups=str(tmp_path / f"g{suffix}")).dataset
    assert dataset.track_names == tuple(f"song {track}" for track in range(6))
    np.save(tmp_path / "g.npy", np.arange(23))
    assert "and the groups are of 23: one a row is needed" in refused(
        path, groups=tmp_path / "g.npy"
    )


def test_groups_by_the_name_of_an_array(tmp_path: Path) -> None:
    arrays = _one()
    arrays["who"] = arrays.pop("groups")
    path = _npz(tmp_path, arrays)
    assert imported(path, groups="who").dataset.track_names
    assert imported(path, columns={"track": "who"}).dataset.track_names
    assert "has no array 'whom'. There are: X (24, 5), y (24)" in refused(path, groups="whom")


def test_rows_without_tracks_come_with_a_warning(tmp_path: Path) -> None:
    arrays = _one()
    del arrays["groups"]
    report = imported(_npz(tmp_path, arrays))
    assert report.dataset.track_names == ()
    assert "single rows were split by chance" in report.warnings[0]
    assert "--groups" in report.warnings[0]


def test_an_array_of_splits(tmp_path: Path) -> None:
    split = np.array(["train", "train", "train", "val", "test", "test"]).repeat(4)
    path = _npz(tmp_path, _one(split=split))
    dataset = imported(path).dataset
    assert [len(rows) for _, rows in dataset.splits()] == [12, 4, 8]
    assert "are split already" in refused(path, seed=3)
    assert "must hold train, validation or test. Received: 'fold1'" in refused(
        _npz(tmp_path, _one(split=np.array(["fold1"] * 24)))
    )


def test_files_of_segments_are_grouped_by_their_tracks(tmp_path: Path) -> None:
    names = [f"{g}.{k:05d}.{s}.wav" for g in ("blues", "rock") for k in range(4) for s in range(3)]
    labels = np.array([name.split(".")[0] for name in names])
    path = _npz(tmp_path, {"X": _rows(24), "y": labels, "filenames": np.array(names)})
    report = imported(path)
    assert len(report.dataset.track_names) == 8
    assert "8 tracks: blues.00000.0.wav is segment 0 of blues.00000." in report.notes
    arrays = {"X_train": _rows(12), "X_val": _rows(6), "X_test": _rows(6)}
    for split, of in (
        ("train", slice(0, 24, 2)),
        ("val", slice(1, 24, 4)),
        ("test", slice(3, 24, 4)),
    ):
        arrays |= {f"y_{split}": labels[of], f"filenames_{split}": np.array(names)[of]}
    assert "no track may be in two splits" in refused(_npz(tmp_path, arrays))


def test_labels_without_their_features_are_not_used(tmp_path: Path) -> None:
    arrays = _three("X_{}", "y_{}") | {"X_mean": np.zeros(5)}
    del arrays["X_val"]
    report = imported(_npz(tmp_path, arrays))
    assert "Not used: y_val (6), X_mean (5)." in report.notes
    assert imported(_npz(tmp_path, _one(X_mean=np.zeros(5)))).dataset.shapes == {"mfcc": (5,)}


def test_two_arrays_whose_names_say_nothing(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", _rows(24), _labels(24))
    assert imported(tmp_path / "x.npz").dataset.shapes == {"mfcc": (5,)}


def test_names_that_are_stated(tmp_path: Path) -> None:
    arrays = {"a": _rows(24), "b": _rows(24, (3,)), "c": _labels(24)}
    path = _npz(tmp_path, arrays)
    assert "has no array of features. Expected X_train" in refused(path)
    only = _npz(tmp_path, {"b": _rows(24, (3,)), "c": _labels(24)})
    assert imported(only).dataset.shapes == {"mfcc": (3,)}
    path = _npz(tmp_path, arrays)
    dataset = imported(path, columns={"features": "b", "label": "c"}).dataset
    assert dataset.shapes == {"mfcc": (3,)}
    path = _h5(tmp_path, _three("{}/specs", "{}/kind", (9, 4)))
    names = {"features": "specs", "label": "kind"}
    assert imported(path, columns=names).dataset.shapes == {"mel": (9, 4)}


# What labels are.


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "labels",
    [
        np.array([2, 0, 1] * 8),
        np.array([2, 0, 1] * 8, dtype=np.uint8)[:, None],
        np.array([2.0, 0.0, 1.0] * 8, dtype=np.float32),
        np.eye(3)[[2, 0, 1] * 8],
        np.eye(3, dtype=bool)[[2, 0, 1] * 8],
        np.array(["rock", "jazz", "blues"] * 8),
        np.array([b"rock", b"jazz", b"blues"] * 8),
        np.array(["rock", "jazz", "blues"] * 8)[:, None],
    ],
)
def test_kinds_of_labels(
    tmp_path: Path, form: Callable[[Path, Arrays], Path], labels: npt.NDArray[Any]
) -> None:
    path = form(tmp_path, {"X": _rows(24), "y": labels})
    dataset = imported(path, classes=["jazz", "blues", "rock"]).dataset
    assert dataset.genres == ("jazz", "blues", "rock")  # numbered as the labels
    for _, rows in dataset.splits():
        for features, label in zip(rows.mfcc, rows.label, strict=True):  # type: ignore[arg-type]
            row = np.flatnonzero((_rows(24) == features).all(axis=1))[0]
            assert label == [2, 0, 1][row % 3]


@pytest.mark.parametrize("name", ["classes", "class_names", "label_names", "genres"])
def test_classes_in_an_array(tmp_path: Path, name: str) -> None:
    arrays = {"X": _rows(24), "y": np.array([0, 1] * 12), name: np.array(["b", "a"])}
    for form in FORMS:
        assert imported(form(tmp_path, arrays)).dataset.genres == ("b", "a")


def test_classes_in_a_file(tmp_path: Path) -> None:
    path = _npz(tmp_path, {"X": _rows(24), "y": np.array([0, 1] * 12)})
    (tmp_path / "classes.txt").write_text("rock\nblues\n\nunused\n", encoding="utf-8-sig")
    report = imported(path, classes=str(tmp_path / "classes.txt"))
    assert report.dataset.genres == ("rock", "blues")
    assert "No row has the class unused: left out." in report.notes


@pytest.mark.parametrize(
    ("labels", "classes", "words"),
    [
        (np.arange(24) % 3, None, "numbers its classes from 0 to 2: name them in that order"),
        (np.arange(24) % 3, ["a", "b"], "has the class 2. Received the names of 2 classes, which"),
        (np.arange(24) % 3 - 1, ["a", "b"], "has the class -1"),
        (np.eye(3)[np.arange(24) % 3], ["a", "b"], "has 3 columns, one a class. Received 2"),
        (np.ones((24, 3)), ["a", "b", "c"], "a single 1 and else 0 in a row"),
        (np.eye(3)[np.arange(24) % 3] * 0.5, ["a", "b", "c"], "Row 0 (counted from 0) holds"),
        (np.linspace(0, 1, 24), ["a", "b"], "as whole numbers"),
        (np.full(24, np.nan), ["a", "b"], "as whole numbers"),
        (np.zeros(24, complex), ["a", "b"], "Received: complex128"),
        (np.zeros((24, 2, 2)), ["a", "b"], "Received: float64 of shape (24, 2, 2)"),
        (np.array(["a", "c"] * 12), ["a", "b"], "has the class 'c', which is none of the classes"),
        (np.array(["a", "b"] * 11), None, "has 22 rows, the features 24"),
        (np.array(["a"] * 24), None, "2 to 1000 genres"),
        (np.array(["a", " "] * 12), None, "must be 1 to 100 printable characters"),
        (np.array([b"a", b"\xff"] * 12), None, "has text that is not UTF-8"),
    ],
)
def test_labels_that_cannot_be(
    tmp_path: Path, labels: npt.NDArray[Any], classes: list[str] | None, words: str
) -> None:
    for form in FORMS:
        assert words in refused(form(tmp_path, {"X": _rows(24), "y": labels}), classes=classes)


def test_one_spelling_of_classes(tmp_path: Path) -> None:
    labels = np.array(["cafe\u0301", " caf\u00e9 ", "hip  hop", "hip hop"] * 6)
    path = _npz(tmp_path, {"X": _rows(24), "y": labels})
    assert imported(path).dataset.genres == ("caf\u00e9", "hip hop")
    assert imported(path, classes=["hip hop", "cafe\u0301"]).dataset.genres[0] == "hip hop"
    path = _npz(tmp_path, {"X": _rows(24), "y": np.array(["Rock", "rock"] * 12)})
    assert "'Rock' and 'rock' differ in case only: give them one name." in refused(path)


# What features are.


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "i1", "u1", "i4", "u8", "?"])
def test_kinds_of_numbers(tmp_path: Path, dtype: str) -> None:
    values = (_rows(24, (9, 4)) * 3).astype(np.int8).astype(dtype)
    for form in FORMS:
        dataset = imported(form(tmp_path, _one() | {"X": values})).dataset
        assert dataset.train.mel is not None
        assert dataset.train.mel.dtype == np.float32
        expected = values[dataset.train.track[0] * 4].astype(np.float32)
        assert dataset.train.mel[0].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("shape", "transpose", "kind", "row"),
    [
        ((7,), False, "mfcc", (7,)),
        ((7, 1), False, "mfcc", (7,)),
        ((1, 7), False, "mfcc", (7,)),
        ((9, 4), False, "mel", (9, 4)),
        ((9, 4, 1), False, "mel", (9, 4)),
        ((1, 9, 4), False, "mel", (9, 4)),
        ((9, 4), True, "mel", (4, 9)),
        ((1, 9, 4), True, "mel", (4, 9)),
    ],
)
def test_axes(
    tmp_path: Path, shape: tuple[int, ...], transpose: bool, kind: str, row: tuple[int, ...]
) -> None:
    arrays = _one(shape)
    report = imported(_npz(tmp_path, arrays), transpose=transpose)
    assert report.dataset.shapes == {kind: row}
    values = getattr(report.dataset.train, kind)[0]
    stored = arrays["X"][report.dataset.train.track[0] * 4].squeeze()
    np.testing.assert_allclose(values, stored.T if transpose else stored, rtol=1e-6)
    note = report.notes[0]
    assert ("one channel dropped" in note) == (1 in shape)
    assert ("transposed" in note) == transpose


def test_an_order_of_axes_that_looks_wrong_is_mentioned(tmp_path: Path) -> None:
    path = _npz(tmp_path, _one((64, 33)))
    assert "64 is a usual number of features, so use --transpose" in imported(path).notes[0]
    path = _npz(tmp_path, _one((33, 64)))
    assert "usual" not in imported(path).notes[0]


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (np.zeros(24), "must have the shape (n, d), (n, t, f)"),
        (np.zeros((24, 9, 4, 3)), "has several channels: keep one"),
        (np.zeros((24, 0)), "Received: (24, 0)"),
        (np.zeros((0, 5)), "Received: (0, 5)"),
        (np.zeros((24, 5), complex), "Received: complex128: take the magnitude"),
        (np.full((24, 5), "a"), "must be real numbers"),
        (np.zeros((24, 5), "M8[s]"), "must be real numbers"),
        (np.zeros(24, [("a", "f4"), ("b", "f4")]), "must have the shape"),
        (np.full((24, 5), np.nan), "X must be finite numbers"),
        (np.where(np.arange(120).reshape(24, 5) == 117, np.inf, 0.0), "Row 23 (counted from 0)"),
        (np.full((24, 5), 1e39), "within the range of float32"),
        (np.zeros((24, 1025, 1025), "u1"), "values a row"),
    ],
)
def test_features_that_cannot_be(tmp_path: Path, features: npt.NDArray[Any], words: str) -> None:
    assert words in refused(_npz(tmp_path, _one() | {"X": features}))


def test_splits_of_different_widths(tmp_path: Path) -> None:
    arrays = _three("X_{}", "y_{}") | {"X_test": _rows(8, (6,))}
    assert "must have the same features, of the same shapes" in refused(_npz(tmp_path, arrays))


def test_vectors_have_nothing_to_transpose(tmp_path: Path) -> None:
    assert "leave transpose out" in refused(_npz(tmp_path, _one()), transpose=True)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"X": _rows(24)}, "such as y or labels, for the features X (24, 5). Found: none."),
        ({"y": _labels(24)}, "has no array of features"),
        ({"X": _rows(24), "mfcc": _rows(24), "y": _labels(24)}, "has two arrays of features"),
        (_three("X_{}", "y_{}") | {"X_test": _rows(8)[:0]}, "at least one row"),
        ({k: v for k, v in _three("X_{}", "y_{}").items() if "test" not in k}, "but none of test"),
        (_one(groups=np.arange(23)), "groups has 23 rows, the features 24"),
        (_one(groups=np.zeros(24)), "must hold a name for each row"),
        (_one(start=np.arange(24.0)[:, None]), "the second at which each row begins"),
        (_one(start=-np.arange(24.0)), "start must be finite seconds"),
        (_one(groups=np.array(["", "a"] * 12)), "the name of a track must be 1 to 1000"),
        (_one(groups=np.array(["\ud800", "a"] * 12)), "the name of a track must be 1 to 1000"),
        ({"X": _rows(24), "y": _labels(24), "labels": _labels(24)}, "Found: y (24), labels (24)."),
        (_one() | {"X_train": _rows(12)}, "has train rows, but none of test."),
        ({}, "has no array of features"),
    ],
)
def test_arrays_that_make_no_dataset(tmp_path: Path, arrays: Arrays, words: str) -> None:
    assert words in refused(_npz(tmp_path, arrays))


def test_a_track_in_two_splits_is_refused(tmp_path: Path) -> None:
    arrays = _three("X_{}", "y_{}")
    arrays |= {f"tracks_{split}": np.zeros(n, int) for split, n in ROWS.items()}
    assert "the track 0 is in train and validation" in refused(_npz(tmp_path, arrays))


# What to say of them.


def test_columns_of_different_scales_need_standardisation(tmp_path: Path) -> None:
    values = _rows(24) * [1e-5, 1, 1, 1e6, 1]
    dataset = imported(_npz(tmp_path, _one() | {"X": values})).dataset
    assert "--vary network.standardize=true" in str(scale_advice(dataset))
    power = imported(_npz(tmp_path, _one() | {"X": _rows(24, (9, 4)) * 1e6})).dataset
    assert "values to" in str(scale_advice(power))
    for modest in (_rows(24), _rows(24, (9, 4)), np.zeros((24, 5))):
        assert scale_advice(imported(_npz(tmp_path, _one() | {"X": modest})).dataset) is None


def test_a_dataset_from_python(tmp_path: Path) -> None:
    arrays = _one(start=np.tile([0.0, 3.0, 6.0, 9.0], 6))
    dataset = import_dataset(_npz(tmp_path, arrays), "mine", shares=(0.4, 0.3, 0.3))
    read = load_dataset("mine")
    assert read.content_sha256 == dataset.content_sha256
    assert read.train.start is not None
    assert read.train.start[:4].tolist() == [0, 3, 6, 9]
    with pytest.raises(DataError, match="there is a dataset 'mine' already"):
        import_dataset(tmp_path / "x.npz", "mine")
    del arrays["groups"]
    with pytest.warns(UserWarning, match="single rows were split by chance"):
        import_dataset(str(_npz(tmp_path, arrays)), replace=True)
    assert len(load_dataset("x").train) == 14


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": 3}, "path must be a path"),
        ({"path": "folder"}, "has no arrays, but a table: name it, such as folder/x.csv"),
        ({"path": "none.npz"}, "there is no file or folder"),
        ({"columns": {"colour": "x"}}, "columns must give the names of features, label"),
        ({"columns": ["label"]}, "columns must give"),
        ({"columns": {"label": 3}}, "columns must give"),
        ({"classes": 3}, "classes must be a path"),
        ({"classes": "nowhere.txt"}, "cannot be read as a file of classes, one name a line"),
        ({"groups": 3}, "groups must be a path"),
        ({"shares": (1, 2)}, "shares must be three positive numbers"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"name": "No Name"}, "a dataset's name must be"),
    ],
)
def test_arguments_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Mapping[str, Any], words: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.csv").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        import_dataset(**{"path": _npz(tmp_path, _one()), **options})
    assert words in str(caught.value)
