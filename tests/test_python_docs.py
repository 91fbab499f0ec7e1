"""docs/python.md does what it shows, block by block and as one plain script."""

import doctest
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import data
import experiments
import networks
from data.storage import hdf5
from data.storage.catalogue import path_of
from tests.conftest import small_dataset

ROOT = Path(data.__file__).parents[1]
TEXT = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# (\w+\.py)\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another working directory, and a tiny dataset under the name of the demo."""
    music = small_dataset("demo")
    music = replace(music, provenance={"kind": "demo"})
    path_of("demo").parent.mkdir(parents=True)
    hdf5.save(music, path_of("demo"))
    monkeypatch.setattr("data.sources.open.ensure_demo", lambda anew=False: None)
    monkeypatch.delenv("GENRE_TUI_RUNS")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def blocks(folder: Path) -> Iterator[str]:
    """The blocks with small budgets; those that are files are written."""
    for block in BLOCKS:
        if file := FILE.match(block):
            (folder / file[1]).write_text(block)
            continue
        block = re.sub(r"epochs=\d+", "epochs=1", block)
        block = block.replace(
            '"optimizers",', '"optimizers", epochs=1, variants=["adam", "adagrad"],'
        )
        yield block.replace('"ffn-baseline",', '"ffn-baseline", epochs=20,')


@pytest.mark.slow
def test_every_block_runs(folder: Path) -> None:
    names: dict[str, object] = {}
    for block in blocks(folder):
        exec(compile(block, "docs/python.md", "exec"), names)
    assert list((folder / "runs").glob("optimizers/*/run.json"))


@pytest.mark.slow
def test_the_blocks_are_a_plain_script(folder: Path) -> None:
    script = folder / "script.py"
    text = "import data.sources.open\ndata.sources.open.ensure_demo = lambda anew=False: None\n"
    script.write_text(text + "\n".join(blocks(folder)))
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "finished" in done.stdout
    assert (folder / "runs" / "my-widths").is_dir()


PUBLIC = [(room, name) for room in (data, networks, experiments) for name in room.__all__]


@pytest.mark.parametrize(("room", "name"), PUBLIC)
def test_public_names_are_documented(room: object, name: str) -> None:
    public = getattr(room, name)
    if not (inspect.isfunction(public) or inspect.isclass(public)):
        return
    doc = inspect.getdoc(public) or ""
    if inspect.isclass(public) and issubclass(public, Exception):
        assert doc
        return
    takes = inspect.signature(public).parameters
    sections = [("Args:", bool(takes)), ("Example:", True)]
    sections += [("Returns:", inspect.isfunction(public))]
    missing = [section for section, is_needed in sections if is_needed and section not in doc]
    assert not missing, f"{name} lacks {missing}"


QUICK = ("Study", "Variant", "list_runs", "load_run")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in experiments.__all__
        if name not in ("STUDIES", "RunError")
    ],
)
def test_examples_of_experiments_run(name: str) -> None:
    (test,) = doctest.DocTestFinder(recurse=False).find(getattr(experiments, name), name, globs={})
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_public_names_are_those_of_the_documents() -> None:
    imported = set(re.findall(r"^from (?:data|networks|experiments) import (.*)$", TEXT, re.M))
    names = {name.strip() for line in imported for name in line.split(",")}
    assert names <= {name for _, name in PUBLIC}
    assert np.all([hasattr(room, name) for room, name in PUBLIC])
