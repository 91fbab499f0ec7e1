"""Cross-validation from the plan to the screens, with figures that are computed here again."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from data.datasets.dataset import Dataset
from data.datasets.folds import assign_folds, fold_dataset
from data.errors import DataError
from data.storage import catalogue
from experiments import RunError, load_run, run_study
from experiments.design.study import Budget, Study, Variant
from experiments.design.trial import cohort_id
from experiments.display.comparison_tables import comparison_view
from experiments.display.result_tables import results_view
from experiments.export.as_json import as_object
from experiments.export.csv_files import write_tables
from experiments.export.tables import tables_of
from experiments.report.writing import render
from experiments.results.analysis import analyse
from experiments.results.comparison import compare
from experiments.results.run_result import collect
from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import last_event
from experiments.runs.events import PlannedTrial, RunEnded
from experiments.runs.predictions import baselines_of, predictions_of
from experiments.runs.progress import RunProgress, TrialProgress
from experiments.runs.state import snapshot
from experiments.training.baselines import BASELINES, fit
from experiments.training.cohorts import cohorts_of
from genre_tui.compare.comparison_data import comparison_csv, read_run
from genre_tui.confusion.matrix_selection import MatrixSelection, read_tests, select_matrix
from genre_tui.confusion.matrix_selection import trials_needed as needed
from genre_tui.confusion.segments import (
    features_of,
    in_cell,
    neighbours,
    open_sources,
    segments_csv,
)
from genre_tui.model.run_model import RunModel
from genre_tui.run import trial_table
from networks.models.config import FFNConfig, TrainingConfig
from networks.training.metrics import macro_f1
from tests.support import raw_records
from tests.support.faults import STUDY as FAULTS
from tests.support.fork_server import ForkServer
from tests.support.inline_pool import events_of, run_inline
from tests.support.processes import begin, finish, go_on, kill, results_of, wait_until
from tests.support.tracks import dataset_of_tracks

FOLDS, SEEDS = 3, 2
_TRAINING = TrainingConfig(optimizer="adam", batch_size=8, epochs=3, keep="best")
STUDY = Study(
    "widths",
    "Which width?",
    "",
    (Variant("narrow", FFNConfig((2,)), _TRAINING), Variant("wide", FFNConfig((24,)), _TRAINING)),
    Budget(3, (1e-4, 3e-2)),
)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return dataset_of_tracks(tracks=7, segments=(2, 5), mel=True)


@pytest.fixture(scope="module")
def run(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("folds")
    return run_inline(folder, STUDY, "controlled", SEEDS, dataset=dataset, folds=FOLDS)


def _pooled(dataset: Dataset, name: str) -> np.ndarray:
    return np.concatenate([getattr(rows, name) for _, rows in dataset.splits()])


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_each_trial_is_of_one_fold_and_cohorts_do_not_mix_them(run: RunDirectory) -> None:
    manifest = run.read_manifest()
    assert [fold and fold.number for fold in manifest.folds] == [1, 2, 3]
    assert len(manifest.trials) == 2 * 2 * FOLDS * SEEDS
    for cohort in manifest.cohorts:
        assert len({manifest.trials[trial].fold for trial in cohort.trials}) == 1
    assert RunDirectory(run.path).read_manifest() == manifest
    assert any("3 folds by track of all rows" in line for line in manifest.left_out)


def test_figures_are_those_of_the_predictions(run: RunDirectory, dataset: Dataset) -> None:
    label, track = _pooled(dataset, "label"), _pooled(dataset, "track")
    folds = assign_folds(dataset, FOLDS)
    for variant in collect(run).variants:
        tested: Counter[int] = Counter()
        figures: dict[int, list[float]] = {}
        confusion = np.zeros((3, 3), dtype=int)
        for one in variant.tested_trials:
            found = predictions_of(run, one.trial.id, 3)
            assert found is not None
            assert found.row is not None
            assert one.trial.fold is not None
            assert set(folds[found.row]) == {one.trial.fold.number}
            assert np.array_equal(found.label, label[found.row])
            assert np.array_equal(found.track, track[found.row])
            tested.update(found.row.tolist())
            right = float((found.predicted == label[found.row]).mean())
            assert one.result is not None
            assert one.result.test is not None
            assert one.result.test.accuracy == pytest.approx(right)
            figures.setdefault(one.trial.fold.number, []).append(right)
            np.add.at(confusion, (found.label, found.predicted), 1)
        assert tested == dict.fromkeys(range(len(label)), SEEDS)
        of_folds = [fmean(values) for values in figures.values()]
        assert variant.n == FOLDS * SEEDS
        assert variant.accuracy.mean == pytest.approx(fmean(of_folds))
        assert variant.accuracy.std == pytest.approx(stdev(of_folds))
        assert variant.confusion_matrix == confusion.tolist()
        assert variant.times_tested == SEEDS


def test_validation_selects_on_each_fold_alone(run: RunDirectory) -> None:
    for variant in collect(run).variants:
        for chosen in variant.selected:
            rivals = [one for one in variant.candidates if one.fold == chosen.fold]
            assert len(rivals) == 2
            scores = {one.learning_rate: one.validation_macro_f1.mean for one in rivals}
            assert chosen.learning_rate == max(scores, key=lambda rate: scores[rate] or 0)
            assert [len(one.tested) for one in rivals if one is not chosen] == [0]


def test_intervals_and_tests_count_folds(run: RunDirectory) -> None:
    result = collect(run)
    analysis = analyse(result)
    means = {}
    for variant in result.variants:
        folds: dict[int, list[float]] = {}
        for one in variant.tested_trials:
            assert one.trial.fold
            assert one.result
            assert one.result.test
            folds.setdefault(one.trial.fold.number, []).append(one.result.test.macro_f1)
        means[variant.name] = np.array([fmean(values) for values in folds.values()])
        error = math.sqrt((1 / FOLDS + 1 / (FOLDS - 2)) * means[variant.name].var(ddof=1))
        reach = stats.t.ppf(0.975, FOLDS - 1) * error
        interval = analysis.intervals[variant.name].macro_f1
        assert interval is not None
        assert (interval.n, interval.method) == (FOLDS, "corrected resampled t")
        assert interval.low == pytest.approx(max(0, means[variant.name].mean() - reach))
        assert interval.high == pytest.approx(min(1, means[variant.name].mean() + reach))
    assert analysis.answer is not None
    (pair,) = analysis.answer.pairs
    differences = means[pair.first] - means[pair.second]
    error = math.sqrt((1 / FOLDS + 1 / (FOLDS - 2)) * differences.var(ddof=1))
    assert pair.comparison is not None
    assert pair.comparison.n == FOLDS
    p = 2 * stats.t.sf(abs(differences.mean() / error), FOLDS - 1)
    assert pair.comparison.p == pytest.approx(p)
    assert "3 folds" in analysis.sentence
    assert analysis.unit == "21 tracks"  # all of the dataset's, once a seed


def test_baselines_are_fitted_on_each_fold(run: RunDirectory, dataset: Dataset) -> None:
    folds, classes = assign_folds(dataset, FOLDS), _pooled(dataset, "label")
    result = {one.name: one for one in collect(run).baselines}
    baseline = next(one for one in BASELINES if one.name == "logistic-regression")
    expected, accuracies = np.full(len(classes), -1), []
    for number in range(1, FOLDS + 1):
        fold = fold_dataset(dataset, folds, number)
        predicted = fit(baseline, fold).test
        expected[fold.test.row] = predicted
        accuracies.append(float((predicted == fold.test.label).mean()))
    assert np.array_equal(baselines_of(run)[baseline.name], expected[None])
    assert result[baseline.name].accuracy.values == pytest.approx(tuple(accuracies))
    assert result["extra-trees"].n == FOLDS * SEEDS
    assert baselines_of(run)["extra-trees"].shape == (SEEDS, len(classes))
    compared = {one.baseline: one for one in analyse(collect(run)).baselines}
    best = next(v for v in collect(run).variants if v.name == analyse(collect(run)).best)
    first = [one for one in best.tested_trials if one.trial.seed == 42]
    right = sum(
        int((found.predicted == found.label).sum())
        for one in first
        if (found := predictions_of(run, one.trial.id, 3))
    )
    difference = right / len(classes) - float((expected == classes).mean())
    assert compared[baseline.name].comparison.difference == pytest.approx(difference)


def test_tables_name_folds_and_rows_of_the_dataset(
    run: RunDirectory, dataset: Dataset, tmp_path: Path
) -> None:
    write_tables(tables_of(collect(run)), tmp_path / "csv", replace=False)
    for name in ("trials", "epochs", "confusion", "predictions", "baselines"):
        rows = _rows(tmp_path / "csv" / f"{name}.csv")
        assert {row["fold"] for row in rows} == {"1", "2", "3"}, name
    places: Counter[tuple[str, ...]] = Counter()
    for row in _rows(tmp_path / "csv" / "predictions.csv"):
        split = getattr(dataset, row["split"])
        assert dataset.genres[split.label[int(row["row"])]] == row["label"]
        places[row["variant"], row["seed"], row["split"], row["row"]] += 1
    assert set(places.values()) == {1}
    plain = json.loads(json.dumps(as_object(collect(run))))
    assert (plain["folds"], plain["group"]) == (FOLDS, "track")
    assert {trial["fold"]["number"] for trial in plain["trials"]} == {1, 2, 3}


def test_reports_and_tables_speak_of_folds(run: RunDirectory, tmp_path: Path) -> None:
    html = render([run])
    assert "3 folds by track, 2 seeds" in html
    assert "corrected resampled" in html
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(results_view(collect(run), analyse(collect(run))))
    fixed = run_inline(
        tmp_path, STUDY, "controlled", SEEDS, dataset=dataset_of_tracks(7, (2, 5), mel=True)
    )
    compared = compare([run, fixed])
    assert compared.share_dataset
    assert {one.what: one.values for one in compared.differences}["folds"] == ("3 by track", "-")
    assert all(variant.to_first[1].macro_f1 is None for variant in compared.variants)
    assert compared.best == ()  # other test rows
    console.print(comparison_view(compared))
    text = console.export_text()
    assert "3 folds by track, 2 seeds" in text
    assert "summed over 3 folds by track, 2 seeds" in text
    assert "cannot tell" in text


def test_the_same_folds_of_two_runs_are_paired(
    run: RunDirectory, dataset: Dataset, tmp_path: Path
) -> None:
    other = run_inline(tmp_path, STUDY, "controlled", 1, 2, dataset=dataset, folds=FOLDS)
    compared = compare([run, other])
    wide = next(one for one in compared.variants if one.name == "wide")
    to_first = wide.to_first[1]
    assert to_first is not None
    assert to_first.accuracy is not None
    assert to_first.accuracy.n == FOLDS
    before, after = (result.accuracy.by_replicate for result in wide.results if result)
    common = [key for key in before if key in after]
    assert len(common) == FOLDS  # of the seed that both have
    expected = fmean(after[key] - before[key] for key in common)
    assert to_first.accuracy.difference == pytest.approx(expected)
    (best,) = compared.best
    assert best.resampled_by == "21 tracks"


def test_the_terminal_ui_sums_folds_and_finds_their_rows(
    run: RunDirectory, dataset: Dataset
) -> None:
    catalogue.add(dataset, replace=True)
    model, result = RunModel(run), collect(run)
    assert [len(one.groups) for one in model.settings] == [2, 2]
    assert {len(group.trials) for one in model.settings for group in one.groups} == {6}
    variant = result.variants[1]
    selection = MatrixSelection(variant.trials[0], "test", all_seeds=True)
    tests = read_tests(run, needed(model, selection), 3)
    view = select_matrix(model, selection, tests)
    assert view.counts == variant.confusion_matrix
    assert "6 trainings on all folds summed" in view.title
    alone = select_matrix(model, MatrixSelection(variant.trials[0], "test"), tests)
    assert "fold 1, seed 42" in alone.title
    sources = open_sources(run, model, view.trials)
    assert len(sources.predictions) == SEEDS
    assert len(sources.predictions[0].label) == len(_pooled(dataset, "label"))
    cells = [(i, j) for i in range(3) for j in range(3)]
    found = {one.row: one for cell in cells for one in in_cell(sources, *cell)}
    assert len(found) == len(_pooled(dataset, "label"))
    for one in found.values():
        split, index = one.place
        rows = getattr(dataset, split)
        assert one.track == dataset.track_names[rows.track[index]]
        assert one.start == rows.start[index]
        shown = features_of(sources, one.row)
        assert np.array_equal(shown.mel[0], rows.mel[index])
    before, after = neighbours(sources, 1)
    assert None not in (before, after)
    text = segments_csv(dataset.genres, list(found.values()), with_split=True)
    assert text.startswith("split,row,track")
    table = list(csv.DictReader(trial_table.trials_csv(model).splitlines()))
    assert {row["fold"] for row in table} == {"1", "2", "3"}
    entries = trial_table.rows(model, 0)
    assert [entry.fold for entry in entries[:3]] == [1, 1, 2]
    assert "fold 1, seed 42" in trial_table.line_of(entries[0])
    assert len(comparison_csv(read_run(run)).splitlines()) == 3


@pytest.mark.slow
def test_a_killed_and_a_stopped_run_go_on_to_the_same_end(
    fork_server: ForkServer, tmp_path: Path
) -> None:
    dataset = dataset_of_tracks(tracks=4)
    begun = {"dataset": dataset, "folds": 3, "study": FAULTS}
    whole, _ = begin(fork_server, tmp_path, "controlled", **begun)
    finish(whole)
    run, path = begin(fork_server, tmp_path, "controlled", fault="trains_slowly", **begun)
    wait_until(lambda: len(events_of(run, "checkpoint")) >= 3)
    kill(events_of(run, "run_began")[-1]["owner"]["pid"])
    go_on(fork_server, run, path, fault="trains_slowly")
    done = len(events_of(run, "epoch"))
    wait_until(lambda: len(events_of(run, "epoch")) > done + 20)
    run.ask_to_stop()
    wait_until(lambda: isinstance(last_event(run), RunEnded))
    go_on(fork_server, run, path)
    finish(run)
    assert results_of(run) == results_of(whole)
    arrays = [baselines_of(one) for one in (run, whole)]
    assert arrays[0].keys() == arrays[1].keys()
    assert all(np.array_equal(arrays[0][name], arrays[1][name]) for name in arrays[0])


def test_from_python(dataset: Dataset) -> None:
    catalogue.add(dataset, replace=True)
    made = run_study(STUDY, data="tracks", epochs=2, folds=3, variants=["wide"])
    assert "folds" in str(made.results())
    assert len(made.history("wide", 42, fold=2)["loss"]) == 2
    assert made.load_model("wide", 42, fold=3).count_params() > 0
    with pytest.raises(RunError, match="Its folds, of which one has to be named: 1 to 3"):
        load_run(made.path).history("wide", 42)
    assert {row["fold"] for row in made.trials.to_rows()} == {1, 2, 3}
    assert "--folds 3 --group track" in render([RunDirectory(made.path)])
    with pytest.raises(RunError, match="each of 8 folds needs tracks of every genre"):
        run_study(STUDY, data="tracks", folds=8)
    with pytest.raises(RunError, match="folds must be a whole number from 3"):
        run_study(STUDY, data="tracks", folds=2)
    with pytest.raises(RunError, match="add folds"):
        run_study(STUDY, data="tracks", group="artist")


def test_macro_f1_of_a_fold_is_that_of_its_rows(run: RunDirectory) -> None:
    for variant in collect(run).variants:
        for result in variant.tested:
            assert result.test is not None
            expected = macro_f1(np.array(result.test.confusion_matrix))
            assert result.test.macro_f1 == pytest.approx(expected)


def test_rows_without_tracks_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    dataset = dataset_of_tracks(tracks=5)
    splits = {
        split: replace(rows, track=np.full(len(rows), -1)) for split, rows in dataset.splits()
    }
    with pytest.raises(DataError, match="does not name the track of every row"):
        run_inline(tmp_path, STUDY, dataset=replace(dataset, **splits), folds=3)
    assert not list(tmp_path.glob("runs/*/*/run.json"))


def test_a_plan_that_lacks_a_fold_or_mixes_them_is_damaged(
    run: RunDirectory, tmp_path: Path
) -> None:
    plain = raw_records.read_run(run)
    for number, words in ((0, "lacks folds"), (1, "another cohort")):
        changed = json.loads(json.dumps(plain))
        if number == 0:
            for variant in changed["variants"]:
                del variant["candidates"][0]
            named = {t for v in changed["variants"] for c in v["candidates"] for t in c["trials"]}
            changed["trials"] = {k: t for k, t in changed["trials"].items() if k in named}
            changed["cohorts"] = [{"id": "c", "trials": sorted(named)}]
        else:
            trials = [trial for cohort in changed["cohorts"] for trial in cohort["trials"]]
            changed["cohorts"] = [{"id": cohort_id(trials), "trials": trials}]
        other = RunDirectory(tmp_path / str(number))
        raw_records.write_run(other, changed)
        with pytest.raises(RunError, match=words):
            cohorts_of(other.read_manifest())


def test_events_name_the_fold_and_are_as_before_without(run: RunDirectory) -> None:
    (plan,) = events_of(run, "plan")
    trials = [trial for cohort in plan["cohorts"] for trial in cohort["trials"]]
    assert Counter(trial["fold"] for trial in trials) == {1: 8, 2: 8, 3: 8}
    assert "fold" not in PlannedTrial("a", "b", 42, 3).to_dict()
    progress = snapshot(run).progress
    assert {trial.fold for trial in progress.trials.values()} == {1, 2, 3}
    kept = RunProgress.from_record(json.loads(json.dumps(progress.to_record())))
    assert [one.fold for one in kept.trials.values()] == [t.fold for t in progress.trials.values()]
    assert "fold" not in TrialProgress("a", "b", 42, 3).to_record()


def test_a_run_of_which_folds_are_missing_shows_what_there_is(
    run: RunDirectory, tmp_path: Path
) -> None:
    part = RunDirectory(tmp_path / "widths" / "part")
    shutil.copytree(run.path, part.path)
    wide = next(one for one in collect(run).variants if one.name == "wide")
    gone = [t.trial.id for t in wide.tested_trials if t.trial.replicate != ((1, 3, "track"), 42)]
    for trial in gone:
        part.discard_result(trial)
    result = collect(part)
    assert [variant.n for variant in result.variants] == [FOLDS * SEEDS, 1]
    analysis = analyse(result)
    assert analysis.intervals["wide"].macro_f1 is None  # of one fold
    assert analysis.sentence.startswith("No two variants share three folds")
    assert analysis.intervals["wide"].accuracy_on_rows is None  # not of all rows
    assert analysis.intervals["narrow"].accuracy_on_rows is not None
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(results_view(result, analysis), comparison_view(compare([run, part])))
    assert "1/6" in console.export_text()
    assert "5 of 12 trials have no result" in render([part])
    assert len(comparison_csv(read_run(part)).splitlines()) == 3
