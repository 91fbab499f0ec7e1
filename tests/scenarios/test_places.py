"""Commands typed where people type them: hostile folders, no home, odd terminals and encodings."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from data.storage import hdf5
from tests.conftest import small_dataset

ROOT = Path(__file__).parents[2]
ROOMS = ("data", "networks", "experiments")
LIGHT = [["list"], ["runs"], ["data", "list"], ["--help"], ["--version"], ["run", "--help"]]


def _type(
    words: Sequence[object], folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The script `genre-tui`, as pip makes it."""
    path = tmp_path / "bin" / "genre-tui"
    path.parent.mkdir()
    begin = "import sys\nfrom genre_tui.__main__ import main\n"
    path.write_text(begin + "if __name__ == '__main__':\n    sys.exit(main())\n")
    return path


@pytest.fixture
def dataset(own_places: Path) -> Path:
    path = own_places / "small.h5"
    hdf5.save(small_dataset(), path)
    return path


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with modules of the names of ours, of libraries' and of the standard library's."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in ("click", "numpy", "torch", "keras", "h5py", "json", "random", "struct", "typing"):
        (folder / f"{name}.py").write_text(f"raise SystemExit('the user's {name}')")
    for name in ROOMS:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise SystemExit('the user’s {name}')")
    return folder


@pytest.mark.parametrize("words", LIGHT, ids=" ".join)
def test_nothing_in_the_working_directory_is_imported(
    own_places: Path, program: Path, hostile: Path, words: list[str]
) -> None:
    done = _type([program, *words], hostile)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_a_run_trains_in_a_hostile_folder(program: Path, hostile: Path, dataset: Path) -> None:
    begun = ["run", "ffn-baseline", "--epochs", "1", "--workers", "2", "--json", "--data", dataset]
    done = _type([program, *begun], hostile)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["study"] == "ffn-baseline"


@pytest.mark.parametrize("room", ["data", "experiments", "genre_tui"])
def test_python_dash_m_needs_only_its_own_name(own_places: Path, hostile: Path, room: str) -> None:
    (hostile / "typing.py").unlink()  # Python itself imports it
    (hostile / room / "__init__.py").unlink(missing_ok=True)  # a folder of files hides nothing
    done = _type(["-m", room, "--version"], hostile)
    assert done.returncode == 0, done.stderr


def test_a_folder_on_pythonpath_does_not_hide_ours(
    program: Path, hostile: Path, dataset: Path
) -> None:
    for file in hostile.glob("*.py"):  # those it hides from every program
        file.unlink()
    for path in (os.pathsep, "."):
        assert _type([program, "list"], hostile, PYTHONPATH=path).returncode == 0
    begun = ["run", "ffn-baseline", "--epochs", "1", "--json", "--data", dataset]
    done = _type([program, *begun], hostile, PYTHONPATH=str(hostile))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("room", ["data", "networks"])
def test_a_script_beside_such_a_folder_gets_a_sentence(tmp_path: Path, room: str) -> None:
    (tmp_path / room).mkdir()
    script = tmp_path / "script.py"
    script.write_text("import experiments\ntry:\n    experiments.run_study\n")
    script.write_text(script.read_text() + "except ImportError as error:\n    print(error)\n")
    assert _type([script], tmp_path).stdout == ""
    (tmp_path / room / "__init__.py").touch()
    assert _type([script], tmp_path).stdout == (
        f"experiments needs the package {room} of genre-tui, which "
        f"{tmp_path / room / '__init__.py'} hides: rename that, or keep its folder out of "
        "sys.path. The command genre-tui is not concerned.\n"
    )


@pytest.mark.slow
def test_no_docstring_and_no_assertion_is_needed(program: Path, dataset: Path) -> None:
    where = dataset.parent
    listed = _type([program, "list", "--json"], where)
    assert _type([program, "list", "--json"], where, PYTHONOPTIMIZE="2").stdout == listed.stdout
    begun = ["run", "ffn-baseline", "--epochs", "1", "--json", "--data", dataset]
    made = json.loads(_type([program, *begun], where, PYTHONOPTIMIZE="2").stdout)
    for optimize in ("", "1", "2"):  # records of each are read by each
        shown = _type([program, "show", "--json"], where, PYTHONOPTIMIZE=optimize)
        assert json.loads(shown.stdout) == made, shown.stderr
    report = _type([program, "report", "latest", "-o", where / "r"], where, PYTHONOPTIMIZE="2")
    assert report.returncode == 0
    assert (
        "Usage: genre-tui watch"
        in _type([program, "watch", "-h"], where, PYTHONOPTIMIZE="2").stdout
    )


def test_a_working_directory_that_is_gone_is_a_sentence(
    program: Path, dataset: Path, tmp_path: Path
) -> None:
    script = "import os, runpy, sys; os.rmdir(os.getcwd()); sys.argv = sys.argv[1:]"
    script += "; runpy.run_path(sys.argv[0], run_name='__main__')"
    for words, status in ((["list"], 0), (["run", "ffn-baseline", "--data", dataset], 2)):
        (tmp_path / "gone").mkdir()
        done = _type(["-c", script, program, *words], tmp_path / "gone")
        assert done.returncode == status, done.stderr
        gone = "Error: the working directory is gone: change to another one.\n"
        assert done.stderr.endswith(gone if status else "")
    assert not list((dataset.parent / "runs").glob("*/*"))


def test_colours_that_are_forced_move_no_cursor(program: Path, dataset: Path) -> None:
    begun = ["run", "ffn-baseline", "--epochs", "1", "--data", dataset]
    done = _type([program, *begun], dataset.parent, FORCE_COLOR="1", TTY_COMPATIBLE="1")
    assert done.returncode == 0, done.stderr
    text = done.stdout + done.stderr
    assert "\x1b[1m" in text
    assert not re.search(r"\r|\x1b\[[0-9;?]*[A-Za-ln-z]", text)
