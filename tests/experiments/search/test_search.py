"""Whole searches in this process: what they draw, find, tell, and how they go on."""

import math
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna", reason="needs the extra search")

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from rich.console import Console

from data.errors import NoSpaceError
from data.storage import hdf5
from experiments.cli.search_table import search_view
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing, Request
from experiments.design.search_options import space_of
from experiments.design.search_settings import Search
from experiments.design.study import Budget, Study, Variant
from experiments.errors import RunError
from experiments.execution import search_loop
from experiments.execution.run_process import Carrier
from experiments.results.run_result import collect
from experiments.results.search_result import search_result
from experiments.runs import checksums, listing
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import owning
from experiments.runs.state import state_of
from experiments.search.generations import Draw, draws_of
from experiments.search.optuna_journal import write_journal
from experiments.search.optuna_trials import Told
from experiments.search.sampling import Place, draw, next_generation
from experiments.studies import STUDIES
from experiments.training import baselines, evaluation
from experiments.training.cohorts import Cohort
from networks.engine import cohort
from networks.models.config import FFNConfig, TrainingConfig
from tests.conftest import small_dataset
from tests.scenarios.test_kills import assert_nothing_was_done_twice
from tests.support.inline_pool import InlinePool, events_of, go_on_inline, run_inline
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
PLACE = Place("0" * 64, 3, "cpu")


@pytest.fixture(autouse=True)
def one_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others take longer than all that is tested here."""
    monkeypatch.setattr(baselines, "BASELINES", baselines.BASELINES[:1])


class StoppingPool(InlinePool):
    """Asks for a stop before each second task."""

    tasks = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        StoppingPool.tasks += 1
        if isinstance(args[-1], Cohort) and StoppingPool.tasks % 2 == 0:
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
    with owning(run, print) as me:
        Carrier(run, me, pool=pool).begin(request)
    return run


def state(run: RunDirectory) -> str:
    return state_of(run, run.read_run()).state


def drawn(run: RunDirectory) -> tuple[Draw, ...]:
    return draws_of(run.read_run())


def journal(run: RunDirectory) -> list[optuna.trial.FrozenTrial]:
    """The trials that Optuna's own tools see."""
    path = str(run.path / "optuna.journal")
    backend = JournalFileBackend(path, lock_obj=JournalFileOpenLock(path))
    return optuna.load_study(study_name=run.name, storage=JournalStorage(backend)).trials


def log_search(sampler: Any = "random", trials: int = 7, cohort_: int = 3) -> Search:
    return Search(space_of(STUDY), trials, cohort_, sampler)


def test_it_finds_the_better_setting_and_tests_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested: list[str] = []
    original = evaluation.predict

    def counting(dataset: Any, trial: Any, model: Any) -> Any:
        tested.append(trial.id)
        return original(dataset, trial, model)

    monkeypatch.setattr(evaluation, "predict", counting)
    monkeypatch.setattr("experiments.training.recorder.predict", counting)
    run = search_inline(tmp_path, Search(space_of(STUDY, grid=True), 4, 2))
    assert state(run) == "finished"
    result = collect(run)
    assert {v.name: v.learning_rate for v in result.variants} == {"plain": 0.1, "glorot": 0.1}
    assert [v.selected_from for v in result.variants] == [2, 2]
    assert [v.n for v in result.variants] == [1, 1]
    assert len(tested) == len(set(tested)) == 2
    found = search_result(run)
    assert found is not None
    assert {one.trial for one in found.ranked[:2]} == set(tested)
    assert all(one.values == {"training.learning_rate": 0.1} for one in found.ranked[:2])
    assert [one.macro_f1 is None for one in found.ranked] == [False, False, True, True]
    assert result.best is not None
    assert result.best.name == found.ranked[0].variant


def test_a_repeated_draw_is_drawn_anew_until_nothing_is_left(tmp_path: Path) -> None:
    run = search_inline(tmp_path, Search(space_of(STUDY, grid=True), 9, 3))
    assert state(run) == "finished"
    facts = run.read_run()
    assert len(facts["trials"]) == 4, "the whole grid, each once"
    assert facts["search"]["generations"] == 2
    notes = [event["text"] for event in events_of(run, "note")]
    assert notes[-1] == "nothing new is left to draw: the search ends with 4 trials"
    shares = [event["share"] for event in events_of(run, "epoch", "trial")]
    assert shares == pytest.approx(sorted(shares), abs=1e-6)  # those of epochs are rounded
    assert shares[-1] == 1.0


def test_run_json_is_frozen_and_generations_are_merged(tmp_path: Path) -> None:
    run = search_inline(tmp_path, log_search())
    frozen = run.path / "run.json"
    text = frozen.read_text(encoding="utf-8")
    assert not any(draw.trial.id in text for draw in drawn(run))
    assert frozen.stat().st_mtime_ns < (run.path / "generations" / "0001.json").stat().st_mtime_ns
    facts = run.read_run()
    assert [len(planned["trials"]) for planned in facts["cohorts"]]
    assert sum(len(planned["trials"]) for planned in facts["cohorts"]) == 7
    assert sorted(path.name for path in (run.path / "generations").iterdir()) == [
        "0001.json",
        "0002.json",
        "0003.json",
    ]
    assert [draw.number for draw in drawn(run)] == list(range(7))
    candidates = {
        variant["name"]: [c["trials"][0] for c in variant["candidates"]]
        for variant in facts["variants"]
    }
    for draw_ in drawn(run):
        assert draw_.trial.id in candidates[draw_.setting.variant]
        rate = draw_.setting.values["training.learning_rate"]
        assert draw_.trial.training.learning_rate == rate
        assert 1e-9 <= rate <= 0.1


def test_a_generation_is_committed_before_it_trains(tmp_path: Path) -> None:
    class Watching(InlinePool):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            if isinstance(args[-1], Cohort):
                there = listing.all_runs(tmp_path / "runs")[0]
                ids = {trial.id for _, trial in args[-1].trials}
                known = {trial.user_attrs["trial"]: trial.state for trial in journal(there)}
                assert ids <= there.read_run()["trials"].keys()
                assert {known[name].name for name in ids} == {"RUNNING"}
                assert state(there) == "running"
            return super().submit(fn, *args, **kwargs)

    search_inline(tmp_path, log_search(), pool=Watching)


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_draws_depend_on_what_was_told_alone(sampler: Any) -> None:
    search = Search(space_of(STUDY), 100, 6, sampler).settled(["plain", "glorot"], "cpu", None)

    def generations(scores: float) -> list[Draw]:
        told: list[Told] = []
        for number in range(1, 5):
            found = draw(search, number, told, PLACE)
            told += [Told(one, "finished", scores * (i % 3)) for i, one in enumerate(found)]
        return [one.draw for one in told]

    assert generations(0.1) == generations(0.1)
    assert len({one.trial.id for one in generations(0.1)}) == 24
    other = replace(search, seed=1)
    assert draw(other, 1, [], PLACE) != draw(search, 1, [], PLACE)


def test_tpe_learns_where_random_does_not() -> None:
    """The score falls with the distance from a rate of 1e-3."""

    def distance(sampler: Any) -> float:
        search = Search(space_of(STUDY), 64, 8, sampler).settled(["plain", "glorot"], "cpu", None)
        told: list[Told] = []
        for number in range(1, 9):
            for one in draw(search, number, told, PLACE):
                rate = one.trial.training.learning_rate
                score = 1 - abs(_decades(rate) + 3) / 9
                told.append(Told(one, "finished", score))
        return sum(abs(_decades(t.draw.trial.training.learning_rate) + 3) for t in told[16:])

    assert distance("tpe") < 0.7 * distance("random")


def _decades(rate: float) -> float:
    return math.log10(rate)


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_stopped_search_goes_on_as_if_it_had_not_been(tmp_path: Path, sampler: Any) -> None:
    search = log_search(sampler, trials=13, cohort_=4)
    whole = search_inline(tmp_path, search)
    run = search_inline(tmp_path, search, pool=StoppingPool)
    stops = 0
    while state(run) != "finished":
        assert state(run) == "stopped"
        stops += 1
        journal_path = run.path / "optuna.journal"
        if stops == 1:
            journal_path.unlink()
        else:
            journal_path.write_bytes(journal_path.read_bytes()[:-20])
        before = committed(run)
        go_on_inline(run, tmp_path / "small.h5", pool=StoppingPool)
        after = committed(run)
        for name, file in before.items():
            result = run.read_result(name)
            assert after[name] == file or (result and result["test"])
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
    original = cohort.build

    def failing(network: Any, *rest: Any) -> Any:
        if network.initializer == "glorot_uniform":
            raise RuntimeError("out of memory")
        return original(network, *rest)

    monkeypatch.setattr(cohort, "build", failing)
    study = replace(STUDY, budget=Budget(3, (0.1, 1e30)))
    run = search_inline(tmp_path, Search(space_of(study, grid=True), 4, 4), study)
    assert state(run) == "finished"
    told = {
        (trial.params["variant"], trial.params["training.learning_rate"]): trial.state.name
        for trial in journal(run)
    }
    assert told == {
        ("plain", 0.1): "COMPLETE",
        ("plain", 1e30): "PRUNED",
        ("glorot", 0.1): "FAIL",
        ("glorot", 1e30): "FAIL",
    }
    found = search_result(run)
    assert found is not None
    assert (len(found.ranked), found.diverged, found.failed) == (1, 1, 2)
    values = {trial.number: trial.value for trial in journal(run) if trial.value is not None}
    assert values == {found.ranked[0].number: found.ranked[0].validation_macro_f1}


@pytest.mark.parametrize("damage", ["torn", "missing", "nonsense", "ahead"])
def test_a_damaged_journal_is_written_anew(tmp_path: Path, damage: str) -> None:
    search = Search(space_of(STUDY), 6, 3).settled(["plain", "glorot"], "cpu", None)
    run = RunDirectory(tmp_path / "small" / "x")
    first = draw(search, 1, [], PLACE)
    told = [Told(one, "finished", 0.5, 2.0) for one in first]
    told += map(Told, draw(search, 2, told, PLACE))
    write_journal(run, search, told)
    expected = _plain(run)
    assert [trial[1].name for trial in expected] == ["COMPLETE"] * 3 + ["RUNNING"] * 3
    assert (journal(run)[0].duration or timedelta()).total_seconds() == 2.0
    path = run.path / "optuna.journal"
    content = path.read_bytes()
    if damage == "ahead":
        path.unlink()
        write_journal(run, search, [Told(one.draw, "failed") for one in told])
    elif damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[:-20] if damage == "torn" else b"\0\xff{\n" * 3)
    write_journal(run, search, told)
    assert _plain(run) == expected
    assert [file.name for file in run.path.iterdir()] == ["optuna.journal"]


def test_a_full_disk_pauses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = search_loop.write_journal
    calls = []

    def full(*rest: Any) -> None:
        calls.append(rest)
        if len(calls) == 3:  # that of the second generation
            raise NoSpaceError("no space left to write optuna.journal.")
        original(*rest)

    monkeypatch.setattr(search_loop, "write_journal", full)
    run = search_inline(tmp_path, log_search())
    assert state(run) == "finished"
    (paused,) = events_of(run, "paused")
    assert paused["reason"] == "no space left to write optuna.journal."
    assert len(events_of(run, "continued")) == 1
    assert len(journal(run)) == 7


def test_a_search_is_complete_only_when_all_is_drawn_and_tested(tmp_path: Path) -> None:
    run = search_inline(tmp_path, log_search())
    last = run.path / "generations" / "0003.json"
    content = last.read_bytes()
    last.unlink()
    assert state(run) != "finished", "seven were asked for, six are drawn"
    last.write_bytes(content[:-9])
    with pytest.raises(RunError, match=r"0003\.json is damaged"):
        run.read_run()
    last.write_bytes(content)
    assert state(run) == "finished"
    found = search_result(run)
    assert found is not None
    tested = next(one.trial for one in found.ranked if one.macro_f1 is not None)
    result = run.read_result(tested)
    assert result is not None
    run.write_result(tested, result | {"test": None})
    assert state(run) != "finished", "the selected one is not tested"
    go_on_inline(run, tmp_path / "small.h5")
    assert run.read_result(tested) == result


def test_a_search_without_any_generation_goes_on(tmp_path: Path) -> None:
    """As one that was killed just after its run.json was written."""
    whole = search_inline(tmp_path, log_search())
    run = listing.create(tmp_path / "runs", STUDY.name)
    (run.path / "run.json").write_bytes((whole.path / "run.json").read_bytes())
    assert state(run) == "crashed"
    assert collect(run).variants == ()
    go_on_inline(run, tmp_path / "small.h5")
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
        go_on_inline(run, tmp_path / "small.h5")


def test_fields_that_exclude_each_other() -> None:
    words = ["training.optimizer=adam,adamw", "training.l2=0.001"]
    space = space_of(STUDY, words, grid=True)
    search = Search(space, 100, 100).settled(["plain", "glorot"], "cpu", None)
    found = next_generation(search, 1, [], PLACE)
    assert {one.trial.training.optimizer for one in found.draws} == {"adam"}
    assert len(found.draws) == 4
    assert found.is_last
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
        next_generation(search, 1, [], PLACE)


def test_networks_that_do_not_fit_are_not_drawn() -> None:
    space = space_of(
        STUDIES["pooling-padding"], ["training.batch_size=16,100000"], grid=True, epochs=1
    )
    names = [start.variant for start in space.starts]
    search = Search(space, 40, 40).settled(names, "cuda", 4 * 2**30)
    found = next_generation(search, 1, [], replace(PLACE, device="cuda"))
    assert found.draws
    assert {one.trial.training.batch_size for one in found.draws} == {16}


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
    row = next(line for line in shown.splitlines() if line.strip().startswith(f"{best.number} "))
    assert row.split()[-1] == f"{best.macro_f1 * 100:.2f}"  # type: ignore[operator]
    assert row.split()[-2] == f"{best.validation_macro_f1 * 100:.2f}"
    left_out = " ".join(collect(run).left_out)
    assert "Random search with seed 42: 4 trials, 2 drawn at a time" in left_out
    assert "network.dropout (0 to 0.5)" in left_out
    plain = found.to_dict()
    assert plain["best"][0]["validation_macro_f1"] == best.validation_macro_f1
    assert [one["test"] is not None for one in plain["best"]].count(True) == len(
        collect(run).variants
    )


def test_an_ordinary_run_is_no_search(tmp_path: Path) -> None:
    run = run_inline(tmp_path, STUDY, seeds=1, epochs=1, dataset=small_dataset(mel=False))
    assert search_result(run) is None
    assert "search" not in run.read_run()
