"""Going on with a run: under the same data, by one process, whatever is damaged."""

import json
import shutil
import threading
from pathlib import Path

import pytest

from data.errors import DataError
from data.storage import catalogue, hdf5
from data.storage.catalogue import find_dataset
from experiments.errors import RunError
from experiments.execution import launch
from experiments.execution.launch import resume
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import RunLockedError
from experiments.runs.state import state_of
from tests.conftest import small_dataset
from tests.support import raw_records
from tests.support.faults import STUDY
from tests.support.fork_server import ForkServer
from tests.support.inline_pool import events_of, resume_inline, run_inline
from tests.support.processes import begin, finish, go_on, kill, results_of, wait_until


@pytest.fixture(scope="module")
def crashed_run(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose process was killed in the middle, with two checkpoints."""
    folder = tmp_path_factory.mktemp("crashed")
    run, _ = begin(fork_server, folder, fault="trains_slowly")
    wait_until(lambda: len(events_of(run, "checkpoint")) >= 3)
    kill(events_of(run, "run_began")[-1]["owner"]["pid"])
    wait_until(lambda: state_of(run, run.read_manifest()).state == "crashed")
    assert len(list(run.path.glob("cohorts/*/*.npz"))) >= 2
    return folder


@pytest.fixture
def crashed(crashed_run: Path, tmp_path: Path) -> tuple[RunDirectory, Path]:
    """A copy of that run, and its dataset's file."""
    shutil.copytree(crashed_run, tmp_path, dirs_exist_ok=True)
    (path,) = tmp_path.glob("runs/*/*")
    return RunDirectory(path), tmp_path / "small.h5"


@pytest.fixture(scope="module")
def whole(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    run, _ = begin(fork_server, tmp_path_factory.mktemp("whole"))
    finish(run)
    return run


@pytest.mark.parametrize("damage", ["newest", "both", "cut"])
def test_a_broken_checkpoint_falls_back(
    fork_server: ForkServer, crashed: tuple[RunDirectory, Path], whole: RunDirectory, damage: str
) -> None:
    run, path = crashed
    for folder in run.path.glob("cohorts/*"):
        files = sorted(folder.glob("*.npz"))
        for file in files if damage == "both" else files[-1:]:
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content[:-7] if damage == "cut" else content)
    go_on(fork_server, run, path)
    finish(run)
    assert results_of(run) == results_of(whole)
    notes = " ".join(event["text"] for event in events_of(run, "note"))
    assert "is broken" in notes


def test_a_result_with_a_flipped_bit_is_made_anew(
    fork_server: ForkServer, tmp_path: Path, whole: RunDirectory
) -> None:
    run, path = begin(fork_server, tmp_path)
    finish(run)
    for number, trial in enumerate(run.read_manifest().trials):
        if number % 3 == 0:
            file = run.trial_path(trial) / "result.json"
            content = bytearray(file.read_bytes())
            content[(number * 131 + 40) % len(content)] ^= 4
            file.write_bytes(content)
    assert state_of(run, run.read_manifest()).state == "crashed"
    go_on(fork_server, run, path)
    finish(run)
    assert results_of(run) == results_of(whole)


def test_a_result_that_is_damaged_after_a_checkpoint_is_made_anew(
    fork_server: ForkServer, tmp_path: Path, whole: RunDirectory
) -> None:
    """The checkpoint no longer has that trial, as it had ended before."""
    run, path = begin(fork_server, tmp_path, fault="trains_slowly")
    wait_until(lambda: events_of(run, "trial") and events_of(run)[-1]["event"] == "checkpoint")
    kill(events_of(run, "run_began")[-1]["owner"]["pid"])
    for file in run.path.glob("trials/*/result.json"):
        file.write_bytes(file.read_bytes()[:-20])
    go_on(fork_server, run, path)
    finish(run)
    assert results_of(run) == results_of(whole)


def test_a_kept_model_that_is_damaged_before_its_test_is_trained_anew(tmp_path: Path) -> None:
    run = run_inline(tmp_path, STUDY, "controlled", 1, 3)
    expected = results_of(run)
    trial = next(name for name, result in expected.items() if result["test"])
    result = raw_records.read_result(run, trial)
    assert result is not None
    raw_records.write_result(run, trial, result | {"test": None})
    model = run.trial_path(trial) / "model.keras"
    model.write_bytes(model.read_bytes()[:1000])
    with pytest.raises(RunError, match="trains it again"):
        resume_inline(run, tmp_path / "small.h5")
    assert state_of(run, run.read_manifest()).state == "failed"
    resume_inline(run, tmp_path / "small.h5")
    assert results_of(run) == expected


def test_other_data_is_refused(tmp_path: Path) -> None:
    run = run_inline(tmp_path, STUDY, seeds=1, epochs=1)
    other = tmp_path / "other.h5"
    hdf5.save(small_dataset(rows=60), other)
    with pytest.raises(RunError, match="holds other rows than the run began with"):
        resume_inline(run, other)
    assert len(events_of(run, "run_began")) == 1


def test_other_versions_are_said(
    fork_server: ForkServer, crashed: tuple[RunDirectory, Path]
) -> None:
    run, path = crashed
    go_on(fork_server, run, path, fault="has_other_versions")
    finish(run)
    notes = [event["text"] for event in events_of(run, "note")]
    assert any("keras" in note and "99.0 now" in note for note in notes)


def test_two_resume_at_once(
    crashed: tuple[RunDirectory, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real processes: one wins, the other is told who."""
    run, path = crashed
    monkeypatch.setattr(launch, "is_alive", lambda run: False)  # both look at the same moment
    outcomes: list[str] = []
    gate = threading.Barrier(2)

    def attempt() -> None:
        gate.wait()
        try:
            resume(run, path)
            outcomes.append("resumed")
        except RunError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=attempt) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    finish(run)
    outcomes.sort(key=len)
    assert outcomes[0] == "resumed"
    owner = events_of(run, "run_began")[-1]["owner"]
    assert f"is being trained by process {owner['pid']} on {owner['host']}" in outcomes[1]
    assert len(events_of(run, "run_began")) == 2


def test_one_that_runs_is_not_resumed(fork_server: ForkServer, tmp_path: Path) -> None:
    run, path = begin(fork_server, tmp_path, fault="trains_slowly")
    with pytest.raises(RunLockedError, match="is being trained already, by process"):
        resume(run, path)
    run.ask_to_stop()
    wait_until(lambda: state_of(run, run.read_manifest()).state == "stopped")
    with pytest.raises(DataError, match="none of your datasets holds the rows of 'small'"):
        resume(run)


def test_the_dataset_is_found_by_its_content() -> None:
    """A name may have gone to another dataset, and no path is taken from a record."""
    first, second = small_dataset(mel=False), small_dataset(rows=60)
    catalogue.add(first, replace=False)
    about = "small", first.content_sha256
    assert find_dataset(*about) == catalogue.path_of("small")
    catalogue.path_of("small").rename(catalogue.path_of("moved"))
    catalogue.add(second, replace=False)
    assert find_dataset(*about) == catalogue.path_of("moved")
    catalogue.remove("moved")
    with pytest.raises(DataError, match="none of your datasets"):
        find_dataset(*about)


def test_a_stopped_run_goes_on_bit_for_bit(
    fork_server: ForkServer, tmp_path: Path, whole: RunDirectory
) -> None:
    run, path = begin(fork_server, tmp_path, fault="trains_slowly")
    for _ in range(3):
        reported = len(events_of(run, "epoch"))
        wait_until(lambda reported=reported: len(events_of(run, "epoch")) > reported)
        run.ask_to_stop()
        wait_until(lambda: state_of(run, run.read_manifest()).state == "stopped")
        assert events_of(run)[-1]["event"] == "run_ended"
        assert events_of(run)[-1]["how"] == "stopped"
        go_on(fork_server, run, path, fault="trains_slowly")
    run.ask_to_stop()
    wait_until(lambda: state_of(run, run.read_manifest()).state == "stopped")
    go_on(fork_server, run, path)
    finish(run)
    assert results_of(run) == results_of(whole)


@pytest.mark.parametrize("place", ["trials", "cohorts", "variants", "device", "seeds"])
def test_a_run_json_that_does_not_agree_with_itself(
    crashed: tuple[RunDirectory, Path], place: str
) -> None:
    run, path = crashed
    facts = raw_records.read_run(run)
    trial = next(iter(facts["trials"]))
    if place == "trials":
        facts["trials"][trial]["seed"] = 7
    elif place == "cohorts":
        facts["cohorts"][0]["trials"] = facts["cohorts"][0]["trials"][1:]
    elif place == "variants":
        facts["variants"][0]["candidates"][0]["trials"] = ["../../x"]
    elif place == "device":
        facts["device"] = "everything"
    else:
        facts["seeds"] = None
    raw_records.write_run(run, json.loads(json.dumps(facts)))
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        resume_inline(run, path)
