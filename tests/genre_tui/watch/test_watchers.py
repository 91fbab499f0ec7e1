"""The threads that watch runs; the test calls what they do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.design.search_options import space_of
from experiments.design.search_settings import Search
from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import hold_run_lock
from experiments.runs.manifest import SearchRecord
from experiments.studies import STUDIES
from genre_tui.model.run_model import RunModel
from genre_tui.run.headings import progress_line
from genre_tui.watch.messages import RunsListed, RunUpdate
from genre_tui.watch.run_watcher import RunWatcher
from genre_tui.watch.runs_watcher import RunsWatcher
from tests.genre_tui.support.live_run import EventWriter, live_run, without_results
from tests.support import raw_records
from tests.support.log_summaries import write_summary
from tests.support.recorded_runs import record


class _Runs:
    def __init__(self, runs: Path) -> None:
        self.updates: list[RunsListed] = []
        self._watcher = RunsWatcher(runs, 1.0, self.updates.append)

    def look(self, *, everything: bool = True) -> RunsListed | None:
        before = len(self.updates)
        self._watcher.read(full=everything)
        return self.updates[-1] if len(self.updates) > before else None


class _Run:
    def __init__(self, run: RunDirectory) -> None:
        self.model, self.updates = RunModel(run), list[RunUpdate]()
        self._watcher = RunWatcher(run, 1.0, self._handle)

    def look(self) -> int:
        before = len(self.updates)
        self._watcher.poll()
        return len(self.updates) - before

    def _handle(self, update: RunUpdate) -> None:
        self.updates.append(update)
        self.model.handle(update)


def test_an_empty_folder_is_told_once(tmp_path: Path) -> None:
    runs = _Runs(tmp_path / "none")
    updates = runs.look()
    assert updates is not None
    assert updates.complete
    assert updates.summaries == ()
    assert runs.look() is None


def test_runs_are_told_newest_first_and_only_when_they_change(tmp_path: Path) -> None:
    record(tmp_path, name="20260101T000000Z-aaaaaa")
    newer = record(tmp_path, name="20260102T000000Z-bbbbbb", skill=lambda variant, trial: 0.9)
    runs = _Runs(tmp_path)
    updates = runs.look()
    assert updates is not None
    assert [run.created for run in updates.summaries] == ["20260102T000000Z", "20260101T000000Z"]
    first = updates.summaries[0]
    assert (first.state, first.done, first.trials) == ("finished", first.trials, first.trials)
    assert first.share == 1.0
    assert first.best is not None
    assert first.best > 0.7
    assert len(first.curve) == 4
    assert runs.look() is None
    assert runs.look(everything=False) is None
    shutil.rmtree(newer.path)
    gone = runs.look()
    assert gone is not None
    assert [run.run.name for run in gone.summaries] == [updates.summaries[1].run.name]


def test_a_damaged_run_is_a_line_that_says_so(tmp_path: Path) -> None:
    run = record(tmp_path)
    (run.path / "run.json").write_text("{")
    updates = _Runs(tmp_path).look()
    assert updates is not None
    assert updates.summaries[0].state == "damaged"
    assert "run.json is damaged" in updates.summaries[0].reason


def test_a_run_that_goes_on_is_told_from_its_events(tmp_path: Path) -> None:
    runs = _Runs(tmp_path)
    with live_run(tmp_path) as writer:
        one, other = writer.trials[:2]
        writer.begin()
        updates = runs.look()
        assert updates is not None
        line = updates.summaries[0]
        assert (line.state, line.done, line.best, line.curve) == ("running", 0, None, ())
        assert line.host
        writer.epoch(one, 1, 0.25, share=0.2)
        writer.epoch(other, 1, 0.75, share=0.3)
        writer.epoch(other, 2, 0.5, share=0.4)
        updates = runs.look(everything=False)
        assert updates is not None
        line = updates.summaries[0]
        assert (line.best, line.curve, line.share) == (0.75, (0.75, 0.5), 0.4)
        writer.end(one, f1=0.875)
        writer.end(other, "diverged")
        updates = runs.look(everything=False)
        assert updates is not None
        line = updates.summaries[0]
        assert (line.done, line.best, line.curve, line.share) == (2, 0.875, (0.25,), 0.5)
        assert runs.look(everything=False) is None
        writer.run.ask_to_stop()
        updates = runs.look(everything=False)
        assert updates is not None
        assert updates.summaries[0].state == "stopping"
    updates = runs.look(everything=False)
    assert updates is not None
    assert (updates.summaries[0].state, updates.summaries[0].host) == ("stopped", "")


def test_cheap_trials_are_a_small_share_of_the_work(tmp_path: Path) -> None:
    runs = _Runs(tmp_path)
    with live_run(tmp_path) as writer:
        writer.begin()
        for trial in writer.trials[:-1]:
            writer.end(trial)
        writer.epoch(writer.trials[-1], 1, share=0.05)
        updates = runs.look()
        assert updates is not None
        assert updates.summaries[0].share == 0.05
        watched = _Run(writer.run)
        watched.look()
        assert "   5 %  " in progress_line(watched.model, 80).plain
        writer.end(writer.trials[-1])
        watched.look()
        assert "fitting baselines" not in progress_line(watched.model, 80).plain  # it has none
        manifest = replace(watched.model.manifest, baselines=True)
        watched.model.manifest = manifest
        assert "fitting baselines" in progress_line(watched.model, 80).plain
        search = SearchRecord(Search(space_of(STUDIES["ffn-baseline"], grid=True)))
        watched.model.manifest = replace(manifest, search=search)
        assert "fitting baselines" not in progress_line(watched.model, 80).plain


def test_a_run_is_told_from_its_first_event_on(tmp_path: Path) -> None:
    with live_run(tmp_path) as writer:
        watched = _Run(writer.run)
        watched.look()
        assert watched.model.state == "running"
        assert watched.model.owner.startswith("process ")
        writer.begin()
        writer.epoch(writer.trials[0], 1, 0.5)
        assert watched.look() == 1
        assert watched.model.trials[writer.trials[0]].length == 1
        assert watched.model.count("training") == len(writer.trials)
        assert watched.look() == 0
        writer.run.ask_to_stop()
        assert watched.look() == 1
        assert watched.model.state == "stopping"
    assert watched.look() == 1
    assert watched.model.state == "stopped"
    assert watched.look() == 0


def test_many_events_come_in_parts(tmp_path: Path) -> None:
    with live_run(tmp_path, epochs=400) as writer:
        writer.begin()
        for epoch in range(1, 401):
            writer.epoch(writer.trials[0], epoch)
        watched = _Run(writer.run)
        assert watched.look() == 2
        assert watched.model.trials[writer.trials[0]].length == 400


def test_results_are_told_when_nobody_carries_it_out(tmp_path: Path) -> None:
    run = record(tmp_path, baselines=("majority",))
    watched = _Run(run)
    watched.look()
    assert watched.model.state == "finished"
    assert all(trial.length == 4 for trial in watched.model.trials.values())
    assert watched.look() == 0


def test_a_run_that_vanishes_says_so_once_and_comes_back(tmp_path: Path) -> None:
    with live_run(tmp_path / "runs") as writer:
        writer.begin()
        writer.epoch(writer.trials[0], 1, 0.5)
        watched = _Run(writer.run)
        watched.look()
        shutil.move(writer.run.path, tmp_path / "away")
        assert watched.look() == 1
        assert watched.model.problem == "its folder is gone."
        assert watched.look() == 0
        shutil.move(tmp_path / "away", writer.run.path)
        watched.look()
        assert watched.model.problem == ""
        assert watched.model.trials[writer.trials[0]].length == 1


def test_a_run_that_begins_anew_is_told_anew(tmp_path: Path) -> None:
    run = record(tmp_path, baselines=())
    without_results(run)
    with hold_run_lock(run, print):
        writer = EventWriter(run)
        writer.begin()
        for epoch in (1, 2, 3):
            writer.epoch(writer.trials[0], epoch, 0.5)
        watched = _Run(run)
        watched.look()
        shutil.rmtree(run.path / "events")
        writer = EventWriter(run)
        writer.begin()
        writer.epoch(writer.trials[1], 1, 0.25)
        watched.look()
        assert watched.updates[-1].anew
        assert watched.model.trials[writer.trials[0]].length == 0
        assert watched.model.trials[writer.trials[1]].history.values("val_macro_f1") == [0.25]


def test_a_stopped_run_is_told_from_its_events(tmp_path: Path) -> None:
    with live_run(tmp_path) as writer:
        writer.begin()
        writer.epoch(writer.trials[0], 1, 0.25, share=0.1)
        writer.epoch(writer.trials[0], 2, 0.5, share=0.2)
    updates = _Runs(tmp_path).look()
    assert updates is not None
    line = updates.summaries[0]
    assert (line.state, line.host, line.done) == ("crashed", "", 0)
    assert (line.share, line.best, line.curve) == (0.2, 0.5, (0.25, 0.5))
    watched = _Run(writer.run)
    watched.look()
    assert watched.model.state == "crashed"
    assert watched.model.count("training") == 0  # nobody trains them any more


def test_the_best_epoch_counts_live_and_afterwards(tmp_path: Path) -> None:
    runs = _Runs(tmp_path)
    with live_run(tmp_path) as writer:
        writer.begin()
        for number, f1 in enumerate((0.25, 0.75, 0.5), 1):
            writer.epoch(writer.trials[0], number, f1)
        writer.end(writer.trials[0], f1=0.5)  # of the last epoch, which is kept
        updates = runs.look()
        assert updates is not None
        assert updates.summaries[0].best == 0.75
    run = record(tmp_path / "finished", seeds=1, epochs=3)
    results = [raw_records.read_result(run, trial) for trial in run.read_manifest().trials]
    peaks = [max(result["history"]["val_macro_f1"]) for result in results if result]
    updates = _Runs(tmp_path / "finished").look()
    assert updates is not None
    assert updates.summaries[0].best == max(peaks)


def test_a_folder_that_cannot_be_read_or_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "runs"
    runs = _Runs(folder)
    updates = runs.look()
    assert updates is not None
    assert (updates.summaries, updates.problem) == ((), "")  # nothing was started yet
    record(folder)
    updates = runs.look()
    assert updates is not None
    assert len(updates.summaries) == 1

    def refuse(path: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", refuse)
        patched.setattr("genre_tui.watch.runs_watcher.all_runs", lambda runs: [])
        updates = runs.look()
        assert updates is not None
        assert (updates.summaries, updates.problem) == (
            (),
            f"{folder} cannot be read: Permission denied.",
        )
    with monkeypatch.context() as patched:  # her own, while anybody may see its name
        patched.setattr("os.access", lambda path, mode: False)
        patched.setattr("genre_tui.watch.runs_watcher.all_runs", lambda runs: [])
        updates = runs.look()
        assert updates is not None
        assert updates.problem == f"{next(folder.iterdir())} cannot be read: Permission denied."
    folder.rename(tmp_path / "elsewhere")
    updates = runs.look()
    assert updates is not None
    assert updates.problem == f"{folder} is gone."


def test_a_run_is_opened_near_the_end_of_its_log(tmp_path: Path) -> None:
    with live_run(tmp_path) as writer:
        writer.begin()
        log = [(trial, epoch) for epoch in range(1, 6) for trial in writer.trials[:3]]
        for trial, epoch in log:
            writer.epoch(trial, epoch, 1 / epoch)
        from_events = _Run(writer.run)
        from_events.look()
        expected = _Runs(tmp_path).look()
        write_summary(writer.run, 10)
        opened = _Run(writer.run)
        opened.look()
        assert sum(len(update.entries) for update in opened.updates) == 3 + len(log) - 10
        writer.epoch(writer.trials[3], 1, 0.5)
        for watched in (from_events, opened):
            watched.look()
        seen, whole = (run.model.progress.to_record() for run in (opened, from_events))
        assert seen | {"planned_workers": 0} == whole  # which no screen shows
        assert list(opened.model.trials) == list(from_events.model.trials) == writer.trials
        groups = [run.model.settings[0].groups[0] for run in (opened, from_events)]
        assert groups[0].band("val_macro_f1") == groups[1].band("val_macro_f1")
        (writer.run.path / "events" / "summary.json").unlink()
        assert expected is not None
        listed = _Runs(tmp_path).look()
        assert listed is not None
        assert listed.summaries[0].curve == expected.summaries[0].curve


def test_a_summary_names_trials_that_the_run_does_not_have(tmp_path: Path) -> None:
    with live_run(tmp_path) as writer:
        writer.begin()
        writer.epoch(writer.trials[0], 1)
        path = write_summary(writer.run)
        plain = checksums.loads(path.read_bytes())
        plain["progress"]["trials"][0]["id"] = plain["progress"]["newest"] = "foreign"
        path.write_bytes(checksums.dumps(plain))
        opened = _Run(writer.run)
        opened.look()
        assert list(opened.model.trials) == writer.trials
