"""Where the user's files go, also for a user without a home."""

import os
import pwd
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner

from data.files.user_folders import cache_folder, data_folder
from genre_tui.cli import main
from genre_tui.serve import _user


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a number without a name in a container."""

    def unknown(number: int) -> NoReturn:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in list(os.environ):
        if name.startswith(("GENRE_TUI_", "XDG_")) or name in ("HOME", "USER", "LOGNAME"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("homeless")
def test_commands_that_only_look_need_no_home() -> None:
    for words in (["list"], ["runs"], ["data", "list"], ["data", "list", "--json"]):
        done = CliRunner().invoke(main, words)
        assert (done.exit_code, done.stderr) == (0, "")
    assert not data_folder().exists()
    assert not cache_folder().exists()


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("words", [["demo"], ["show"]])
def test_those_that_write_name_the_variable(words: list[str]) -> None:
    done = CliRunner().invoke(main, ["data", *words])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert "cannot be written: Not a directory. GENRE_TUI_DATA names another folder" in line


@pytest.mark.usefixtures("homeless")
def test_a_user_without_a_name_is_a_number() -> None:
    assert _user() == str(os.getuid())
