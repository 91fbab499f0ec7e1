"""Simple classifiers on the statistics of rows, fitted and tested on the rows of a run.

A network that is no better than they are has learned nothing that they have not.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.audio.parameters import FEATURE_NAMES, STATISTICS, statistics_name
from data.datasets.dataset import Dataset, Split
from data.errors import DataError
from data.files.atomic import commit
from data.files.user_folders import cache_folder
from experiments.design.trial import Fold
from experiments.errors import RunError
from experiments.runs.baseline_results import BaselineFit, BaselineResult
from experiments.runs.directory import RunDirectory
from experiments.runs.disk_space import StopAskedError, retry_when_disk_full
from experiments.runs.events import Note
from experiments.runs.trial_result import Scores, TestScores
from experiments.training.training_job import TrainingJob, places_of, read_dataset
from experiments.workers.worker_main import send
from networks.training import metrics

Int64 = npt.NDArray[np.int64]
Arrays = dict[str, npt.NDArray[Any]]
Folds = tuple[Fold | None, ...]
WHOLE: Folds = (None,)  # the dataset's own splits

_TREES = 200
_MOST_SVM_ROWS = 100_000  # minutes on one core; the time grows with their square


@dataclass(frozen=True)
class Baseline:
    """A classifier whose settings are fixed: none was tuned on any rows.

    Args:
        name: in records and tables.
        what: its classifier and settings, in a phrase.
        make: a classifier of scikit-learn, from a seed.
        is_random: whether it draws numbers: it is fitted once a seed then, else once.
        most_rows: that it is fitted on; None where there is no limit.
    """

    name: str
    what: str
    make: Callable[[int | None], Any]
    is_random: bool = False
    most_rows: int | None = None

    def seeds(self, of_run: Sequence[int]) -> tuple[int, ...] | None:
        """The seeds that it is fitted with; None where it is fitted once, without."""
        return tuple(of_run) if self.is_random else None


@dataclass(frozen=True)
class Fit:
    """What a fitted baseline predicts.

    Args:
        validation: classes of the validation rows. [shape=(n,)]
        test: classes of the test rows. [shape=(m,)]
        seconds: that fitting took.
    """

    validation: Int64
    test: Int64
    seconds: float


def fit(baseline: Baseline, dataset: Dataset, seed: int | None = None) -> Fit:
    """Fit a baseline on the train rows, standardised by their means and deviations.

    Args:
        baseline: to fit.
        dataset: whose rows' `statistics` it reads.
        seed: of one that draws numbers.

    Raises:
        RunError: there are more train rows than it is fitted on.
        ConvergenceWarning: it found no optimum.
        ValueError: scikit-learn cannot fit it on such rows.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = dataset.train
    if baseline.most_rows is not None and len(rows) > baseline.most_rows:
        raise RunError(
            f"it is fitted on {baseline.most_rows} train rows at most, as its time grows with "
            f"their square. Received: {len(rows)}."
        )
    model = make_pipeline(StandardScaler(), baseline.make(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        began = time.perf_counter()
        model.fit(rows.statistics(), rows.label)
        seconds = time.perf_counter() - began
        parts = dataset.validation, dataset.test
        validation, test = (model.predict(part.statistics()) for part in parts)
    return Fit(validation, test, seconds)


def is_done(run: RunDirectory, classes: int, seeds: Sequence[int], folds: Folds = WHOLE) -> bool:
    """Whether these baselines are recorded, of these seeds and folds; a damaged record is none.

    Args:
        run: its directory.
        classes: number of genres.
        seeds, folds: of the run.
    """
    try:
        found = run.read_baselines(classes)
    except RunError:
        return False
    return [(result.name, result.seeds, result.folds) for result in found] == [
        (baseline.name, baseline.seeds(seeds), _count(folds)) for baseline in BASELINES
    ] and all(
        result.what in (_what(baseline, name) for names in STATISTICS for name in names.values())
        for result, baseline in zip(found, BASELINES, strict=True)
    )


def fit_ahead(
    run: RunDirectory, path: Path, content_sha256: str, seeds: Sequence[int], folds: Folds = WHOLE
) -> None:
    """Fit all baselines into the user's cache, where `record` finds them.

    Nothing depends on it: errors, and what a stop leaves undone, are left to `record`.

    Args:
        run: whose stop ends this.
        path: of the dataset's file.
        content_sha256: of its rows.
        seeds, folds: of the run.
    """
    for fold in folds:
        dataset = read_dataset(path, content_sha256, fold)
        for baseline, seed in _planned_fits(seeds):
            if run.stop_is_asked:
                return
            with suppress(Exception):
                _cached_fit(baseline, dataset, seed)


def record(job: TrainingJob, seeds: Sequence[int], folds: Folds = WHOLE) -> bool:
    """Fit all baselines and record their figures, unless that is done.

    An error of one is recorded as its failure, and ends no other. While the disk is full
    this waits.

    Args:
        job: on what, and where to record it.
        seeds, folds: of the run.

    Returns:
        Whether they are recorded: False where a stop was requested.

    Raises:
        DataError: the dataset cannot be read, or the record not written.
        RunError: the dataset has changed.
    """
    run = job.run
    genres = read_dataset(job.dataset, job.content_sha256).genres
    if is_done(run, len(genres), seeds, folds):
        return True
    fits: dict[str, list[BaselineFit]] = {baseline.name: [] for baseline in BASELINES}
    predicted: dict[str, list[Int64]] = {baseline.name: [] for baseline in BASELINES}
    tested: list[Arrays] = []
    failures: dict[str, str] = {}
    for fold in folds:
        dataset = read_dataset(job.dataset, job.content_sha256, fold)
        tested.append({"label": dataset.test.label} | places_of(dataset.test))
        found: dict[tuple[str, int | None], Fit] = {}
        # From the last one on: `fit_ahead` may still be on its way from the first one on.
        for baseline, seed in reversed([*_planned_fits(seeds)]):
            if run.stop_is_asked:
                return False
            if baseline.name in failures:
                continue
            try:
                found[baseline.name, seed] = _cached_fit(baseline, dataset, seed)
            except Exception as error:  # of any kind: only this baseline is concerned
                failures[baseline.name] = _reason(error)
        for name in fits.keys() - failures.keys():
            chosen = [made for (of, _), made in reversed(found.items()) if of == name]
            fits[name] += [_figures(made, dataset) for made in chosen]
            predicted[name].append(np.stack([made.test for made in chosen]))
    results = []
    read = statistics_name(dataset.shapes, dataset.provenance.get("kind", ""))
    for baseline in BASELINES:
        name, failure = baseline.name, failures.get(baseline.name, "")
        if failure:
            send(Note(f"the baseline {name} has no figures: {failure}"))
        figures = () if failure else tuple(fits[name])
        result = _result(baseline, seeds, folds, figures, failure)
        results.append(replace(result, what=_what(baseline, read)))
    arrays = _joined(tested, {n: p for n, p in predicted.items() if n not in failures})
    try:
        retry_when_disk_full(lambda: run.write_baselines(results, arrays), run, send)
    except StopAskedError:
        return False
    return True


def record_failure(run: RunDirectory, seeds: Sequence[int], folds: Folds, reason: str) -> None:
    """Record that there will be no baselines, and why."""
    results = [_result(baseline, seeds, folds, (), reason) for baseline in BASELINES]
    run.write_baselines(results, {})


def _result(
    baseline: Baseline,
    seeds: Sequence[int],
    folds: Folds,
    fits: tuple[BaselineFit, ...],
    failure: str,
) -> BaselineResult:
    of = baseline.seeds(seeds)
    return BaselineResult(baseline.name, baseline.what, of, fits, failure, _count(folds))


def _what(baseline: Baseline, read: str) -> str:
    return baseline.what.replace(FEATURE_NAMES["mfcc"], read)


def _count(folds: Folds) -> int | None:
    return None if folds == WHOLE else len(folds)


def _joined(tested: Sequence[Arrays], predicted: Mapping[str, Sequence[Int64]]) -> Arrays:
    """Test rows of all folds in the order of the dataset, with the classes that are predicted.

    Args:
        tested: labels and places of each fold's test rows. [shape=(n,)]
        predicted: of each fold, by baseline. [shape=(seeds, n)]
    """
    arrays = {name: np.concatenate([rows[name] for rows in tested]) for name in tested[0]}
    arrays |= {f"predicted/{name}": np.concatenate(p, axis=1) for name, p in predicted.items()}
    if "row" in arrays:
        order = arrays["row"].argsort()
        arrays = {name: values[..., order] for name, values in arrays.items()}
    return arrays


def _planned_fits(seeds: Sequence[int]) -> Iterator[tuple[Baseline, int | None]]:
    for baseline in BASELINES:
        for seed in baseline.seeds(seeds) or (None,):
            yield baseline, seed


def _cached_fit(baseline: Baseline, dataset: Dataset, seed: int | None) -> Fit:
    """As `fit`, but fitted once for all runs on the same rows, with the same scikit-learn."""
    folder = f"{dataset.content_sha256[:32]}-{version('scikit-learn')}"
    path = cache_folder() / "baselines" / folder / f"{baseline.name}-{seed}.npz"
    found = _read_fit(path, baseline, dataset)
    if found is not None:
        return found
    made = fit(baseline, dataset, seed)
    with suppress(DataError), commit(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            what=baseline.what,
            validation=made.validation,
            test=made.test,
            seconds=made.seconds,
        )
    return made


def _read_fit(path: Path, baseline: Baseline, dataset: Dataset) -> Fit | None:
    """A cached fit; None where there is none that belongs to these settings and rows."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            fit = Fit(arrays["validation"], arrays["test"], float(arrays["seconds"]))
            if str(arrays["what"]) != baseline.what:
                return None
    except Exception:  # there is none, or it is damaged in one of many ways
        return None
    for classes, rows in ((fit.validation, dataset.validation), (fit.test, dataset.test)):
        if (
            classes.shape != rows.label.shape
            or not np.isin(classes, range(len(dataset.genres))).all()
        ):
            return None
    return fit


def _figures(each: Fit, dataset: Dataset) -> BaselineFit:
    test = _confusion(dataset, dataset.test, each.test)
    validation = _confusion(dataset, dataset.validation, each.validation)
    return BaselineFit(
        round(each.seconds, 4),
        Scores(metrics.accuracy(validation), metrics.macro_f1(validation)),
        TestScores(
            metrics.accuracy(test),
            metrics.macro_f1(test),
            metrics.batch_mean_f1(dataset.test.label, each.test),
            test.tolist(),
        ),
    )


def _confusion(dataset: Dataset, rows: Split, predicted: Int64) -> Int64:
    return metrics.confusion_matrix(rows.label, predicted, len(dataset.genres))


def _reason(error: Exception) -> str:
    first, *_ = str(error).splitlines() or [""]
    text = first.rstrip(": ")
    return text if isinstance(error, RunError) else f"{type(error).__name__}: {text}"


def _majority(seed: int | None) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="most_frequent")


def _logistic_regression(seed: int | None) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=10_000)


def _rbf_svm(seed: int | None) -> Any:
    from sklearn.svm import SVC

    return SVC(kernel="rbf", C=3.0, gamma="scale")


def _extra_trees(seed: int | None) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(_TREES, random_state=seed, n_jobs=1)


BASELINES = (
    Baseline(
        "majority",
        "always the genre with the most train rows (deterministic, one fit)",
        _majority,
    ),
    Baseline(
        "logistic-regression",
        "logistic regression, L2, C = 1, on standardised MFCC statistics (deterministic, one fit)",
        _logistic_regression,
    ),
    Baseline(
        "rbf-svm",
        "support vector machine, RBF kernel, C = 3, on standardised MFCC statistics "
        "(deterministic, one fit)",
        _rbf_svm,
        most_rows=_MOST_SVM_ROWS,
    ),
    Baseline(
        "extra-trees",
        f"{_TREES} extremely randomised trees on standardised MFCC statistics (one fit a seed)",
        _extra_trees,
        is_random=True,
    ),
)
