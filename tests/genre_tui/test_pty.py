"""The program on a real pty: hang-up, resize, NO_COLOR, dumb terminals, escape bytes."""

import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from experiments.ownership import is_alive
from experiments.state import state_of
from genre_tui.cli import main
from tests.processes import begin, finish
from tests.recorded import record
from tests.terminal import Terminal
from tests.test_terminal_safety import assert_harmless, hostile_run
from tests.zygote import Zygote

COLOUR = re.compile(rb"\x1b\[[0-9;]*(?:38|48|3[0-7]|4[0-7]|9[0-7])[0-9;]*m")


def test_a_lost_terminal_ends_the_screens_and_no_run(zygote: Zygote, tmp_path: Path) -> None:
    run, _ = begin(zygote, tmp_path, fault="trains_slowly")
    with Terminal("genre_tui", run.path, "--runs", tmp_path / "runs") as terminal:
        terminal.wait_for("faults")
        terminal.close()
        terminal.process.wait(20)
    assert is_alive(run)
    finish(run)


def test_quitting_says_which_runs_go_on(zygote: Zygote, tmp_path: Path) -> None:
    run, _ = begin(zygote, tmp_path, fault="trains_slowly")
    with Terminal("genre_tui", "--runs", tmp_path / "runs") as terminal:
        terminal.wait_for("1 running")
        terminal.type("q")
        assert terminal.wait_end() == 0
    assert b"1 run goes on. Watch it with" in terminal.seen
    assert run.path.name.encode() in terminal.seen
    finish(run)


def test_a_terminal_that_grows(tmp_path: Path) -> None:
    with Terminal("genre_tui", "--runs", tmp_path, size=(50, 15)) as terminal:
        terminal.wait_for("60 x 20")
        terminal.resize(140, 45)
        terminal.wait_for("weight-decay-dropout")
        terminal.type("q")
        assert terminal.wait_end() == 0


@pytest.mark.parametrize("no_color", [False, True])
def test_no_color(tmp_path: Path, no_color: bool) -> None:
    record(tmp_path)
    env = {"COLORTERM": "truecolor"} | ({"NO_COLOR": "1"} if no_color else {})
    with Terminal("genre_tui", "latest", "--runs", tmp_path, env=env) as terminal:
        terminal.wait_for("macro-F1")
        for key in "1245":
            terminal.type(key)
            terminal.read_for(0.5)
        terminal.type("q")
        terminal.wait_end()
    codes = set(COLOUR.findall(terminal.seen))
    if no_color:
        greys = [re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", code) for code in codes]
        assert all(len(set(rgb)) == 1 for found in greys for rgb in found), codes
    else:
        assert any(b"38;2;" in code for code in codes)


def test_escape_bytes_of_others_do_not_reach_the_terminal(tmp_path: Path) -> None:
    run = hostile_run(tmp_path)
    with Terminal("genre_tui", run.path, "--runs", tmp_path, size=(140, 45)) as terminal:
        terminal.wait_for("evil")
        for key in "123456":
            terminal.type(key)
            terminal.read_for(0.7)
        terminal.type("q")
        terminal.wait_end()
    assert_harmless(terminal)


def test_a_dumb_terminal_gets_the_plain_view(tmp_path: Path) -> None:
    run = record(tmp_path)
    with Terminal("genre_tui", "--runs", tmp_path, term="dumb") as terminal:
        assert terminal.wait_end() == 0
    text = terminal.seen.decode()
    assert "the terminal cannot draw (TERM=dumb); this is the newest run" in text
    assert run.name in text
    assert "\x1b" not in text


def test_without_a_terminal_or_runs_it_says_what_to_do(tmp_path: Path) -> None:
    nothing = CliRunner().invoke(main, ["--runs", str(tmp_path)])
    assert nothing.exit_code == 2
    assert "there are no runs in" in nothing.output
    record(tmp_path)
    plain = CliRunner().invoke(main, ["--runs", str(tmp_path)])
    assert plain.exit_code == 0
    assert "standard input is no terminal" in plain.output
    wrong = CliRunner().invoke(main, ["nobody", "--runs", str(tmp_path)])
    assert wrong.exit_code == 2
    assert "there is no run 'nobody'" in wrong.output
    port = CliRunner().invoke(main, ["--port", "8001"])
    assert port.exit_code == 2


def test_a_run_is_still_finished_when_it_is_looked_at_again(zygote: Zygote, tmp_path: Path) -> None:
    run, _ = begin(zygote, tmp_path)
    finish(run)
    assert state_of(run, run.read_run()).state == "finished"
    began = time.monotonic()
    with Terminal("genre_tui", run.path, "--runs", tmp_path / "runs") as terminal:
        terminal.wait_for("finished")
        terminal.type("q")
        terminal.wait_end()
    assert time.monotonic() > began
