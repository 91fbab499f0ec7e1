"""The folder of all runs."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from experiments.cli.main import main
from experiments.errors import RunError
from experiments.runs.listing import all_runs, find
from tests.conftest import record_run


def _forbid(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let a folder be that of a user who shares nothing; tests may run as root."""
    scan, stat = os.scandir, os.stat

    def refused(path: Any) -> bool:
        return Path(path) == folder or folder in Path(path).parents

    def scandir(path: Any) -> Any:
        if refused(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scan(path)

    def stat_of(path: Any, **options: Any) -> Any:
        if isinstance(path, str | Path) and folder in Path(path).parents:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, **options)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "stat", stat_of)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_runs_of_another_user_are_not_said_to_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: int
) -> None:
    run = record_run(tmp_path / "runs")
    folder = (tmp_path / "runs", run.path.parent, run.path)[level]
    _forbid(monkeypatch, folder)
    refused: list[OSError] = []
    assert all_runs(tmp_path / "runs", refused.append) == []
    (error,) = refused
    assert str(error.filename).startswith(str(folder))
    with pytest.raises(RunError, match=f"^{folder}.* cannot be read: Permission denied. Ask"):
        find(tmp_path / "runs", "latest")
    done = CliRunner().invoke(main, ["runs", "--runs", str(tmp_path / "runs")])
    assert done.stdout == ""
    assert f"{error.filename} cannot be read: Permission denied." in done.stderr


def test_runs_beside_those_of_another_user_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hers = record_run(tmp_path / "runs")
    mine = record_run(tmp_path / "runs", "20260202T030405Z-def456")
    _forbid(monkeypatch, hers.path)
    assert find(tmp_path / "runs", "latest") == mine
    done = CliRunner().invoke(main, ["runs", "--runs", str(tmp_path / "runs")])
    assert done.exit_code == 0
    assert mine.name in done.stdout
    assert f"{hers.path}" in done.stderr
