"""Optuna's journal of a search, for Optuna's own tools.

It is written anew from our records each time, whole or not at all: nothing is read
from it, so that one which is damaged, missing or ahead of us is replaced by the next.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from datetime import datetime, timedelta
from typing import Any

from data.files.atomic import commit
from experiments.design.search_settings import Search
from experiments.runs.directory import RunDirectory
from experiments.search.optuna_trials import Told, frozen

NAME = "optuna.journal"


def write_journal(run: RunDirectory, search: Search, told: Sequence[Told]) -> None:
    """Write a search's draws, and the ends of those that have ended, as Optuna's journal.

    `optuna.storages.journal.JournalFileBackend` reads it.

    Args:
        run: that the caller owns.
        search: settled.
        told: all draws so far.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    import optuna
    from optuna.storages import JournalStorage

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    lines = _lines()
    study = optuna.create_study(
        study_name=run.name, direction="maximize", storage=JournalStorage(lines)
    )
    for one in told:
        trial = frozen(one, search.space)
        # Optuna keeps local time, without saying so.
        began = datetime.fromisoformat(one.draw.created).astimezone().replace(tzinfo=None)
        trial.datetime_start = began
        if trial.datetime_complete is not None:
            trial.datetime_complete = began + timedelta(seconds=one.seconds)
        study.add_trial(trial)
    with commit(run.path / NAME) as temporary:
        text = "".join(f"{json.dumps(log, separators=(',', ':'))}\n" for log in lines.logs)
        temporary.write_text(text, encoding="utf-8")


def _lines() -> Any:
    """A journal in memory. Optuna is imported late: looking at runs needs none."""
    from optuna.storages.journal import BaseJournalBackend

    class Lines(BaseJournalBackend):
        """Keeps the entries of a journal."""

        def __init__(self) -> None:
            self.logs: list[dict[str, Any]] = []

        def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
            """Entries from a number on."""
            yield from self.logs[log_number_from:]

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            """Further entries."""
            self.logs += json.loads(json.dumps(logs))

    return Lines()
