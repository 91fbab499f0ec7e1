"""Studies and runs from Python: `run_study`, `load_run`, `list_runs` and `compare`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from data.datasets.artists import Group
from data.files.user_folders import runs_folder
from data.sources.open import dataset_path, summarise_dataset
from experiments.design.dataset_size import DatasetSize
from experiments.design.limits import check_type
from experiments.design.own_code import require_trusted
from experiments.design.request import CHECKPOINT_SECONDS, Computing, Request
from experiments.design.study import Protocol, Study
from experiments.display.comparison_tables import analysis_view, comparison_view
from experiments.display.follow import check_end, follow
from experiments.display.notebook_table import NotebookTable, Row
from experiments.display.result_tables import results_view, rows_view, runs_view
from experiments.errors import RunError
from experiments.execution import launch, stopping
from experiments.export.tables import tables_of
from experiments.results.analysis import Analysis, analyse
from experiments.results.comparison import RunComparison
from experiments.results.comparison import compare as compare_runs
from experiments.results.run_result import RunResult, VariantTrial, collect
from experiments.runs.directory import RunDirectory
from experiments.runs.listing import LATEST, find
from experiments.runs.lock import is_alive
from experiments.runs.manifest import RunManifest
from experiments.runs.state import State, state_of
from experiments.runs.summaries import summarise_all
from experiments.runs.trial_result import FiguresOverSeeds
from experiments.statistics.paired_tests import SeedComparison
from experiments.studies.lookup import study_from_options
from networks.backend import replaced_backend
from networks.training.cohort_key import Precision


def run_study(
    study: str | Path | Study,
    *,
    data: str | Path | None = None,
    protocol: Protocol | None = None,
    seeds: int | None = None,
    epochs: int | None = None,
    folds: int | None = None,
    group: Group | None = None,
    quick: bool = False,
    extended: bool = False,
    variants: Sequence[str] = (),
    vary: Mapping[str, Sequence[Any]] = MappingProxyType({}),
    device: str = "auto",
    threads: int = 1,
    workers: int | None = None,
    precision: Precision = "float32",
    anyway: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    runs: str | Path | None = None,
    wait: bool = True,
) -> Run:
    """Train a study's networks in processes of their own, and test what validation selects.

    While it waits it shows the progress. Ctrl-C, or a notebook's stop button, stops the run at
    the end of the epoch; a second one ends it at once. What is done is kept.

    Args:
        study: a name in `STUDIES`, the path of a TOML file, or a `Study`.
        data: as `load_dataset` takes it.
        protocol: "documented" or "controlled"; None leaves it to the study.
        seeds: number of seeds of each setting; None leaves it to the protocol.
        epochs: of every training, instead of the protocol's.
        folds: of cross-validation, at least 3: all rows are tested, each by networks that were
            trained and selected on other folds. None uses the dataset's own splits.
        group: what is kept in one fold: "track" or "artist"; None means "track".
        quick: the controlled protocol with a smaller budget.
        extended: with the variants that only the extended study has.
        variants: names of those to train; none for all.
        vary: values by the paths of fields, such as `{"training.batch_size": [16, 64]}`:
            every variant is trained with each of them.
        device: "auto", "cpu" or "cuda".
        threads: of the CPU in each process.
        workers: processes on the CPU; None leaves it to the program.
        precision: of products: "float32", "tf32" (on CUDA) or "bfloat16".
        anyway: also at a precision that the device is slow at.
        checkpoint_seconds: between two checkpoints, at least.
        runs: folder of all runs; None means GENRE_TUI_RUNS, else ./runs.
        wait: until the run has ended; False returns when it has begun.

    Returns:
        The run.

    Raises:
        RunError: the study or an option is wrong, or the run failed.
        DataError: there is no such dataset, or it lacks what the networks read.
        KeyboardInterrupt: it was stopped; says how it goes on.

    Example:
    >>> from experiments import run_study
    >>> run = run_study("ffn-baseline", data="demo", epochs=2, variants=["last-epoch"])
    >>> run.state
    'finished'
    """
    if sentence := replaced_backend():
        warnings.warn(sentence, stacklevel=2)
    chosen, options = study_from_options(
        study,
        protocol=protocol,
        seeds=seeds,
        epochs=epochs,
        folds=folds,
        group=group,
        quick=quick,
        extended=extended,
        variants=variants,
        grid=vary,
    )
    computing = Computing(device, threads, workers, precision, anyway, checkpoint_seconds)
    found = summarise_dataset(data, chosen.features)  # refuse before anything is written
    size = DatasetSize.of(found.rows, len(found.genres), found.shapes, options.folds)
    for variant in chosen.of(options.protocol, extended=options.extended):
        size.check(variant.name, variant.network)
    request = Request(chosen, dataset_path(data), options, computing)
    run = Run(launch.start(request, _folder(runs)))
    return run.wait() if wait else run


def load_run(run: str | Path = LATEST, *, runs: str | Path | None = None) -> Run:
    """Find a run, whether it is finished or not.

    Args:
        run: "latest", a folder, a name, or the unique beginning of a name or id.
        runs: folder of all runs; None means GENRE_TUI_RUNS, else ./runs.

    Returns:
        The run, with its figures, records and models.

    Raises:
        RunError: there is none, or more than one.

    Example:
    >>> from experiments import load_run, run_study
    >>> path = run_study("ffn-baseline", data="demo", epochs=2).path
    >>> load_run("latest").path == path
    True
    """
    return Run(find(_folder(runs), str(run)))


def list_runs(*, runs: str | Path | None = None) -> NotebookTable:
    """List all runs with their states, the oldest first.

    Args:
        runs: folder of all runs; None means GENRE_TUI_RUNS, else ./runs.

    Returns:
        A table with `to_rows()`: run, path, state, dataset, protocol, created, trials, done and
        failed.

    Example:
    >>> from experiments import list_runs
    >>> [row["run"] for row in list_runs().to_rows() if row["state"] == "running"]
    []
    """
    found = summarise_all(_folder(runs))
    return NotebookTable(found, lambda: runs_view(found))


def compare(
    run: Run | str | Path, *others: Run | str | Path, runs: str | Path | None = None
) -> NotebookTable:
    """Compare the variants of one run with each other, or several runs with the first.

    Args:
        run: as `load_run` takes it, or returned it.
        others: further runs.
        runs: folder of all runs; None means GENRE_TUI_RUNS, else ./runs.

    Returns:
        A table with `to_rows()`: differences of test macro-F1, paired by seed (and fold), with 95 %
        intervals and p. Printed, it says more.

    Raises:
        RunError: a run is not there, is named twice, or its records are damaged.

    Example:
    >>> from experiments import compare, run_study
    >>> first = run_study("ffn-baseline", data="demo", epochs=2, variants=["last-epoch"])
    >>> other = run_study("ffn-baseline", data="demo", epochs=3, variants=["last-epoch"])
    >>> [row["run"] for row in compare(first, other).to_rows()] == [first.name, other.name]
    True
    """
    found = [one if isinstance(one, Run) else load_run(one, runs=runs) for one in (run, *others)]
    if len(found) == 1:
        result, analysis = found[0].result, found[0].analysis
        return NotebookTable(_pairs(analysis), lambda: analysis_view(result, analysis))
    compared = compare_runs([RunDirectory(one.path) for one in found])
    return NotebookTable(_beside(compared), lambda: comparison_view(compared))


class Run:
    """A run of a study, which trains in processes of its own.

    Args:
        directory: of the run.

    Example:
    >>> from experiments import run_study
    >>> run = run_study("ffn-baseline", data="demo", epochs=2)
    >>> len(run.history("last-epoch", seed=42)["val_macro_f1"])
    2
    """

    def __init__(self, directory: RunDirectory) -> None:
        self._directory = RunDirectory(directory.path.absolute())
        self._analysis: Analysis | None = None

    def __repr__(self) -> str:
        return f"<Run {self.name}: {self.state}>"

    @property
    def path(self) -> Path:
        """Its folder."""
        return self._directory.path

    @property
    def name(self) -> str:
        """<study>/<utc>-<id>."""
        return self._directory.name

    @property
    def state(self) -> State:
        """One of "running", "stopping", "stopped", "finished", "failed" and "crashed"."""
        return state_of(self._directory, self._manifest).state

    @property
    def result(self) -> RunResult:
        """Its figures, as far as it has come, typed."""
        return collect(self._directory)

    @property
    def analysis(self) -> Analysis:
        """Statistics of its figures."""
        return self._analyse(self.result)

    @property
    def answer(self) -> str:
        """What its figures answer, in a sentence."""
        return self.analysis.sentence

    def results(self) -> NotebookTable:
        """Test figures of each variant over its seeds or folds, and of baselines on the same rows.

        Returns:
            A table with `to_rows()`: shares between 0 and 1, standard deviations and the 95 %
            interval of the mean over seeds or folds, None where there is none.
        """
        result = self.result
        analysis = self._analyse(result)
        captions = [result.manifest.question, analysis.sentence]
        rows = _figures(result, analysis)
        return NotebookTable(rows, lambda: results_view(result, analysis), captions)

    @property
    def trials(self) -> NotebookTable:
        """A row a variant and trial: status, epochs, validation and test figures."""
        return self.table("trials")

    def table(self, name: str) -> NotebookTable:
        """A table of its records, as `python -m experiments export` writes it.

        Args:
            name: "trials", "epochs", "confusion", "predictions" or "baselines".

        Raises:
            RunError: there is no such table, or a record is damaged.
        """
        tables = tables_of(self.result)
        if name not in tables:
            raise RunError(f"there is no table {name!r:.60}. There are: {', '.join(tables)}.")
        found = tables[name]
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        return NotebookTable(rows, lambda: rows_view(rows))

    def history(
        self,
        variant: str,
        seed: int,
        *,
        fold: int | None = None,
        learning_rate: float | None = None,
    ) -> dict[str, list[float | None]]:
        """Values of each metric at the end of each epoch of a trial that has ended.

        Args:
            variant: its name.
            seed: of the trial.
            fold: that it was tested on, from 1; None where there are no folds.
            learning_rate: of the trial; None means that which validation selects.

        Raises:
            RunError: there is no such trial, or it has not ended.
        """
        result = self._find(variant, seed, fold, learning_rate).result
        if result is None:
            raise RunError(f"the trial {variant}, seed {seed} of {self.name} has not ended yet.")
        return {name: list(values) for name, values in result.history.items()}

    def load_model(
        self,
        variant: str,
        seed: int,
        *,
        fold: int | None = None,
        learning_rate: float | None = None,
    ) -> Any:
        """The trained Keras model of a trial, on the CPU.

        Args:
            variant, seed, fold, learning_rate: see `history`.

        Raises:
            RunError: there is no such trial, or a function of somebody else builds it.
            ConfigError: it has no model, or a damaged one.
        """
        from networks.inference import load_model

        trial = self._find(variant, seed, fold, learning_rate).trial
        require_trusted(trial.network)
        path = self._directory.trial_path(trial.id) / "model.keras"
        size = self._manifest.size
        shape = size.shape_of(trial.network)
        return load_model(path, trial.network, size.classes, input_shape=shape)

    def wait(self) -> Run:
        """Show its progress until it has ended; raises as `run_study`."""
        interrupted = False

        def stop(_: RunDirectory) -> str:
            nonlocal interrupted
            interrupted = True
            return "s"

        if is_alive(self._directory):
            follow(self._directory, stop)
        resuming = f"Go on with experiments.load_run({str(self.path)!r}).resume()."
        if check_end(self._directory, resuming).state == "stopped" and interrupted:
            raise KeyboardInterrupt(f"{self.name} was stopped; what is done is kept. {resuming}")
        return self

    def stop(self, *, now: bool = False) -> None:
        """Stop it at the end of its epoch, and wait for that; `resume` goes on.

        Args:
            now: end its processes at once instead.

        Raises:
            RunError: its processes do not end, or are on another machine.
        """
        if now:
            stopping.end_now(self._directory)
        elif is_alive(self._directory):
            self._directory.ask_to_stop()
            stopping.await_end(self._directory)

    def resume(self, *, data: str | Path | None = None, wait: bool = True) -> Run:
        """Go on from its checkpoints; trials that are done stay as they are.

        Args:
            data: the dataset, where it has gone from where it was.
            wait: until the run has ended.

        Raises:
            RunError: it is finished, or running, or cannot go on; or as `run_study`.
        """
        if self.state == "finished":
            raise RunError(f"{self.name} is finished: there is nothing left to do.")
        launch.resume(self._directory, None if data is None else dataset_path(data))
        return self.wait() if wait else self

    @property
    def _manifest(self) -> RunManifest:
        return self._directory.read_manifest()

    def _analyse(self, result: RunResult) -> Analysis:
        if self._analysis is not None:
            return self._analysis
        analysis = analyse(result)
        self._analysis = analysis if result.state == "finished" else None
        return analysis

    def _find(
        self, variant: str, seed: int, fold: int | None, learning_rate: float | None
    ) -> VariantTrial:
        found = {one.name: one for one in self.result.variants}
        if variant not in found:
            raise RunError(f"{self.name} has no variant {variant!r}. It has: {', '.join(found)}.")
        selected = found[variant].selected
        chosen = [
            candidate
            for candidate in (selected if learning_rate is None else found[variant].candidates)
            if (candidate.fold and candidate.fold.number) == fold
            and learning_rate in (None, candidate.learning_rate)
        ]
        for planned in (planned for candidate in chosen for planned in candidate.trials):
            if planned.trial.seed == seed:
                return planned
        which, folds = f"seed {seed}", [one.fold.number for one in selected if one.fold]
        which += "" if fold is None else f" on fold {fold}"
        if learning_rate is not None:
            which += f" with the learning rate {learning_rate!r:.40}"
        seeds = ", ".join(str(planned.trial.seed) for planned in selected[0].trials)
        there = f" Its folds, of which one has to be named: 1 to {max(folds)}." if folds else ""
        raise RunError(
            f"{self.name} has no trial of {variant} with {which}. Its seeds: {seeds}.{there}"
        )


def _folder(runs: str | Path | None) -> Path:
    if runs is not None:
        check_type("runs", runs, (str, Path), "the path of a folder")
    return runs_folder() if runs is None else Path(runs)


def _figures(result: RunResult, analysis: Analysis) -> list[Row]:
    """A row a variant, then a row a baseline."""
    rows = []
    for variant in result.variants:
        found = analysis.intervals.get(variant.name)
        interval = None if found is None else found.macro_f1
        rate = variant.learning_rate
        about: Row = {"variant": variant.name, "kind": "network", "learning_rate": rate}
        of_networks = {
            "macro_f1_low": None if interval is None else interval.low,
            "macro_f1_high": None if interval is None else interval.high,
            "epochs": variant.epochs.mean,
            "seconds": variant.seconds.mean,
        }
        rows.append(about | _scores(variant) | of_networks)
    for baseline in result.baselines:
        about = {"variant": baseline.name, "kind": "baseline", "seconds": baseline.seconds}
        rows.append(dict.fromkeys(rows[0]) | about | _scores(baseline))
    return rows


def _scores(of: FiguresOverSeeds) -> Row:
    return {
        "n": of.n,
        "accuracy": of.accuracy.mean,
        "accuracy_std": of.accuracy.std,
        "macro_f1": of.macro_f1.mean,
        "macro_f1_std": of.macro_f1.std,
    }


def _pairs(analysis: Analysis) -> list[Row]:
    """A row for each two variants."""
    pairs = () if analysis.answer is None else analysis.answer.pairs
    return [
        {"variant": pair.first, "against": pair.second}
        | _difference(pair.comparison)
        | {"adjusted_p": pair.adjusted_p}
        for pair in pairs
    ]


def _beside(compared: RunComparison) -> list[Row]:
    """A row a variant and run."""
    return [
        {"variant": variant.name, "run": result.run.name}
        | _scores(found)
        | _difference(to_first.macro_f1 if to_first else None)
        for variant in compared.variants
        for result, found, to_first in zip(
            compared.results, variant.results, variant.to_first, strict=True
        )
        if found is not None
    ]


def _difference(found: SeedComparison | None) -> Row:
    interval = found and found.interval
    return {
        "difference": found and found.difference,
        "low": interval and interval.low,
        "high": interval and interval.high,
        "p": found and found.p,
        "seeds": found and found.n,
    }
