"""Our own commands as processes: what they print, how they end, how they are ended."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from genre_tui.core.subprocess_command import CommandResult, SubprocessCommand


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes a module that `python -m talker` runs."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def make(source: str) -> list[str]:
        (tmp_path / "talker.py").write_text(f"import os, signal, sys, time\n{source}")
        return ["talker"]

    return make


def test_lines_and_output_are_told_apart(module) -> None:
    arguments = module(
        "print('{}'); print('one', file=sys.stderr)\n"
        "print('two', file=sys.stderr); sys.stderr.write('three')"
    )
    heard: list[str] = []
    ended = SubprocessCommand(arguments, heard.append).run()
    assert heard == ["one", "two", "three"]
    assert ended == CommandResult(0, "{}\n", "", False)


def test_lines_come_while_it_runs(module, tmp_path: Path) -> None:
    arguments = module(
        "print('here', file=sys.stderr, flush=True)\n"
        f"while not os.path.exists({str(tmp_path / 'seen')!r}): time.sleep(0.01)"
    )
    command = SubprocessCommand(arguments, lambda line: (tmp_path / "seen").touch())
    ended = command.run()  # would not end otherwise
    assert ended is not None
    assert ended.status == 0


def test_the_sentence_of_bad_input_is_the_problem(module) -> None:
    ended = SubprocessCommand(
        module("sys.stderr.write('Error: no such thing.\\n'); sys.exit(2)")
    ).run()
    assert ended == CommandResult(2, "", "no such thing.", False)
    ended = SubprocessCommand(module("print('out of luck', file=sys.stderr); sys.exit(3)")).run()
    assert ended is not None
    assert ended.problem == "the command ended with exit status 3, saying: out of luck"
    ended = SubprocessCommand(module("sys.exit(4)")).run()
    assert ended is not None
    assert "it said nothing" in ended.problem


def test_it_has_a_session_and_no_terminal_of_ours(module) -> None:
    ended = SubprocessCommand(module("print(os.getsid(0), sys.stdin.read() == '')")).run()
    assert ended is not None
    session, nothing = ended.output.split()
    assert int(session) != os.getsid(0)
    assert nothing == "True"


def test_cancelling_lets_it_clean_up(module) -> None:
    arguments = module(
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('cleaned') or 143))\n"
        "print('ready', file=sys.stderr, flush=True)\n"
        "time.sleep(60)"
    )
    command = SubprocessCommand(arguments, lambda line: command.cancel())
    assert command.run() == CommandResult(143, "cleaned\n", "", True)


def test_one_that_will_not_end_is_killed(module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genre_tui.core.subprocess_command._GRACE", 0.1)
    arguments = module(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', file=sys.stderr, flush=True)\n"
        "time.sleep(60)"
    )
    command = SubprocessCommand(arguments, lambda line: command.cancel())
    ended = command.run()
    assert ended is not None
    assert (ended.status, ended.cancelled) == (-9, True)


def test_one_that_is_left_goes_on(module, tmp_path: Path) -> None:
    arguments = module(
        "print('ready', file=sys.stderr, flush=True)\n"
        "time.sleep(0.6); print('more', flush=True)\n"
        f"open({str(tmp_path / 'done')!r}, 'w').close()"
    )
    command = SubprocessCommand(arguments, lambda line: command.detach())
    ends: list[CommandResult] = []
    command.start(ends.append)
    deadline = time.monotonic() + 20
    while not (tmp_path / "done").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (tmp_path / "done").exists()
    for thread in threading.enumerate():
        if thread.name == "command":
            assert thread.daemon
            thread.join()
    assert ends == []
