"""A run that goes on in one line, kept up to date from its events."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from data.terminal.text import clean
from experiments.errors import MISSHAPEN, RunError
from experiments.runs import validation
from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import EventReader
from experiments.runs.lock import owner_of
from genre_tui.watch.run_summary import RowState, RunSummary, summarise, thinned


class LiveRun:
    """Follows a run that goes on: its results are read once, then its events only.

    Args:
        run: its directory.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._reader = EventReader(run)
        self._base: RunSummary
        self._begin()

    def summary(self) -> RunSummary:
        """How it is now, while somebody carries it out."""
        line = self.told()
        if line.state == "damaged":
            return line
        owner = owner_of(self._run)
        state: RowState = "stopping" if self._run.stop_is_asked else "running"
        return replace(line, state=state, reason="", host=clean(owner.host) if owner else "")

    def told(self) -> RunSummary:
        """What its records and its events so far tell."""
        anew, events = self._reader.read()
        if anew:
            self._begin()
        for event in events:
            with suppress(*MISSHAPEN):
                self._take(event.to_dict())
        base = self._base
        if base.state == "damaged":
            self._base = base = summarise(self._run)
            return base
        best, curve, step = base.best, base.curve, base.step
        if self._best and (best is None or self._scores[self._best] > best):
            best, (curve, step) = self._scores[self._best], thinned(self._curves[self._best])
        done = max(len(self._ended), base.done)
        return replace(
            base,
            done=min(done, self._trials),
            trials=self._trials,
            share=self._share or min(done, self._trials) / max(self._trials, 1),
            best=best,
            curve=curve,
            step=step,
        )

    def _begin(self) -> None:
        self._base = summarise(self._run)
        self._trials: int = self._base.trials
        self._share: float = 0.0
        self._ended: set[str] = set()
        self._curves: dict[str, list[float]] = {}
        self._scores: dict[str, float] = {}  # of trials: their best epoch
        self._best: str = ""

    def _take(self, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "plan":
                with suppress(RunError):  # a search draws trials as it goes
                    self._trials = max(self._trials, len(self._run.read_run()["trials"]))
            case "epoch":
                self._share = validation.share(event["share"])
                self._epoch(str(event["trial"]), validation.count(event["epoch"]), event["logs"])
            case "trial":
                name, share = str(event["trial"]), validation.share(event["share"])
                finished = event["status"] == "finished"
                score = validation.share(event["validation"]["macro_f1"]) if finished else None
                self._ended.add(name)
                self._share = share
                self._curves.setdefault(name, [])
                if score is None:
                    self._scores.pop(name, None)
                else:
                    self._scores[name] = max(score, self._scores.get(name, score))
                self._best = max(self._scores, key=self._scores.__getitem__, default="")

    def _epoch(self, name: str, number: int, logs: Mapping[str, Any]) -> None:
        self._ended.discard(name)
        value = float(logs["val_macro_f1"])
        curve = self._curves.setdefault(name, [])
        del curve[max(number - 1, 0) :]
        curve.append(value)
        if math.isfinite(value) and value > self._scores.get(name, -1.0):
            self._scores[name] = value
            if not self._best or value > self._scores[self._best]:
                self._best = name
