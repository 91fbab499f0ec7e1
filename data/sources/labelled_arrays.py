"""Labelled arrays of any width: which array is what, which axis is what, which class a label is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from data.audio.parameters import Features
from data.datasets.dataset import SplitName, check_finite
from data.datasets.source_dataset import git_blob_id
from data.datasets.splitting import SPLIT_WORDS
from data.errors import DataError
from data.sources.array_files import StoredArray, find_arrays
from data.sources.labelled_rows import FoundRows, LabelledRows, columns_in_words
from data.sources.names import genre_name

Role = Literal["features", "label", "classes", "track", "artist", "start", "split"]
ROLES: tuple[Role, ...] = get_args(Role)

# Words in what people call their arrays. A name has the first of these roles that it has a
# word of: `track_labels` are labels, and `data` says least.
_WORDS: tuple[tuple[Role, str], ...] = (
    ("classes", "classes categories mapping"),
    ("label", "y label lab target genre output class"),
    (
        "features",
        "x feature feat input mfcc mel melgram melspec melspectrogram logmel spectrogram spec "
        "image img embedding chroma",
    ),
    ("track", "group track song file filename clip recording"),
    ("artist", "artist performer"),
    ("start", "start offset"),
    ("features", "data"),
)
_KNOWN = {word for _, words in _WORDS for word in words.split()}
_NAMING = {"name", "names", "list"}  # labels' names are the classes
_BANDS = {12, 13, 20, 26, 32, 40, 64, 80, 96, 128, 229, 256}  # usual numbers of features of a frame
_EXPECTED = (
    "Expected X_train, y_train, X_val, y_val, X_test and y_test, or X and y to be split here, in a "
    ".npz or HDF5 file, or as .npy files in a folder or in its folders train, val and test. Name "
    "others with --columns features=NAME,label=NAME"
)

_Roles = dict[Role, list[StoredArray]]
_Found = tuple[StoredArray, SplitName | None, Role]


def read_arrays(
    path: Path,
    *,
    classes: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    names: Mapping[Role, str] | None = None,
    transpose: bool = False,
) -> FoundRows:
    """Labelled rows in .npy, .npz, HDF5 or JSON files.

    Args:
        path: a file, or a folder of them.
        classes: names of the classes that labels number from 0, or that they must be of.
        groups: the track of each row of arrays that are split here.
        names: of arrays by their role, where they are not recognised.
        transpose: images are (n, f, t), not (n, t, f).

    Raises:
        DataError: there are no such arrays, or they do not fit each other.
    """
    arrays = find_arrays(path)
    sets, unused = _by_split(path, arrays, names or {})
    notes: dict[str, None] = {}  # an ordered set
    described: dict[str, str] = {}
    read: dict[SplitName | None, LabelledRows] = {}
    used: set[Path] = set()
    if classes is None:
        classes = _stored_classes(sets)
    for split, roles in sets.items():
        features: dict[Features, npt.NDArray[Any]] = {}
        n = roles["features"][0].shape[0]
        for kind, array in _features(path, roles["features"]).items():
            features[kind], described[kind] = _rows(array, n, transpose)
            notes[f"{array.name}: {described[kind]}."] = None
            used.add(array.path)
        if transpose and "mel" not in features:
            raise DataError(
                f"{path} holds vectors, which have no axes to transpose: leave transpose out."
            )
        label = _label(path, roles, n)
        used.add(label.path)
        stated = _texts_of(roles, "split", n)
        read[split] = LabelledRows(
            where=f"{'' if split is None else f'{split} '}rows of {path}",
            features=features,
            labels=class_names(label.where, _counted(label, n), classes),
            tracks=_texts_of(roles, "track", n) if groups is None else groups,
            artists=_texts_of(roles, "artist", n),
            start=_seconds(roles["start"][0], n) if "start" in roles else None,
            split=None if stated is None else split_names(roles["split"][0].where, stated),
        )
    if groups is not None and None not in read:
        raise DataError(f"{path} is split already: groups are for rows that are split here.")
    if unused:
        notes[f"Not used: {listed(unused)}."] = None
    provenance = {
        "kind": "arrays",
        "folder": path.resolve().name,
        "files": {
            str(file.relative_to(path)) if path.is_dir() else file.name: git_blob_id(file)
            for file in sorted(used)
        },
        "features": described,
    }
    return FoundRows(read, None if classes is None else tuple(classes), provenance, tuple(notes))


# Which array is what.


def _words_of(name: str) -> list[str]:
    """The words of a name in lower case: of trainX and Xtrain x and train, of labels label."""
    words = []
    for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name):
        words += _parted(word.lower())
    return words


def _parted(word: str) -> list[str]:
    if word in SPLIT_WORDS or word in _KNOWN:
        return [word]
    if word.removesuffix("s") in _KNOWN:
        return [word.removesuffix("s")]
    for split in sorted(SPLIT_WORDS, key=len, reverse=True):
        rests = word.removeprefix(split), word.removesuffix(split)
        for rest in rests:
            if rest != word and (rest in _KNOWN or rest.removesuffix("s") in _KNOWN):
                return [split, *_parted(rest)]
    return [word]


def _without_split(name: str) -> list[str]:
    return [word for word in _words_of(name) if word not in SPLIT_WORDS]


def _split_of(name: str) -> SplitName | None:
    for part in reversed(name.split("/")):
        for word in _words_of(part):
            if word in SPLIT_WORDS:
                return SPLIT_WORDS[word]
    return None


def _role_of(name: str) -> Role | None:
    for part in reversed(name.split("/")):
        words = set(_words_of(part))
        if words == {"split"}:
            return "split"
        for role, known in _WORDS:
            if words & set(known.split()):
                if role in ("label", "features") and words & _NAMING:
                    return "classes" if role == "label" else None
                return role
    return None


def _by_split(
    path: Path, arrays: Sequence[StoredArray], names: Mapping[Role, str]
) -> tuple[dict[SplitName | None, _Roles], list[StoredArray]]:
    """The arrays of each split by their role, those of all rows under None; those without one."""
    named = {role: _named(path, arrays, name) for role, name in names.items()}
    found: list[_Found] = []
    for array in arrays:
        given = next((role for role, those in named.items() if array in those), None)
        own = _role_of(array.name)
        role = given or (None if own in named else own)
        if role is not None and array.shape:
            found.append((array, _split_of(array.name), role))
    found += _by_shape(arrays, found, "features")
    found += _by_shape(arrays, found, "label")
    splits = {split for _, split, role in found if role == "features"}
    if not splits:
        raise DataError(f"{path} has no array of features. {_EXPECTED}. Found: {listed(arrays)}.")
    apart = len(splits) > 1
    if apart and (missing := {"train", "test"} - splits):
        raise DataError(
            f"{path} has {' and '.join(sorted(filter(None, splits)))} rows, but none of "
            f"{min(missing)}. {_EXPECTED}. Found: {listed(arrays)}."
        )
    sets: dict[SplitName | None, _Roles] = defaultdict(lambda: defaultdict(list))
    for array, split, role in found:
        if role == "classes":
            for each in splits if apart else {None}:
                sets[each]["classes"].append(array)
        elif not apart or split is not None:
            sets[split if apart else None][role].append(array)
    sets = {split: roles for split, roles in sets.items() if "features" in roles}
    for roles in sets.values():  # X_mean and the like are no features of rows
        roles["features"] = [a for a in roles["features"] if len(a.shape) > 1] or roles["features"]
    used = {array.name for roles in sets.values() for those in roles.values() for array in those}
    return sets, [array for array in arrays if array.name not in used]


def _named(path: Path, arrays: Sequence[StoredArray], name: str) -> list[StoredArray]:
    """The arrays of a name, or of that name with a split's, such as train/specs of specs."""
    named = [array for array in arrays if array.name == name] or [
        array for array in arrays if _without_split(array.name) == _without_split(name)
    ]
    if not named:
        raise DataError(f"{path} has no array {name!r}. There are: {listed(arrays)}.")
    return named


def _by_shape(arrays: Sequence[StoredArray], found: Sequence[_Found], role: Role) -> list[_Found]:
    """Features or labels of the only arrays that may be such, such as arr_0 and arr_1."""
    if any(role == other for *_, other in found):
        return []
    known = {array.name for array, *_ in found}
    rows = {array.shape[0] for array, _, other in found if other == "features"}
    alike = defaultdict(list)
    for array in arrays:
        is_label = len(array.shape) == 1 and array.shape[0] in rows
        fits = is_label if role == "label" else len(array.shape) > 1
        if fits and array.name not in known:
            alike[tuple(_without_split(array.name))].append(array)
    only = next(iter(alike.values())) if len(alike) == 1 else []
    return [(array, _split_of(array.name), role) for array in only]


def _features(path: Path, arrays: Sequence[StoredArray]) -> dict[Features, StoredArray]:
    """The arrays of vectors and of images, at most one of each."""
    kinds: dict[Features, StoredArray] = {}
    for array in arrays:
        kind: Features = "mfcc" if len(_without_channel(array.shape)[0]) == 2 else "mel"
        if kind in kinds:
            raise DataError(
                f"{path} has two arrays of features, {kinds[kind]} and {array}: name one of them "
                "with --columns features=NAME."
            )
        kinds[kind] = array
    return kinds


def _label(path: Path, roles: _Roles, n: int) -> StoredArray:
    labels = roles["label"] or [array for array in roles["classes"] if array.shape[0] == n]
    if len(labels) > 1:  # the names of the classes may be called genres, too
        labels = [array for array in labels if array.shape[0] == n]
    if len(labels) != 1:
        raise DataError(
            f"{path} needs one array of labels, such as y or labels, for the features "
            f"{listed(roles['features'])}. Found: {listed(labels)}. Name it with --columns "
            f"label=NAME{', or name the folder of both' * (path.suffix == '.npy')}."
        )
    return labels[0]


def _stored_classes(sets: Mapping[SplitName | None, _Roles]) -> list[str] | None:
    """The names of the classes, where there is an array of them beside the labels."""
    for roles in sets.values():
        n = roles["features"][0].shape[0]
        for array in [*roles["classes"], *roles["label"]]:
            if array.shape[0] != n and len(array.shape) == 1 and array.dtype.kind in "USO":
                return [*map(genre_name, texts(array.where, array.read()))]
    return None


def listed(items: Sequence[object], most: int = 12) -> str:
    """The first of some arrays or names, for a sentence."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return (", ".join(str(item) or "(no name)" for item in items[:most]) or "none") + more


# Which axis is what.


def _without_channel(shape: tuple[int, ...]) -> tuple[tuple[int, ...], int | None]:
    """A shape without its axis of one channel, and the place of that axis."""
    for axis in (len(shape) - 1, 1):
        if len(shape) > 2 and shape[axis] == 1:
            return (*shape[:axis], *shape[axis + 1 :]), axis
    return shape, None


def _rows(array: StoredArray, n: int, transpose: bool) -> tuple[npt.NDArray[Any], str]:
    """The vectors or images of an array, as datasets have them, and what was taken for what."""
    where, dtype = array.where, array.dtype
    shape, axis = _without_channel(array.shape)
    if len(shape) not in (2, 3) or not all(shape):
        channels = ", which has several channels: keep one" if len(shape) == 4 else ""
        raise DataError(
            f"{where} must have the shape (n, d), (n, t, f), (n, t, f, 1) or (n, 1, t, f), with at "
            f"least one row. Received: {array.shape}{channels}."
        )
    if dtype.kind not in "fiub":
        hint = ": take the magnitude (numpy.abs)" if dtype.kind == "c" else ""
        raise DataError(f"{where} must be real numbers. Received: {dtype}{hint}.")
    values = _counted(array, n)
    about = "one channel dropped" if axis is not None else ""
    values = values if axis is None else np.squeeze(values, axis)
    values = values.astype(np.float64 if len(shape) == 2 else np.float32, copy=False)
    check_finite(where, values)
    if len(shape) == 2:
        return values, "; ".join(filter(None, [columns_in_words(shape[1]), about]))
    if transpose:
        values = values.transpose(0, 2, 1)
    t, f = values.shape[1:]
    taken = f"images of {t} time steps x {f} features"
    order = "(n, f, t), transposed" if transpose else "the first axis of a row is taken for time"
    if t in _BANDS and f not in _BANDS:
        order += (
            f"; {t} is a usual number of features, so use {'no ' * transpose}--transpose if it is"
        )
    return values, "; ".join(filter(None, [taken, order, about]))


# What a value is.


def _counted(array: StoredArray, n: int) -> npt.NDArray[Any]:
    """The values of an array of n rows."""
    if array.shape[0] != n:
        raise DataError(
            f"{array.where} has {array.shape[0]} rows, the features {n}: one a row is needed."
        )
    return array.read()


def class_names(where: str, values: npt.NDArray[Any], classes: Sequence[str] | None) -> list[str]:
    """The class of each row, of text, of numbers or of rows with a single 1.

    Args:
        where: the labels were, for sentences.
        values: the labels. [shape=(n,) or (n, k)]
        classes: names of the classes that labels number from 0, or that they must be of.

    Raises:
        DataError: they are none, or do not fit the classes.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.dtype.kind in "US" and values.ndim == 1:
        values = np.array(texts(where, values))
        names, place = np.unique(values, return_inverse=True)
        spelled = [genre_name(str(name)) for name in names]
        genres = [spelled[number] for number in place.tolist()]
        if classes is not None and (unknown := sorted(set(genres) - set(classes))):
            raise DataError(
                f"{where} has the class {unknown[0]!r}, which is none of the classes "
                f"{', '.join(classes)}."
            )
        return genres
    if values.ndim == 2 and values.dtype.kind in "fiub":
        one_hot = ((values == 0) | (values == 1)).all(axis=1) & (values.sum(axis=1) == 1)
        if not one_hot.all():
            row = int(np.argmin(one_hot))
            raise DataError(
                f"{where} must have a single 1 and else 0 in a row, as one row has one class. Row "
                f"{row} (counted from 0) holds {str(values[row])[:100]}."
            )
        if classes is not None and len(classes) != values.shape[1]:
            raise DataError(
                f"{where} has {values.shape[1]} columns, one a class. Received {len(classes)} "
                f"classes: {', '.join(classes)}."
            )
        values = values.argmax(axis=1)
    if values.ndim != 1 or values.dtype.kind not in "fiub" or (values != np.floor(values)).any():
        raise DataError(
            f"{where} must hold the class of each row: as text, as whole numbers or as rows with a "
            f"single 1. Received: {values.dtype} of shape {values.shape}."
        )
    if classes is None:
        raise DataError(
            f"{where} numbers its classes from {values.min():g} to {values.max():g}: name them in "
            "that order with --classes A,B,... or with a file that has one a line."
        )
    for number in (values.min(), values.max()):
        if not 0 <= number < len(classes):
            raise DataError(
                f"{where} has the class {number:g}. Received the names of {len(classes)} classes, "
                f"which are numbered 0 to {len(classes) - 1}: {', '.join(classes)}."
            )
    return [classes[number] for number in values.astype(np.int64).tolist()]


def texts(where: str, values: npt.NDArray[Any]) -> list[str]:
    """A name for each row, of text, bytes or whole numbers; DataError if there are others."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind not in "USiu":
        raise DataError(
            f"{where} must hold a name for each row, as text or whole numbers. Received: "
            f"{values.dtype} of shape {values.shape}."
        )
    if values.dtype.kind != "S":
        return [str(value) for value in values.tolist()]
    try:
        return [value.decode() for value in values.tolist()]
    except UnicodeDecodeError as error:
        raise DataError(f"{where} has text that is not UTF-8: {error.object[:40]!r}.") from error


def _texts_of(roles: _Roles, role: Role, n: int) -> list[str] | None:
    """A name for each row, from the first array of a role; None where there is none."""
    return texts(roles[role][0].where, _counted(roles[role][0], n)) if role in roles else None


def _seconds(array: StoredArray, n: int) -> npt.NDArray[np.float64]:
    values = _counted(array, n)
    if values.ndim != 1 or values.dtype.kind not in "fiu":
        raise DataError(
            f"{array.where} must hold the second at which each row begins. Received: "
            f"{values.dtype} of shape {values.shape}."
        )
    return values.astype(np.float64)


def split_names(where: str, values: Sequence[str]) -> list[SplitName]:
    """The split of each row; DataError if a text names none."""
    names = [text.strip().lower() for text in values]
    if unknown := sorted(set(names) - SPLIT_WORDS.keys()):
        raise DataError(
            f"{where} must hold train, validation or test. Received: {unknown[0]!r:.100}."
        )
    return [SPLIT_WORDS[name] for name in names]
