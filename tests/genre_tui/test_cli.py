"""The command line of the terminal UI, where nothing is drawn."""

import os
import shlex
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from data.cli.main import main as data_main
from data.storage import hdf5
from experiments.cli.main import main as experiments_main
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import hold_run_lock
from genre_tui import cli
from genre_tui.app import GenreTui
from genre_tui.cli import main
from genre_tui.core.app_session import AppSession
from genre_tui.watch.messages import RunsListed
from genre_tui.watch.run_summary import RunSummary, summarise
from tests.conftest import record_run, small_dataset


def test_without_a_terminal_it_watches_the_newest_run(own_places: Path) -> None:
    record_run(own_places / "runs")
    record_run(own_places / "runs", "20260202T030405Z-def456")
    done = CliRunner().invoke(main, [])
    assert done.exit_code == 0, done.output
    assert done.stderr.splitlines() == [
        "genre-tui: standard input is no terminal; this is the newest run as genre-tui "
        "watch shows it."
    ]
    assert "ffn-baseline/20260202T030405Z-def456: " in done.stdout
    done = CliRunner().invoke(main, ["abc123"])
    assert "this is it as genre-tui watch" in done.stderr
    assert "ffn-baseline/20260102T030405Z-abc123: " in done.stdout


def test_without_a_terminal_and_without_runs_it_says_what_to_do(own_places: Path) -> None:
    done = CliRunner().invoke(main, [])
    assert done.exit_code == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: there are no runs in {own_places / 'runs'}. Start one with")


def test_a_pipe_that_closes_early_is_no_error(own_places: Path) -> None:
    record_run(own_places / "runs")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "genre_tui"],
        stdin=subprocess.DEVNULL,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nonsense"], "Error: there is no run 'nonsense' in "),
        (["20260"], "Error: '20260' could be 2 runs"),
        (["--data", "nonsense"], "Error: there is no dataset 'nonsense'."),
        (["--data", "nonsense.h5"], "Error: there is no dataset file nonsense.h5."),
        (["--port", "80"], "Error: --port and --writable go with --serve."),
        (["--writable"], "Error: --port and --writable go with --serve."),
        (["--refresh", "0"], "Error: Invalid value for '--refresh'"),
        (["--theme", "pink"], "Error: Invalid value for '--theme'"),
        (["--serve", "--port", "0"], "Error: Invalid value for '--port'"),
    ],
)
def test_bad_input_is_a_sentence(own_places: Path, words: list[str], sentence: str) -> None:
    record_run(own_places / "runs")
    record_run(own_places / "runs", "20260202T030405Z-def456")
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith(sentence)
    assert "Traceback" not in done.output


def test_data_that_is_there_is_taken(own_places: Path, tmp_path: Path) -> None:
    record_run(own_places / "runs")
    hdf5.save(small_dataset(mel=False), tmp_path / "small.h5")
    for name in ("demo", str(tmp_path / "small.h5")):
        assert CliRunner().invoke(main, ["--data", name]).exit_code == 0


def test_commands_are_those_of_experiments_and_data(own_places: Path) -> None:
    path = record_run(own_places / "runs").path
    for words, there in ((["runs"], path.name), (["data", "list"], "demo"), (["show"], "Records:")):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        assert there in done.stdout
    done = CliRunner().invoke(main, ["run", "nonsense"])
    assert (done.exit_code, done.stderr.count("there is no study 'nonsense'")) == (2, 1)
    shown = CliRunner().invoke(main, ["--help"]).stdout
    for word in ("--read-only", "\n  reproduce ", "\n  data ", "genre-tui COMMAND", "--version"):
        assert word in shown


def test_a_command_that_is_spelt_wrong_is_named(own_places: Path) -> None:
    record_run(own_places / "runs")
    done = CliRunner().invoke(main, ["wacth"])
    assert done.exit_code == 2
    assert done.stderr.endswith(" Did you mean the command watch?\n")


def test_a_run_with_the_name_of_a_command_is_opened_by_its_path(
    own_places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_run(tmp_path).path.rename(tmp_path / "list")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["./list"])
    assert "list: " in done.stdout
    assert "this is it" in done.stderr
    assert "documented %" in CliRunner().invoke(main, ["list"]).stdout


@pytest.mark.parametrize("group", [main, experiments_main, data_main])
def test_versions_are_those_of_the_packages(group: click.Group) -> None:
    done = CliRunner().invoke(group, ["--version"])
    assert done.exit_code == 0
    ours, python, torch, keras = done.stdout.strip().split(", ")
    assert ours == f"genre-tui {version('genre-tui')}"
    assert python == f"Python {sys.version.split()[0]}"
    assert (torch, keras) == (f"torch {version('torch')}", f"keras {version('keras')}")


@pytest.mark.parametrize(
    ("stream", "term", "reason"),
    [
        ("stdin", "xterm", "standard input is no terminal"),
        ("stdout", "xterm", "standard output is no terminal"),
        ("stderr", "xterm", "standard error is no terminal"),
        ("", "dumb", "the terminal cannot draw (TERM=dumb)"),
        ("", "", "the terminal cannot draw (TERM=)"),
        ("", "xterm", None),
    ],
)
def test_what_it_needs_to_draw(
    monkeypatch: pytest.MonkeyPatch, stream: str, term: str, reason: str | None
) -> None:
    class Stream:
        def __init__(self, name: str) -> None:
            self.isatty = lambda: name != stream

    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, Stream(name))
    monkeypatch.setenv("TERM", term)
    assert cli._unable() == reason


def test_the_shell_is_told_which_runs_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "my runs"
    first, second = record_run(runs), record_run(runs, "20260202T030405Z-def456")
    app = GenreTui(AppSession(runs))
    cli._print_live_runs(app, runs)
    assert capsys.readouterr().out == ""
    watch = "  python -m experiments watch {} --runs " + shlex.quote(str(runs))
    with hold_run_lock(first, print):
        app.session.run = first
        cli._print_live_runs(app, runs)
        assert capsys.readouterr().out.splitlines() == [
            "1 run goes on. Watch it with",
            watch.format("20260102T030405Z-abc123"),
        ]
        with hold_run_lock(second, print):
            app.session.run = None
            lines = [_alive(run) for run in (second, first)]
            app.runs = RunsListed(tuple(lines), complete=True)
            cli._print_live_runs(app, runs)
            assert capsys.readouterr().out.splitlines() == [
                "2 runs go on. Watch them with",
                watch.format("20260202T030405Z-def456"),
                watch.format("20260102T030405Z-abc123"),
            ]
    first_here = RunDirectory(first.path.resolve())
    app.session.run = RunDirectory(tmp_path / "my runs" / ".." / "my runs" / first_here.name)
    with hold_run_lock(first, print):  # one run by two paths is one
        app.runs = RunsListed((_alive(first_here),), complete=True)
        assert app.live_runs() == [first_here]


def _alive(run: RunDirectory) -> RunSummary:
    return replace(summarise(run), state="running")


def test_nothing_waits_for_threads_that_nobody_needs() -> None:
    script = """
import threading, time
from genre_tui.cli import _end_soon
threading.Thread(target=time.sleep, args=(600,)).start()
print("said")
_end_soon(3)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "said\n")


def test_a_closed_pipe_ends_it() -> None:
    """As when the server of a page is killed."""
    script = "import time; from genre_tui.cli import *; end_with_terminal(); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(90) == cli.HUNG_UP == 129
