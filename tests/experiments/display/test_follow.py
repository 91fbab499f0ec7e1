"""What is shown of a run that is watched or followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.display import follow
from experiments.runs.event_reader import EventReader
from experiments.runs.events import LogEntry
from tests.genre_tui.support.live_run import live_run
from tests.support.log_summaries import write_summary


def test_events_are_printed_from_the_first_on_whatever_the_summary_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_AT_ONCE", 2)
    with live_run(tmp_path) as writer:
        writer.begin()
        for epoch in range(1, 5):
            writer.epoch(writer.trials[0], epoch)
    write_summary(writer.run, 5)
    printed: list[LogEntry] = []
    follow.watch(writer.run, printed.append)
    assert printed == EventReader(writer.run).read()[1]
    assert len(printed) == 7


def test_what_came_before_is_not_shown_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with live_run(tmp_path) as writer:
        writer.begin()
        writer.write("note", text="of the first process")
        writer.begin()
        writer.write("note", text="of the second process")
    follow.watch(writer.run)
    assert "process" not in capsys.readouterr().out
    assert follow.follow(writer.run)
    shown = "".join(capsys.readouterr())
    assert "of the second process" in shown
    assert "of the first process" not in shown
