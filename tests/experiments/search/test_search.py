"""Whole searches in this process: what they draw, find, tell, and how they go on."""

import errno
import json
import math
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna", reason="needs the extra search")

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from rich.console import Console

from data.storage import hdf5
from experiments.design.dataset_size import DatasetSize
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing, Request
from experiments.design.search_options import space_of
from experiments.design.search_settings import Search
from experiments.design.study import Budget, Study, Variant
from experiments.display.result_tables import search_view
from experiments.errors import RunError
from experiments.execution.coordinator import RunCoordinator
from experiments.results.run_result import collect
from experiments.results.search_result import search_result
from experiments.runs import checksums, listing
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import hold_run_lock
from experiments.runs.search_journal import Draw
from experiments.runs.state import state_of
from experiments.search import storage
from experiments.search.sampling import Generation, TrialContext, next_generation
from experiments.studies import STUDIES
from experiments.training import baselines, evaluation
from experiments.training.cohorts import Cohort
from networks.engine import cohort
from networks.models.config import CNNConfig, FFNConfig, TrainingConfig
from tests.conftest import small_dataset
from tests.scenarios.test_kills import assert_nothing_was_done_twice
from tests.support.inline_pool import InlinePool, events_of, resume_inline, run_inline
from tests.support.processes import committed, results_of

SGD = TrainingConfig(optimizer="sgd", epochs=3, keep="best")
STUDY = Study(
    name="small",
    question="Does it find it?",
    about="",
    variants=(
        Variant("plain", FFNConfig(hidden=(8,)), SGD),
        Variant("glorot", FFNConfig(hidden=(8,), initializer="glorot_uniform"), SGD),
    ),
    budget=Budget(epochs=3, learning_rates=(1e-9, 0.1)),
)
CONTEXT = TrialContext("0" * 64, DatasetSize(classes=3), "cpu")


@pytest.fixture(autouse=True)
def one_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others take longer than all that is tested here."""
    monkeypatch.setattr(baselines, "BASELINES", baselines.BASELINES[:1])


class StoppingPool(InlinePool):
    """Asks for a stop before each second task."""

    tasks = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        StoppingPool.tasks += 1
        if args and isinstance(args[-1], Cohort) and StoppingPool.tasks % 2 == 0:
            args[0].run.ask_to_stop()
        return super().submit(fn, *args, **kwargs)


def request_of(folder: Path, search: Search, study: Study = STUDY) -> Request:
    path = folder / "small.h5"
    if not path.exists():
        hdf5.save(small_dataset(mel=False), path)
    return Request(study, path, StudyOptions("controlled", 1), Computing(device="cpu"), search)


def search_inline(
    folder: Path, search: Search, study: Study = STUDY, pool: Any = InlinePool
) -> RunDirectory:
    """A whole search, in folder/runs; its dataset is folder/small.h5."""
    request = Request.from_dict(request_of(folder, search, study).to_dict())  # as the owner does
    run = listing.create(folder / "runs", study.name)
    with hold_run_lock(run, print) as me:
        RunCoordinator(run, me, pool=pool).begin(request)
    return run


def state(run: RunDirectory) -> str:
    return state_of(run, run.read_manifest()).state


def drawn(run: RunDirectory) -> tuple[Draw, ...]:
    search = run.read_manifest().search
    assert search is not None
    return search.draws


def journal(run: RunDirectory) -> list[optuna.trial.FrozenTrial]:
    """The trials that Optuna's own tools see."""
    path = str(run.path / "optuna.journal")
    backend = JournalFileBackend(path, lock_obj=JournalFileOpenLock(path))
    return optuna.load_study(study_name=None, storage=JournalStorage(backend)).trials


def log_search(sampler: Any = "random", trials: int = 7, cohort_: int = 3) -> Search:
    return Search(space_of(STUDY), trials, cohort_, sampler)


def test_it_finds_the_better_setting_and_tests_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested: list[str] = []
    original = evaluation.with_test

    def counting(result: Any, *arguments: Any) -> Any:
        tested.append(result.trial)
        return original(result, *arguments)

    monkeypatch.setattr(evaluation, "with_test", counting)
    monkeypatch.setattr("experiments.training.recorder.with_test", counting)
    run = search_inline(tmp_path, Search(space_of(STUDY, grid=True), 4, 2))
    assert state(run) == "finished"
    result = collect(run)
    assert {v.name: v.learning_rate for v in result.variants} == {"plain": 0.1, "glorot": 0.1}
    assert [v.selected_from for v in result.variants] == [2, 2]
    assert [v.n for v in result.variants] == [1, 1]
    assert len(tested) == len(set(tested)) == 2
    found = search_result(run)
    assert found is not None
    assert {one.result.trial for one in found.ranked[:2]} == set(tested)
    assert all(
        one.draw.setting.values == {"training.learning_rate": 0.1} for one in found.ranked[:2]
    )
    assert [one.result.test is None for one in found.ranked] == [False, False, True, True]
    assert result.best is not None
    assert result.best.name == found.ranked[0].draw.setting.variant


def test_a_repeated_draw_is_drawn_anew_until_nothing_is_left(tmp_path: Path) -> None:
    run = search_inline(tmp_path, Search(space_of(STUDY, grid=True), 9, 3))
    assert state(run) == "finished"
    manifest = run.read_manifest()
    assert len(manifest.trials) == 4, "the whole grid, each once"
    assert manifest.search is not None
    assert manifest.search.generations == 2
    notes = [event["text"] for event in events_of(run, "note")]
    assert notes[-1] == "nothing new is left to draw: the search ends with 4 trials"
    shares = [event["share"] for event in events_of(run, "epoch", "trial")]
    assert shares == pytest.approx(sorted(shares), abs=1e-6)  # those of epochs are rounded
    assert shares[-1] == 1.0


def test_run_json_is_frozen_and_draws_are_read_from_the_journal(tmp_path: Path) -> None:
    run = search_inline(tmp_path, log_search())
    text = (run.path / "run.json").read_text(encoding="utf-8")
    assert not any(draw.trial.id in text for draw in drawn(run))
    manifest = run.read_manifest()
    assert sum(len(cohort.trials) for cohort in manifest.cohorts) == 7
    assert manifest.search is not None
    assert manifest.search.generations == 3
    assert [draw.number for draw in drawn(run)] == list(range(7))
    for draw_, trial in zip(drawn(run), journal(run), strict=True):
        assert trial.user_attrs["trial"] == draw_.trial.id
        assert trial.params == {"variant": draw_.setting.variant, **draw_.setting.values}
        assert trial.state.name == "COMPLETE"
    candidates = {
        variant.name: [candidate.ids[0] for candidate in variant.candidates]
        for variant in manifest.variants
    }
    for draw_ in drawn(run):
        assert draw_.trial.id in candidates[draw_.setting.variant]
        rate = draw_.setting.values["training.learning_rate"]
        assert draw_.trial.training.learning_rate == rate
        assert 1e-9 <= rate <= 0.1


def test_a_generation_is_committed_before_it_trains(tmp_path: Path) -> None:
    class Watching(InlinePool):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            if args and isinstance(args[-1], Cohort):
                there = listing.all_runs(tmp_path / "runs")[0]
                ids = {trial.id for _, trial in args[-1].trials}
                known = {trial.user_attrs["trial"]: trial.state for trial in journal(there)}
                assert ids <= there.read_manifest().trials.keys()
                assert {known[name].name for name in ids} == {"RUNNING"}
                assert state(there) == "running"
            return super().submit(fn, *args, **kwargs)

    search_inline(tmp_path, log_search(), pool=Watching)


def with_scores(
    generation: Generation, score: Callable[[optuna.trial.FrozenTrial], float]
) -> list[optuna.trial.FrozenTrial]:
    """A generation's trials as if they had finished."""
    return [
        optuna.trial.create_trial(
            value=score(trial),
            params=trial.params,
            distributions=trial.distributions,
            user_attrs=trial.user_attrs,
        )
        for trial in generation.trials
    ]


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_draws_depend_on_results_and_seed_alone(sampler: Any) -> None:
    search = Search(space_of(STUDY), 100, 6, sampler).settled(["plain", "glorot"], "cpu", None)

    def generations() -> list[Any]:
        known: list[optuna.trial.FrozenTrial] = []
        for number in range(1, 5):
            found = next_generation(search, number, known, CONTEXT)
            known += with_scores(found, lambda trial: trial.params["training.learning_rate"])
        return [(one.params, one.user_attrs) for one in known]

    assert generations() == generations()
    assert len({attributes["trial"] for _, attributes in generations()}) == 24
    other = next_generation(replace(search, seed=1), 1, [], CONTEXT)
    assert other.cohorts != next_generation(search, 1, [], CONTEXT).cohorts


def test_tpe_learns_where_random_does_not() -> None:
    """The score falls with the distance from a rate of 1e-3."""

    def distance(sampler: Any) -> float:
        search = Search(space_of(STUDY), 64, 8, sampler).settled(["plain", "glorot"], "cpu", None)
        known: list[optuna.trial.FrozenTrial] = []
        for number in range(1, 9):
            found = next_generation(search, number, known, CONTEXT)
            known += with_scores(found, lambda trial: 1 - abs(_decades(trial) + 3) / 9)
        return sum(abs(_decades(trial) + 3) for trial in known[16:])

    assert distance("tpe") < 0.7 * distance("random")


def _decades(trial: optuna.trial.FrozenTrial) -> float:
    return math.log10(trial.params["training.learning_rate"])


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_stopped_search_goes_on_as_if_it_had_not_been(tmp_path: Path, sampler: Any) -> None:
    search = log_search(sampler, trials=13, cohort_=4)
    whole = search_inline(tmp_path, search)
    run = search_inline(tmp_path, search, pool=StoppingPool)
    stops = 0
    while state(run) != "finished":
        assert state(run) == "stopped"
        stops += 1
        with (run.path / "optuna.journal").open("ab") as file:
            file.write(b'{"op_code":4,"study')  # as a process that was killed leaves it
        before = committed(run)
        resume_inline(run, tmp_path / "small.h5", pool=StoppingPool)
        after = committed(run)
        for name, file in before.items():
            result = run.read_result(name)
            assert after[name] == file or (result and result.test)
    assert stops >= 2
    assert drawn(run) == drawn(whole)
    assert results_of(run) == results_of(whole)
    assert_nothing_was_done_twice(run)
    assert _plain(run) == _plain(whole)
    assert len(_plain(run)) == 13


def _plain(run: RunDirectory) -> list[Any]:
    return [(t.number, t.state, t.value, t.params) for t in journal(run)]


def test_failed_and_diverged_trials_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = cohort.build_model

    def failing(network: Any, *rest: Any) -> Any:
        if network.initializer == "glorot_uniform":
            raise RuntimeError("out of memory")
        return original(network, *rest)

    monkeypatch.setattr(cohort, "build_model", failing)
    study = replace(STUDY, budget=Budget(3, (0.1, 1e30)))
    run = search_inline(tmp_path, Search(space_of(study, grid=True), 4, 4), study)
    assert state(run) == "finished"
    reported = {
        (trial.params["variant"], trial.params["training.learning_rate"]): trial.state.name
        for trial in journal(run)
    }
    assert reported == {
        ("plain", 0.1): "COMPLETE",
        ("plain", 1e30): "PRUNED",
        ("glorot", 0.1): "FAIL",
        ("glorot", 1e30): "FAIL",
    }
    found = search_result(run)
    assert found is not None
    assert (len(found.ranked), found.diverged, found.failed) == (1, 1, 2)
    values = {trial.number: trial.value for trial in journal(run) if trial.value is not None}
    assert values == {found.ranked[0].draw.number: found.ranked[0].result.score}


def test_a_generation_that_was_half_written_is_trained_and_the_search_goes_on(
    tmp_path: Path,
) -> None:
    whole = search_inline(tmp_path, log_search())
    run = listing.create(tmp_path / "runs", STUDY.name)
    (run.path / "run.json").write_bytes((whole.path / "run.json").read_bytes())
    lines = (whole.path / "optuna.journal").read_bytes().splitlines(keepends=True)
    (run.path / "optuna.journal").write_bytes(b"".join(lines[:3]) + lines[3][:99])
    assert len(drawn(run)) == 2, "the third of the first generation is torn"
    resume_inline(run, tmp_path / "small.h5")
    assert state(run) == "finished"
    assert drawn(run)[:2] == drawn(whole)[:2]
    assert len(drawn(run)) == 7
    assert {trial.state.name for trial in journal(run)} == {"COMPLETE"}
    assert_nothing_was_done_twice(run)


def _damage(run: RunDirectory, number: int, **change: Any) -> None:
    path = run.path / "optuna.journal"
    lines = path.read_bytes().splitlines(keepends=True)
    operation = json.loads(lines[number])
    operation |= change
    lines[number] = f"{json.dumps(operation)}\n".encode()
    path.write_bytes(b"".join(lines))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"op_code": [4]}, ""),
        ({"op_code": None, "user_attrs": 3}, "belong|nothing|damaged"),
        ({"params": {"variant": 7}}, "training.learning_rate"),
        ({"params": {"variant": 0, "training.learning_rate": "a"}}, "should be a number"),
        ({"params": {"variant": 0, "training.learning_rate": 0.5}}, "name of another trial"),
        ({"user_attrs": {"trial": "../..", "variant": "plain", "generation": 1, "cohort": 0}},
         "name of another trial"),
        ({"user_attrs": {"trial": "x", "variant": "none", "generation": 1, "cohort": 0}}, "none"),
        ({"user_attrs": {"trial": "x"}}, "variant"),
    ],
)  # fmt: skip
def test_a_journal_of_somebody_else_is_checked(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    run = search_inline(tmp_path, log_search(trials=2, cohort_=2))
    _damage(run, 1, **change)
    if says in ("", "belong|nothing|damaged"):
        assert len(drawn(run)) == 1, "an operation of another kind is left alone"
        return
    with pytest.raises(RunError, match=f"optuna.journal is damaged .*{says}"):
        run.read_manifest()


@pytest.mark.parametrize("content", [b"\0\xff{\n" * 3, b"3\n", b"[" * 100_000 + b"\n"])
def test_a_journal_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    run = search_inline(tmp_path, log_search(trials=2, cohort_=2))
    (run.path / "optuna.journal").write_bytes(content)
    with pytest.raises(RunError, match=r"optuna\.journal is damaged"):
        run.read_manifest()
    with pytest.raises(RunError, match=r"optuna\.journal is damaged"):
        storage.open_study(run)


def test_a_search_of_an_earlier_version_is_refused_in_a_sentence(tmp_path: Path) -> None:
    run = search_inline(tmp_path, log_search(trials=2, cohort_=2))
    (run.path / "generations").mkdir()
    with pytest.raises(RunError, match="is a search of an earlier version"):
        run.read_manifest()


def test_a_full_disk_pauses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = JournalFileBackend.append_logs
    calls = []

    def full(self: JournalFileBackend, logs: list[dict[str, Any]]) -> None:
        calls.append(logs)
        if len(calls) in (6, 8):  # half a line of the second generation's reaches the disk
            with (next(tmp_path.glob("runs/*/*")) / "optuna.journal").open("ab") as file:
                file.write(b'{"op_code":4,"wor')
            raise OSError(errno.ENOSPC, "No space left on device")
        original(self, logs)

    monkeypatch.setattr(JournalFileBackend, "append_logs", full)
    run = search_inline(tmp_path, log_search())
    assert state(run) == "finished"
    paused = events_of(run, "paused")
    assert paused
    assert "no space left to write" in paused[0]["reason"]
    assert len(events_of(run, "continued")) == len(paused)
    assert len(journal(run)) == 7


def test_a_search_is_complete_only_when_all_is_drawn_and_tested(tmp_path: Path) -> None:
    run = search_inline(tmp_path, log_search())
    path = run.path / "optuna.journal"
    content = path.read_bytes()
    created = [n for n, line in enumerate(content.splitlines()) if b'"op_code":4' in line]
    path.write_bytes(b"\n".join(content.splitlines()[: created[-1]]) + b"\n")
    assert state(run) != "finished", "seven were asked for, six are drawn"
    path.write_bytes(content)
    assert state(run) == "finished"
    found = search_result(run)
    assert found is not None
    tested = next(one.result.trial for one in found.ranked if one.result.test)
    result = run.read_result(tested)
    assert result is not None
    run.write_result(replace(result, test=None))
    assert state(run) != "finished", "the selected one is not tested"
    resume_inline(run, tmp_path / "small.h5")
    assert run.read_result(tested) == result


def test_a_search_without_any_generation_goes_on(tmp_path: Path) -> None:
    """As one that was killed just after its run.json was written."""
    whole = search_inline(tmp_path, log_search())
    run = listing.create(tmp_path / "runs", STUDY.name)
    (run.path / "run.json").write_bytes((whole.path / "run.json").read_bytes())
    assert state(run) == "crashed"
    assert collect(run).variants == ()
    resume_inline(run, tmp_path / "small.h5")
    assert results_of(run) == results_of(whole)


@pytest.mark.parametrize("place", ["trials", "space", "sampler", "search"])
def test_a_search_that_was_tampered_with_is_refused(tmp_path: Path, place: str) -> None:
    run = search_inline(tmp_path, log_search(trials=2, cohort_=2))
    path = run.path / "run.json"
    facts = checksums.loads(path.read_bytes())
    if place == "search":
        facts["search"] = "everything"
    else:
        facts["search"][place] = {"trials": 0, "space": {}, "sampler": "psychic"}[place]
    path.write_bytes(checksums.dumps(facts))
    with pytest.raises(RunError, match="damaged"):
        resume_inline(run, tmp_path / "small.h5")


def test_fields_that_exclude_each_other() -> None:
    words = ["training.optimizer=adam,adamw", "training.l2=0.001"]
    space = space_of(STUDY, words, grid=True)
    search = Search(space, 100, 100).settled(["plain", "glorot"], "cpu", None)
    found = next_generation(search, 1, [], CONTEXT)
    assert {one.params["training.optimizer"] for one in found.trials} == {"adam"}
    assert len(found.trials) == 4
    assert found.exhausted
    alone = space_of(STUDY, ["training.optimizer=sgd,rprop", "training.l2=0.001"])
    impossible = replace(
        alone,
        dimensions=tuple(
            replace(d, values=("rprop",)) if d.path == "training.optimizer" else d
            for d in alone.dimensions
        ),
    )
    search = Search(impossible, 3, 3).settled(["plain", "glorot"], "cpu", None)
    with pytest.raises(RunError, match="none of 1000 draws makes a trial"):
        next_generation(search, 1, [], CONTEXT)


def test_networks_that_do_not_fit_are_not_drawn() -> None:
    space = space_of(
        STUDIES["pooling-padding"], ["training.batch_size=16,100000"], grid=True, epochs=1
    )
    names = [start.variant for start in space.starts]
    search = Search(space, 40, 40).settled(names, "cuda", 4 * 2**30)
    found = next_generation(search, 1, [], replace(CONTEXT, device="cuda"))
    assert found.trials
    assert {one.params["training.batch_size"] for one in found.trials} == {16}


def test_networks_of_which_nothing_is_left_of_the_rows_are_not_drawn() -> None:
    cnn = Study(
        "images",
        "?",
        "",
        (Variant("cnn", CNNConfig(filters=(2,), dense=(4,)), TrainingConfig()),),
        Budget(2, (1e-3,)),
    )
    space = space_of(cnn, ["network.filters=[2],[2,2],[2,2,2]"])
    search = Search(space, 9, 9).settled(["cnn"], "cpu", None)
    size = DatasetSize(classes=3, shapes={"mel": (5, 40)})
    found = next_generation(search, 1, [], replace(CONTEXT, size=size))
    drawn = {trial.network.filters for cohort in found.cohorts for _, trial in cohort.trials}
    assert drawn == {(2,), (2, 2)}, "2 x 20, then 1 x 10 are left, then nothing"
    assert found.exhausted


def test_the_table_says_how_it_was_selected(tmp_path: Path) -> None:
    run = search_inline(tmp_path, Search(space_of(STUDY, ["network.dropout=0..0.5"]), 4, 2))
    found = search_result(run)
    assert found is not None
    console = Console(width=200)
    with console.capture() as capture:
        console.print(search_view(found))
    shown = capture.get()
    assert "Search, 4 trials: the best 4 on validation" in shown
    assert "learning_rate" in shown
    assert "dropout" in shown
    assert "Selected on validation" in shown
    best = found.ranked[0]
    assert best.result.test is not None
    number = f"{best.draw.number} "
    row = next(line for line in shown.splitlines() if line.strip().startswith(number))
    assert row.split()[-1] == f"{best.result.test.macro_f1 * 100:.2f}"
    assert row.split()[-2] == f"{best.result.score * 100:.2f}"
    left_out = " ".join(collect(run).manifest.left_out)
    assert "Random search with seed 42: 4 trials, 2 drawn at a time" in left_out
    assert "network.dropout (0 to 0.5)" in left_out
    plain = found.to_dict()
    assert plain["best"][0]["validation_macro_f1"] == best.result.score
    assert [one["test"] is not None for one in plain["best"]].count(True) == len(
        collect(run).variants
    )


def test_an_ordinary_run_is_no_search(tmp_path: Path) -> None:
    run = run_inline(tmp_path, STUDY, seeds=1, epochs=1, dataset=small_dataset(mel=False))
    assert search_result(run) is None
    assert run.read_manifest().search is None
