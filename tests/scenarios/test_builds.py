"""Builds that are killed: they end with the same dataset."""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from data.files.user_folders import data_folder
from data.storage import catalogue, hdf5

ROOT = Path(__file__).parents[2]


def _build(folder: Path, name: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "data", "build", str(folder), "--name", name, *options]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _finish(build: subprocess.Popen[str]) -> str:
    output, _ = build.communicate(timeout=600)
    assert build.returncode == 0, output
    return output


def _is_whole(name: str, content: str) -> bool:
    """Whether there is a dataset, which then is the right one."""
    if name not in catalogue.names():
        return False
    assert hdf5.load(catalogue.path_of(name)).content_sha256 == content
    return True


def test_a_build_that_is_killed_goes_on(recordings: Callable[..., Path]) -> None:
    folder = recordings({"a": 3, "b": 3}, seconds=300)
    index = catalogue.unfinished_folder(catalogue.path_of("killed")) / "index.jsonl"
    build = _build(folder, "killed", "--workers", "1")
    end = time.monotonic() + 120
    while not (index.exists() and len(index.read_bytes().splitlines()) > 3):
        assert time.monotonic() < end
        time.sleep(0.001)
    build.kill()
    build.communicate()
    assert "killed" not in catalogue.names()
    assert "Going on: " in _finish(_build(folder, "killed"))
    _finish(_build(folder, "undisturbed"))
    killed, undisturbed = (hdf5.load(catalogue.path_of(name)) for name in ("killed", "undisturbed"))
    assert killed.content_sha256 == undisturbed.content_sha256


@pytest.mark.slow
def test_twenty_kills_at_random(recordings: Callable[..., Path]) -> None:
    chance = random.Random(0)
    folder = recordings({"a": 60, "b": 60}, seconds=60)
    began = time.monotonic()
    _finish(_build(folder, "undisturbed"))
    took = time.monotonic() - began
    content = hdf5.summarise(catalogue.path_of("undisturbed")).content_sha256
    for _ in range(20):
        build = _build(folder, "killed", "--workers", str(chance.randint(1, 3)))
        time.sleep(chance.uniform(0.2, 1.1) * took)
        build.kill()
        build.communicate()
        if _is_whole("killed", content):
            catalogue.remove("killed")
    _finish(_build(folder, "killed"))
    assert _is_whole("killed", content)
    assert {path.name for path in data_folder().iterdir()} == {"killed.h5", "undisturbed.h5"}
