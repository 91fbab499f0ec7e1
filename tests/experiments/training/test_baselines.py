import copy
import errno
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from sklearn.svm import SVC

from data.datasets.dataset import Dataset, Split
from data.files import atomic
from data.sources.npy_folder import read_npy_folder
from data.storage import hdf5
from experiments.errors import RunError
from experiments.runs.baseline_results import BaselineResult
from experiments.runs.directory import RunDirectory
from experiments.runs.events import Continued, Note, Paused
from experiments.training import baselines
from experiments.training.baselines import BASELINES, Baseline, fit, is_done
from experiments.training.baselines import record as task
from experiments.training.training_job import RunSettings, TrainingJob
from experiments.workers.worker_main import sending_to
from networks.training.metrics import batch_mean_f1
from tests.conftest import REAL_DATA, needs_real_data
from tests.support import raw_records

SEEDS = (42, 43)
OF = {baseline.name: baseline for baseline in BASELINES}


def _split(labels: list[int], track: int, seed: int) -> Split:
    """Rows of which a classifier gets most right, not all; columns of very different scales."""
    rng = np.random.default_rng(seed)
    label = np.array(labels)
    mfcc = rng.standard_normal((len(label), 26))
    mfcc[:, :3] += 1.2 * np.eye(3)[label]
    mfcc[:, 1] *= 1000
    mfcc[:, 5] = 7.0  # the same everywhere
    rows = len(label)
    return Split(mfcc, None, label, np.full(rows, track), np.arange(rows) / 1)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """50 + 24 + 20 rows; of the test rows 5 are jazz, of which there are most to train on."""
    return Dataset(
        name="small",
        genres=("blues", "jazz", "rock"),
        train=_split([0] * 10 + [1] * 25 + [2] * 15, 0, 1),
        validation=_split([0, 1, 2] * 8, 1, 2),
        test=_split([0] * 8 + [1] * 5 + [2] * 7, 2, 3),
        track_names=("a", "b", "c"),
    )


@pytest.fixture
def work(tmp_path: Path, dataset: Dataset) -> TrainingJob:
    path = tmp_path / "small.h5"
    hdf5.save(dataset, path)
    run = RunDirectory(tmp_path / "ffn-baseline" / "20260102T030405Z-abc123")
    settings = RunSettings("cpu", 1, "float32", tested=True, checkpoint_seconds=60.0)
    return TrainingJob(run, path, dataset.content_sha256, settings)


def _results(work: TrainingJob) -> dict[str, BaselineResult]:
    return {result.name: result for result in work.run.read_baselines(3)}


def _standardised(dataset: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Train, validation and test rows, by the means and deviations of the train rows."""
    train = dataset.train.mfcc
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    deviation[deviation == 0] = 1
    splits = (dataset.train, dataset.validation, dataset.test)
    first, second, third = ((rows.mfcc - mean) / deviation for rows in splits)
    return first, second, third


def test_figures_are_those_of_scikit_learn_on_the_same_rows(
    work: TrainingJob, dataset: Dataset
) -> None:
    assert task(work, SEEDS)
    train, validation, test = _standardised(dataset)
    models = {
        "logistic-regression": [LogisticRegression(max_iter=10_000)],
        "rbf-svm": [SVC(C=3)],
        "extra-trees": [ExtraTreesClassifier(200, random_state=seed) for seed in SEEDS],
    }
    found, label = _results(work), dataset.test.label
    assert list(found) == ["majority", *models]
    for name, fitted in models.items():
        for model in fitted:
            model.fit(train, dataset.train.label)
        predicted = [model.predict(test) for model in fitted]
        result = found[name]
        assert result.n == len(fitted)
        assert result.accuracy.values == pytest.approx(
            [accuracy_score(label, each) for each in predicted]
        )
        assert result.macro_f1.values == pytest.approx(
            [f1_score(label, each, average="macro") for each in predicted]
        )
        assert result.batch_mean_f1.values == tuple(
            batch_mean_f1(label, each) for each in predicted
        )
        summed = sum(confusion_matrix(label, each) for each in predicted)
        assert result.summed_confusion_matrix(3) == summed.tolist()
        assert result.validation_macro_f1 == pytest.approx(
            np.mean(
                [
                    f1_score(dataset.validation.label, model.predict(validation), average="macro")
                    for model in fitted
                ]
            )
        )
        assert 0.4 < result.accuracy.values[0] < 1.0
        with h5py.File(work.run.path / "baselines" / "predictions.h5") as file:
            np.testing.assert_array_equal(file[f"predicted/{name}"], predicted)


def test_the_majority_is_exactly_its_share(work: TrainingJob) -> None:
    assert task(work, SEEDS)
    majority = _results(work)["majority"]
    assert majority.accuracy.values == (5 / 20,)
    # F1 of jazz: 2 * 5 / (20 + 5); of the others 0.
    assert majority.macro_f1.values == (pytest.approx(0.4 / 3),)
    assert majority.validation_macro_f1 == pytest.approx((2 * 8 / (24 + 8)) / 3)
    assert majority.summed_confusion_matrix(3) == [[0, 8, 0], [0, 5, 0], [0, 7, 0]]


def test_only_what_is_random_is_fitted_once_a_seed(work: TrainingJob, dataset: Dataset) -> None:
    assert task(work, SEEDS)
    found = _results(work)
    assert {name: (result.n, result.seeds) for name, result in found.items()} == {
        "majority": (1, None),
        "logistic-regression": (1, None),
        "rbf-svm": (1, None),
        "extra-trees": (2, SEEDS),
    }
    for result in found.values():
        words = "one fit a seed" if result.seeds else "deterministic, one fit"
        assert words in result.what
        assert result.seconds is not None
        assert result.seconds > 0
        assert not result.failure
    with h5py.File(work.run.path / "baselines" / "predictions.h5") as file:
        assert {name: rows.shape for name, rows in file["predicted"].items()} == {
            name: (result.n, 20) for name, result in found.items()
        }
        assert file["predicted/extra-trees"].dtype.kind == "i"
        np.testing.assert_array_equal(file["label"], dataset.test.label)
        np.testing.assert_array_equal(file["track"], dataset.test.track)
        np.testing.assert_array_equal(file["start"], dataset.test.start)


@pytest.mark.parametrize("name", OF)
def test_it_is_fitted_on_train_rows_alone(dataset: Dataset, name: str) -> None:
    changed = replace(dataset, test=replace(dataset.test, mfcc=100 * dataset.test.mfcc))
    before, after = fit(OF[name], dataset, 42), fit(OF[name], changed, 42)
    np.testing.assert_array_equal(before.validation, after.validation)


def test_a_seed_gives_the_same_trees_again(dataset: Dataset) -> None:
    trees = replace(OF["extra-trees"], make=lambda s: ExtraTreesClassifier(5, random_state=s))
    first, again, other = (fit(trees, dataset, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.test, again.test)
    assert (first.test != other.test).any()


EVERY = [("majority", None), ("logistic-regression", None), ("rbf-svm", None)]
EVERY += [("extra-trees", 42), ("extra-trees", 43)]
Fitted = list[tuple[str, int | None]]


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> Fitted:
    """What is fitted, in order."""
    made: Fitted = []

    def counted(baseline: Baseline, dataset: Dataset, seed: int | None = None) -> baselines.Fit:
        made.append((baseline.name, seed))
        return fit(baseline, dataset, seed)

    monkeypatch.setattr(baselines, "fit", counted)
    return made


def test_what_is_done_is_not_done_again(work: TrainingJob, fitted: Fitted) -> None:
    assert task(work, SEEDS)
    assert sorted(fitted, key=str) == sorted(EVERY, key=str)
    before = {path: path.stat().st_mtime_ns for path in work.run.path.rglob("*")}
    assert task(work, SEEDS)
    assert before == {path: path.stat().st_mtime_ns for path in work.run.path.rglob("*")}
    fitted.clear()
    assert task(work, (42, 44))
    assert fitted == [("extra-trees", 44)]
    assert is_done(work.run, 3, (42, 44))


def test_runs_on_the_same_rows_share_their_fits(
    work: TrainingJob, fitted: Fitted, dataset: Dataset, tmp_path: Path
) -> None:
    baselines.fit_ahead(work.run, work.dataset, work.content_sha256, SEEDS)
    assert fitted == EVERY
    assert not work.run.path.exists()
    assert task(work, SEEDS)
    other = replace(work, run=RunDirectory(tmp_path / "ffn-baseline" / "20260102T030405Z-def456"))
    assert task(other, SEEDS)
    assert fitted == EVERY
    assert other.run.read_baselines() == work.run.read_baselines()
    path = tmp_path / "others.h5"
    rows = replace(dataset, train=_split([0, 1, 2] * 16, 0, 9))
    hdf5.save(rows, path)
    baselines.fit_ahead(work.run, path, rows.content_sha256, SEEDS)
    assert fitted == EVERY * 2


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY", "other settings", "other classes"])
def test_a_fit_in_the_cache_that_is_none_of_ours_is_made_anew(
    work: TrainingJob, fitted: Fitted, own_places: Path, content: bytes | str
) -> None:
    baselines.fit_ahead(work.run, work.dataset, work.content_sha256, SEEDS)
    (path,) = (own_places / "cache" / "baselines").glob("*/rbf-svm-None.npz")
    with np.load(path) as arrays:
        stored = dict(arrays)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "other settings":
        np.savez(path, **stored | {"what": np.array("C = 4")})
    else:
        np.savez(path, **stored | {"test": stored["test"] + 3})
    fitted.clear()
    assert task(work, SEEDS)
    assert fitted == [("rbf-svm", None)]
    with np.load(path) as arrays:
        np.testing.assert_array_equal(arrays["test"], stored["test"])


def test_a_cache_that_cannot_be_written_is_done_without(
    work: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENRE_TUI_CACHE", "/dev/null")
    assert task(work, SEEDS)
    assert is_done(work.run, 3, SEEDS)


def test_other_settings_are_other_baselines(
    work: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert task(work, SEEDS)
    assert is_done(work.run, 3, SEEDS)
    monkeypatch.setattr(baselines, "BASELINES", (replace(BASELINES[0], what="another"),))
    assert not is_done(work.run, 3, SEEDS)


def _broken(seed: int | None) -> Any:
    raise MemoryError("no room\nand a hint")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"make": _broken}, "^MemoryError: no room$"),
        ({"most_rows": 49}, r"fitted on 49 train rows at most, .* Received: 50\."),
        (
            {"make": lambda seed: LogisticRegression(max_iter=1)},
            "^ConvergenceWarning: lbfgs failed to converge",
        ),
    ],
)
def test_one_that_cannot_be_fitted_ends_no_other(
    work: TrainingJob, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], words: str
) -> None:
    majority, _, svm, _ = BASELINES
    monkeypatch.setattr(baselines, "BASELINES", (replace(svm, **changes), majority))
    reported: list[Any] = []
    with sending_to(reported.append):
        assert task(work, SEEDS)
    failed, other = work.run.read_baselines(3)
    assert re.search(words, failed.failure)
    assert (failed.n, failed.accuracy.values, failed.seconds) == (0, (), None)
    assert failed.summed_confusion_matrix(3) == [[0, 0, 0]] * 3
    assert other.n == 1
    (note,) = reported
    assert isinstance(note, Note)
    assert note.text == f"the baseline rbf-svm has no figures: {failed.failure}"
    assert is_done(work.run, 3, SEEDS)


def test_a_stop_that_was_asked_for_before(work: TrainingJob) -> None:
    work.run.path.mkdir(parents=True)
    work.run.ask_to_stop()
    assert not task(work, SEEDS)
    assert work.run.read_baselines() == ()


@pytest.mark.parametrize("name", ["predictions.h5", "result.json"])
@pytest.mark.parametrize("stops", [True, False])
def test_a_full_disk_is_waited_for_until_a_stop(
    work: TrainingJob, monkeypatch: pytest.MonkeyPatch, name: str, stops: bool
) -> None:
    sync, hits = atomic.sync, 0

    def full(path: Path) -> None:
        nonlocal hits
        if name in path.name and path.is_file() and not hits:
            hits += 1
            if stops:
                work.run.ask_to_stop()
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        sync(path)

    monkeypatch.setattr(atomic, "sync", full)
    monkeypatch.setattr(baselines, "BASELINES", BASELINES[:1])
    reported: list[Any] = []
    with sending_to(reported.append):
        assert task(work, SEEDS) is not stops
    assert hits == 1
    assert [type(message) for message in reported] == ([Paused] if stops else [Paused, Continued])
    assert len(work.run.read_baselines(3)) == (0 if stops else 1)
    assert not list(work.run.path.rglob(".*.tmp*"))


def test_a_changed_dataset_is_refused(work: TrainingJob) -> None:
    with pytest.raises(RunError, match="has changed since the run began"):
        task(replace(work, content_sha256="0" * 64), SEEDS)


def test_the_task_can_travel_to_a_worker(work: TrainingJob) -> None:
    assert pickle.loads(pickle.dumps((task, work, SEEDS))) == (task, work, SEEDS)


def test_none_are_read_where_none_are_recorded(tmp_path: Path) -> None:
    assert RunDirectory(tmp_path).read_baselines(3) == ()


def _path(run: RunDirectory) -> Path:
    return run.path / "baselines" / "result.json"


def _record() -> dict[str, Any]:
    """Two fits, whose sums and means are easily told."""
    fits = [
        {
            "seconds": seconds,
            "validation": {"accuracy": 0.5, "macro_f1": f1},
            "test": {
                "accuracy": accuracy,
                "macro_f1": 0.5,
                "batch_mean_f1": 0.25,
                "confusion_matrix": matrix,
            },
        }
        for seconds, f1, accuracy, matrix in (
            (1.0, 0.4, 0.75, [[1, 0], [1, 2]]),
            (3.0, 0.6, 0.5, [[1, 0], [2, 1]]),
        )
    ]
    return {
        "baselines": [
            {"name": "trees", "what": "some", "seeds": [1, 2], "failure": "", "fits": fits}
        ]
    }


def test_a_record_is_summed_up(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    raw_records.write(_path(run), _record())
    (result,) = run.read_baselines(2)
    assert result.summary(2) == {
        "name": "trees",
        "what": "some",
        "seeds": [1, 2],
        "n": 2,
        "accuracy": {"mean": 0.625, "std": pytest.approx(0.1767767), "values": [0.75, 0.5]},
        "macro_f1": {"mean": 0.5, "std": 0.0, "values": [0.5, 0.5]},
        "batch_mean_f1": {"mean": 0.25, "std": 0.0, "values": [0.25, 0.25]},
        "validation_macro_f1": pytest.approx(0.5),
        "confusion_matrix": [[2, 0], [3, 3]],
        "seconds": 2.0,
        "failure": "",
    }


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        *way, last = path
        place: Any = record
        for key in way:
            place = place[key]
        if to is _set:
            del place[last]
        else:
            place[last] = to

    return change


_FIT = ("baselines", 0, "fits", 1)


@pytest.mark.parametrize(
    "change",
    [
        _set("baselines", to=_set),
        _set("baselines", to={}),
        _set("baselines", to=[[]]),
        _set("baselines", 0, "name", to=3),
        _set("baselines", 0, "what", to=None),
        _set("baselines", 0, "seeds", to=[1]),
        _set("baselines", 0, "seeds", to=[1, "2"]),
        _set("baselines", 0, "seeds", to=None),
        _set("baselines", 0, "failure", to=_set),
        _set("baselines", 0, "failure", to="both failed and fitted"),
        _set("baselines", 0, "fits", to="x"),
        _set(*_FIT, to=None),
        _set(*_FIT, "seconds", to=10**400),
        _set(*_FIT, "seconds", to=True),
        _set(*_FIT, "validation", "macro_f1", to=1.5),
        _set(*_FIT, "validation", to=[]),
        _set(*_FIT, "test", "accuracy", to=-0.1),
        _set(*_FIT, "test", "accuracy", to="1"),
        _set(*_FIT, "test", "macro_f1", to=_set),
        _set(*_FIT, "test", "batch_mean_f1", to=None),
        _set(*_FIT, "test", "confusion_matrix", to=[[1, 0]]),
        _set(*_FIT, "test", "confusion_matrix", to=[[1, 0], [1, 2, 3]]),
        _set(*_FIT, "test", "confusion_matrix", to=[[1, 0], [1]]),
        _set(*_FIT, "test", "confusion_matrix", to=[[1, 0], [1, -2]]),
        _set(*_FIT, "test", "confusion_matrix", to=[[1, 0], [1, 10**12]]),
        _set(*_FIT, "test", "confusion_matrix", to=[[1, 0], "12"]),
    ],
)
def test_a_record_that_is_none_of_ours(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    run, record = RunDirectory(tmp_path / "20260102T030405Z-abc123"), copy.deepcopy(_record())
    change(record)
    raw_records.write(_path(run), record)
    with pytest.raises(RunError, match=r"result\.json is damaged .* resume 2026"):
        run.read_baselines(2)
    assert not is_done(run, 2, SEEDS)


def test_neither_fits_nor_results_need_heavy_packages_to_be_imported() -> None:
    script = (
        "import sys, experiments.training.baselines, experiments.runs.baseline_results; "
        "print(sorted({'torch', 'keras', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@needs_real_data
def test_the_source_datasets_known_figures() -> None:
    source = read_npy_folder(REAL_DATA / "music_genre_data", "source", with_mel=False)

    def accuracy(name: str) -> float:
        return float(np.mean(fit(OF[name], source, 42).test == source.test.label))

    assert accuracy("rbf-svm") == pytest.approx(0.719, abs=0.003)
    assert accuracy("logistic-regression") == pytest.approx(0.701, abs=0.005)
    assert accuracy("extra-trees") == pytest.approx(0.704, abs=0.015)
    # Every genre has as many train rows: the first is predicted.
    assert accuracy("majority") == np.mean(source.test.label == 0)
