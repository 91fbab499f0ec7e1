"""Filters of the table of runs, and ages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from experiments.runs.directory import RunDirectory
from genre_tui.runs.run_filter import parse_filter
from genre_tui.runs.runs_table import age_of, age_words
from genre_tui.watch.run_summary import RunSummary

NOW = datetime(2026, 1, 3, 12, 0, tzinfo=UTC)


def _run(**about: Any) -> RunSummary:
    facts: dict[str, Any] = {
        "run": RunDirectory(Path("runs/optimizers/20260102T120000Z-abc123")),
        "study": "optimizers",
        "protocol": "controlled",
        "dataset": "gtzan",
        "state": "running",
        "reason": "",
        "done": 1,
        "trials": 4,
        "share": 0.4,
        "best": 0.72,
        "curve": (),
        "created": "20260102T120000Z",
        "host": "gpu1",
    }
    return RunSummary(**facts | about)


def _passes(text: str, run: RunSummary) -> bool:
    found, problem = parse_filter(text)
    assert problem == ""
    return found.matches(run, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "opti GTZAN",
        "abc123",
        "state:running",
        "state:run",
        "state:stopped,running",
        "study:optimizers protocol:controlled data:gtzan host:gpu name:abc",
        "f1>70 f1<=72 f1<80%",
        "done>=40 done<41",
        "age<2d age>=24h age<1441min",
    ],
)
def test_a_run_passes(text: str) -> None:
    assert _passes(text, _run())


@pytest.mark.parametrize(
    "text",
    ["cnn", "state:stopped", "study:ffn", "f1>72", "f1<50", "age<1d", "age>2w", "opti nothing"],
)
def test_a_run_does_not_pass(text: str) -> None:
    assert not _passes(text, _run())


def test_what_is_not_known_passes_no_comparison() -> None:
    for text in ("f1>0", "f1<100"):
        assert not _passes(text, _run(best=None))
    for text in ("age<9w", "age>0min"):
        assert not _passes(text, _run(created="somewhere"))


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("state:", "Allowed: running, stopping, stopped, finished, failed, crashed, damaged"),
        ("state:dancing", "no run is ever 'dancing'"),
        ("f1:70", "such as f1>70"),
        ("f1>high", "f1 is a per cent"),
        ("age<2", "an age is a number with min, h, d or w"),
        ("study>cnn", "study is text: write study:cnn"),
        ("size:3", "there is no 'size' to filter by. Allowed: state:, study:"),
        ("loss<3", "there is no 'loss'"),
    ],
)
def test_a_wrong_filter_says_what_is_allowed(text: str, messages: str) -> None:
    kept, problem = parse_filter(f"opti {text} f1>70")
    assert messages in problem
    assert kept.matches(_run(), NOW)  # the rest holds all the same
    assert not kept.matches(_run(best=0.1), NOW)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "<1 min"),
        (59, "<1 min"),
        (60, "1 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (2 * 86400 - 1, "47 h"),
        (2 * 86400, "2 d"),
        (62 * 86400, "62 d"),
        (63 * 86400, "9 w"),
    ],
)
def test_ages_are_said_in_their_largest_unit(seconds: float, words: str) -> None:
    assert age_words(seconds) == words


def test_a_clock_that_was_set_back_makes_no_run_older_than_it_is() -> None:
    assert age_of(_run(), NOW - timedelta(days=40)) == 0
    assert age_of(_run(created="x"), NOW) is None
    assert age_words(None) == ""
