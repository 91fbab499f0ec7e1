"""How commands begin: interrupted while they import, and with an encoding that lacks letters."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.terminal.commands import BadInput, confirm
from tests.conftest import record_run

PACKAGES = ("data", "experiments", "genre_tui")


def _command(*words: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | variables
    return subprocess.run(
        [sys.executable, *words], capture_output=True, env=environment, timeout=120
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_ctrl_c_during_imports_is_quiet(tmp_path: Path, package: str) -> None:
    # The first library that every command line imports.
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = _command("-m", package, "--help", PYTHONPATH=path)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("package", PACKAGES)
def test_ctrl_c_in_a_command_is_quiet(package: str) -> None:
    # As the command's function begins, whatever that is.
    code = (
        "import click, os, signal, sys\n"
        "click.Context.invoke = lambda *_, **__: os.kill(os.getpid(), signal.SIGINT)\n"
        "from data.terminal.entry import run_command\n"
        f"sys.argv = ['x'] + {[] if package == 'genre_tui' else ['list']}\n"
        f"run_command('{package}.cli{'' if package == 'genre_tui' else '.main'}')\n"
    )
    done = _command("-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_letters_beyond_the_encoding_become_question_marks(own_places: Path) -> None:
    record_run(own_places / "runs" / "музыка")
    where = str(own_places / "runs" / "музыка")
    done = _command("-m", "experiments", "show", "--runs", where, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    done = _command("-m", "experiments", "show", "--runs", where + "я", PYTHONIOENCODING="latin-1")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    code = (
        "import click\n"
        "from data.terminal import console, commands\n"
        "def main(prog_name):\n"
        "    commands.echo('рок')\n"
        "    console.console().print('рок')\n"
        "import sys; sys.modules['stub'] = sys.modules['__main__']\n"
        "from data.terminal.entry import run_command\n"
        "run_command('stub')\n"
    )
    done = _command("-c", code, PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stdout) == (0, b"???\n???\n"), done.stderr


def test_a_question_that_nobody_can_answer_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(BadInput, match="closed, so nobody can answer: add --yes"):
        confirm("Remove it?")


def test_ctrl_c_at_a_question_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("click.termui.visible_prompt_func", interrupted)
    with pytest.raises(SystemExit) as ended:
        confirm("Remove it?")
    assert ended.value.code == 130
