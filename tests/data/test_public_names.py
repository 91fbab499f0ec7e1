"""`from data import ...`: light, and usable from scripts as they are pasted."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import data
from data import DataError, audit, build_dataset, list_datasets, load_dataset
from data.storage import catalogue, hdf5
from tests.conftest import small_dataset

ROOT = Path(data.__file__).parents[1]
Recordings = Callable[..., Path]


def _run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(script)
    return subprocess.run(
        [sys.executable, "script.py"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=300,
    )


def test_importing_the_package_imports_no_large_library(tmp_path: Path) -> None:
    done = _run(
        "import sys, data\n"
        "from data import DataError\n"
        "print(sorted({'torch', 'keras', 'scipy', 'sklearn', 'h5py'} & set(sys.modules)))\n"
        "from data import Dataset, Split, audit, list_datasets, load_dataset\n"
        "print(sorted({'torch', 'keras', 'scipy', 'sklearn'} & set(sys.modules)))",
        tmp_path,
    )
    assert done.stdout.splitlines() == ["[]", "[]"], done.stderr


def test_every_public_name_is_there_and_documented() -> None:
    for name in data.__all__:
        assert (getattr(data, name).__doc__ or "").strip(), name
    with pytest.raises(AttributeError, match="no attribute 'load'"):
        data.load  # type: ignore[attr-defined]  # noqa: B018


def test_a_script_without_a_main_guard_that_changes_its_folder_runs_once(
    recordings: Recordings, tmp_path: Path
) -> None:
    recordings({"blues": 3, "rock": 3})
    done = _run(
        "import os\n"
        "from data import audit, build_dataset\n"
        "print('begin')\n"
        "os.chdir('music')\n"
        "made = build_dataset('../music', workers=2, shares=(0.5, 0.25, 0.25))\n"
        "print(made.name, made.genres, audit(made).leaks)\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["begin", "music ('blues', 'rock') False"]
    assert "Traceback" not in done.stderr


def test_what_is_built_is_listed_and_loaded(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 4, "rock": 3})
    (folder / "rock" / "broken.wav").write_bytes(b"no audio")
    with pytest.warns(UserWarning, match=r"left out: .*broken\.wav is no audio"):
        made = build_dataset(folder, "mine", workers=1)
    assert list_datasets() == ["demo", "mine"]
    path = catalogue.path_of("mine")
    for loaded in (load_dataset("mine"), load_dataset(path), load_dataset(str(path))):
        assert loaded.content_sha256 == made.content_sha256
    assert audit("mine").findings == audit(made).findings
    with pytest.raises(DataError, match="there is a dataset 'mine' already"):
        build_dataset(folder, "mine", workers=1)
    with pytest.raises(DataError, match="add up to 1"):
        build_dataset(folder, "other", shares=(60, 15, 25))
    (folder / "splits.csv").write_text("track,split\nrock/00,train\n")
    with pytest.raises(DataError, match=r"splits are those of splits\.csv"):
        build_dataset(folder, "other", seed=3)


def test_bad_names_are_sentences(tmp_path: Path) -> None:
    for name in ("nothing", tmp_path / "nothing.h5"):
        with pytest.raises(DataError, match="there is no dataset"):
            load_dataset(name)
        with pytest.raises(DataError, match="there is no dataset"):
            audit(name)


def test_audit_accepts_a_dataset_by_its_path(tmp_path: Path) -> None:
    hdf5.save(small_dataset(), tmp_path / "x.h5")
    assert not audit(tmp_path / "x.h5").leaks
