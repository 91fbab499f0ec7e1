"""The user's datasets: their folder, names and files, and the default."""

from __future__ import annotations

import difflib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data.datasets.dataset import Dataset
from data.errors import DataError, NoSpaceError
from data.files.atomic import TEMPORARY, commit, writing
from data.files.plain import plain_file
from data.files.user_folders import data_folder
from data.storage import hdf5

DEMO = "demo"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SUFFIX = ".h5"
_UNFINISHED = ".unfinished"
_DEFAULT_FILE = "default"


def list_datasets() -> list[str]:
    """List the datasets that `load_dataset` takes.

    Returns:
        Their names, sorted: "demo", and the user's own.

    Example:
        >>> from data import list_datasets
        >>> "demo" in list_datasets()
        True
    """
    return sorted({DEMO, *names()})


def names() -> list[str]:
    """Names of the datasets that have a file, sorted; the demo may not be made yet."""
    folder = data_folder()
    found = folder.glob(f"*{_SUFFIX}") if folder.is_dir() else ()
    return sorted(path.stem for path in found if _NAME.fullmatch(path.stem))


def path_of(name: str) -> Path:
    """The file of a dataset, whether it is there or not; DataError if the name cannot be one."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.endswith(_SUFFIX):
        raise DataError(
            "a dataset's name must be 1 to 64 lower-case letters, digits, '.', '_' or '-', "
            f"beginning with a letter or digit and not ending in {_SUFFIX}. Received: "
            f"{name!r:.100}."
        )
    return data_folder() / f"{name}{_SUFFIX}"


def unfinished_folder(path: Path) -> Path:
    """Where the features for a dataset's file are until it is written, also after a kill."""
    return path.with_name(f".{path.stem}{_UNFINISHED}")


def unfinished() -> dict[str, int]:
    """Names of datasets whose making was ended, and the bytes of what is there of each."""
    sizes = {}
    folder = data_folder()
    for path in sorted(folder.glob(f".*{_UNFINISHED}") if folder.is_dir() else ()):
        with suppress(OSError):  # it is finished now
            sizes[path.name[1 : -len(_UNFINISHED)]] = sum(
                file.stat().st_size for file in path.iterdir()
            )
    return sizes


def name_for(folder: Path) -> str:
    """The default name of a dataset made from a folder; DataError if the folder's gives none."""
    name = "".join(
        char if char.isascii() and (char.isalnum() or char in "._-") else "-"
        for char in folder.resolve().name.lower()
    ).lstrip("._-")
    if not name:
        raise DataError(
            f"{folder} gives no name for a dataset: set name= (--name on the command line)."
        )
    return name


def existing_path(name: str) -> Path:
    """The file of a dataset that is there; DataError if there is none of this name."""
    there = names()
    if name in there:
        return path_of(name)
    if name == DEMO:
        raise DataError(
            "the built-in dataset 'demo' has no file yet: it is made on first use, or by python -m "
            "data demo."
        )
    alike = difflib.get_close_matches(name.lower(), there, 1)
    hint = f" Did you mean {alike[0]!r}?" if alike else ""
    raise DataError(
        f"there is no dataset {name!r}.{hint} There are: {', '.join(there) or 'none yet'}. Make "
        "one with python -m data (demo, import, build or fetch)."
    )


def default_name() -> str:
    """Name of the dataset used where none is given: the one set by `use`, else the demo."""
    try:
        path = data_folder() / _DEFAULT_FILE
        with open(path, encoding="utf-8", opener=plain_file) as file:
            name = file.read(100).strip()
    except (OSError, UnicodeDecodeError):
        return DEMO
    return name if _NAME.fullmatch(name) and (name == DEMO or path_of(name).exists()) else DEMO


def use(name: str) -> None:
    """Make a dataset the default; DataError if there is none of this name."""
    if name != DEMO:
        existing_path(name)
    with commit(data_folder() / _DEFAULT_FILE) as temporary:
        temporary.write_text(f"{name}\n", encoding="utf-8")


def add(dataset: Dataset, *, replace: bool) -> Path:
    """Store a dataset under its name; DataError as `making`, or where writing fails."""
    with making(dataset.name, replace=replace) as path:
        hdf5.save(dataset, path)
    return path


@contextmanager
def making(name: str, *, replace: bool) -> Iterator[Path]:
    """The file of a dataset that is made in this block, by this process alone.

    Raises:
        DataError: as `free_path`, or another process is making a dataset of this name.
    """
    free_path(name, replace=replace)
    with only_process(name):
        path = free_path(name, replace=replace)  # another process may have made it meanwhile
        yield path
        shutil.rmtree(unfinished_folder(path), ignore_errors=True)  # perhaps of another making


@contextmanager
def only_process(name: str, *, wait: bool = False) -> Iterator[None]:
    """Make or remove a dataset in this block while no other process does, or is refused.

    The system releases the lock however the process ends.

    Args:
        wait: wait for the other process instead of raising.

    Raises:
        DataError: another process makes or removes it, or the folder cannot be written.
    """
    path = path_of(name).with_name(f".{name}.lock")
    while True:
        try:
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except NoSpaceError:
            raise
        except DataError as error:
            raise DataError(f"{error} GENRE_TUI_DATA names another folder of datasets.") from error
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise DataError(
                    f"another process is making or removing the dataset {name!r}: wait for its "
                    "end, or choose another name."
                ) from None
            except OSError:
                pass  # a file system without locks
            if not path.exists() or not os.path.samestat(os.fstat(lock), path.stat()):
                continue  # whoever held it has removed it
            try:
                _remove_temporaries(path_of(name))
                yield
            finally:
                path.unlink(missing_ok=True)
            return
        finally:
            os.close(lock)


def _remove_temporaries(path: Path) -> None:
    """Remove what processes have left that were killed while they wrote a dataset's file."""
    for left in path.parent.glob(f".{path.name}.{'[0-9a-f]' * 8}{TEMPORARY}"):
        left.unlink(missing_ok=True)


def free_path(name: str, *, replace: bool) -> Path:
    """The file of a new dataset; DataError if the name cannot be one, is the demo's or taken."""
    path = path_of(name)
    if name == DEMO:
        raise DataError("the name 'demo' belongs to the built-in dataset: choose another.")
    if path.exists() and not replace:
        raise DataError(
            f"there is a dataset {name!r} already: choose another name, or replace it with "
            "replace=True (--replace on the command line)."
        )
    return path


def remove(name: str, seen: os.stat_result | None = None) -> None:
    """Delete a dataset, or what is there of an unfinished one; a default is none any more.

    Args:
        seen: status of its file when its removal was asked for; None removes any file.

    Raises:
        DataError: it is missing, or was made anew since it was seen.
    """
    path = path_of(name)
    if not unfinished_folder(path).is_dir():
        existing_path(name)
    with only_process(name), writing(path):
        if seen is not None and (now := path.stat()).st_mtime_ns != seen.st_mtime_ns:
            raise DataError(
                f"{name} was made anew meanwhile ({now.st_size / 1e6:.1f} MB): nothing was removed."
            )
        was_default = name == default_name()
        path.unlink(missing_ok=True)
        shutil.rmtree(unfinished_folder(path), ignore_errors=True)
        if was_default:
            (data_folder() / _DEFAULT_FILE).unlink(missing_ok=True)


def find_dataset(name: str, content_sha256: str) -> Path:
    """Path of the user's dataset that has the rows of a run.

    Args:
        name: that the dataset had then; it may have another one now.
        content_sha256: hash of its rows.

    Raises:
        DataError: there is none.
    """
    for known in sorted(names(), key=lambda known: known != name):
        path = path_of(known)
        with suppress(DataError):
            if hdf5.summarise(path).content_sha256 == content_sha256:
                return path
    raise DataError(
        f"none of your datasets holds the rows of {name!r:.80} that the run began "
        "with: name its file with data= (--data on the command line), or make it again with "
        "python -m data."
    )
