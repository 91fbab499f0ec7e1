"""The start form's model: its values, their check and forecast, and the start of the run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from data.audio.parameters import FEATURE_NAMES
from data.datasets.artists import Group
from experiments.design.dataset_size import DatasetSize
from experiments.design.limits import BOUNDS
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing, Request
from experiments.design.study import Protocol, Study
from experiments.design.variants import parse_grid
from experiments.errors import RunError
from experiments.execution.launch import start
from experiments.forecasting import forecast
from experiments.runs.directory import RunDirectory
from experiments.studies.lookup import split_names, study_from_options
from genre_tui.core.app_session import runs_option
from genre_tui.core.subprocess_command import SubprocessCommand
from genre_tui.model.dataset_rows import DEMO, SPLITS, DatasetLine

DEVICES = ("auto", "cpu", "cuda")
_MOST_FORECAST = 1000  # trials; planning so many takes a second


@dataclass(frozen=True)
class RunRequest:
    """A run to start: the values of the form's fields, text fields as they were typed.

    Args:
        study: name of a study, or path of a TOML file.
        data: name of a dataset, or path of an .h5 file.
        seeds, epochs: whole numbers; "" for the study's own.
        folds: a whole number, of cross-validation; "" for the dataset's own splits.
        group: what is kept in one fold.
        variants: names separated by commas; "" for all.
        vary: fields with values, such as training.learning_rate=1e-4,1e-3, quoted as in a shell.
    """

    study: str
    data: str
    protocol: Protocol = "documented"
    seeds: str = ""
    epochs: str = ""
    quick: bool = False
    extended: bool = False
    device: str = "auto"
    variants: str = ""
    vary: str = ""
    folds: str = ""
    group: Group = "track"

    def arguments(self, runs: Path) -> list[str]:
        """Arguments of `python -m` that start it in a folder of runs."""
        words = ["experiments", "run", self.study, "--data", self.data]
        words += ["--protocol", self.protocol]
        words += ["--quick"] * self.quick + ["--extended"] * self.extended
        for option in ("seeds", "epochs", "variants"):
            if value := getattr(self, option).strip(" ,"):
                words += [f"--{option}", value]
        if folds := self.folds.strip():
            words += ["--folds", folds, "--group", self.group]
        for values in shlex.split(self.vary):
            words += ["--vary", values]
        words += ["--device", self.device] * (self.device != "auto")
        return words + runs_option(runs)

    def command(self, runs: Path) -> str:
        """The command line that starts it."""
        return shlex.join(["python", "-m", *self.arguments(runs)])

    def study_and_options(self) -> tuple[Study, StudyOptions]:
        """The study and its options.

        Raises:
            RunError: there is no such study, variant or field, or a value is not allowed.
        """
        return study_from_options(
            self.study,
            protocol=self.protocol,
            seeds=_whole(self.seeds),
            epochs=_whole(self.epochs),
            quick=self.quick,
            extended=self.extended,
            variants=split_names(self.variants),
            folds=_whole(self.folds),
            group=self.group if self.folds.strip() else None,
            grid=parse_grid(tuple(shlex.split(self.vary))),
        )

    def resolve(self) -> Request:
        """The request for the run process; raises as `study_and_options`."""
        from data.sources.open import dataset_path

        study, options = self.study_and_options()
        return Request(study, dataset_path(self.data), options, Computing(device=self.device))


@dataclass(frozen=True)
class CheckedForm:
    """The result of checking a form.

    Args:
        request: the form's values.
        problems: error messages by name of field; empty where the run can be started.
        time: forecast, such as "about 4 min"; "" where there are too many trials to plan.
        notes: sentences, such as about variants that are left out.
    """

    request: RunRequest
    problems: Mapping[str, str] = field(default_factory=dict)
    trials: int = 0
    time: str = ""
    notes: tuple[str, ...] = ()


def check_form(request: RunRequest, dataset: DatasetLine | None) -> CheckedForm:
    """Check a form, and forecast its run; up to a second of work."""
    problems: dict[str, str] = {}
    for name in ("seeds", "epochs", "folds"):
        (least, most), text = BOUNDS[name], getattr(request, name).strip()
        is_whole = text.isascii() and text.isdecimal() and len(text) <= 20
        if text and not (is_whole and least <= int(text) <= most):
            problems[name] = (
                f"{name} must be a whole number from {least} to {most}, or empty. Received: {text}."
            )
    if request.folds.strip() and dataset is not None and dataset.is_made and not dataset.tracks:
        problems.setdefault(
            "folds", f"{dataset.name} names no tracks, which folds keep together: leave it empty."
        )
    try:
        shlex.split(request.vary)
    except ValueError as error:
        problems["vary"] = f"this cannot be read: {error!s:.60}."
    plain = RunRequest(request.study, request.data, request.protocol)
    study = _study_of(plain, "study", problems)
    if study is None:
        return CheckedForm(request, problems)
    # One field after the other, so that each message belongs to its field.
    chosen = _study_of(replace(plain, variants=request.variants), "variants", problems)
    right: Any = dict.fromkeys(problems, "")  # instead of what is wrong
    varied = _study_of(replace(request, **right), "vary", problems)
    if refusal := _refusal(varied or chosen or study, dataset):
        problems["data"] = refusal
    if problems or dataset is None:
        return CheckedForm(request, problems)
    try:
        return _estimate(request, dataset)
    except RunError as error:
        return CheckedForm(request, {"protocol": str(error)})


def start_run(
    request: RunRequest, dataset: DatasetLine | None, runs: Path, notify: Callable[[str], object]
) -> RunDirectory:
    """Start a run as the command line does; builds the demo first where it is missing.

    Takes seconds, with the demo half a minute; `notify` is called with each step.

    Raises:
        DataError: a folder cannot be written.
        RunError: the run was refused, or the demo could not be built.
    """
    resolved = request.resolve()
    if request.data == DEMO and (dataset is None or not dataset.is_made or dataset.problem):
        notify("making the demo music, once: about half a minute ...")
        ended = SubprocessCommand(["data", "demo"], lambda line: notify(f"{line} ...")).run()
        if ended is not None and ended.status:
            raise RunError(ended.problem)
    notify("starting ...")
    return start(resolved, runs)


def _estimate(request: RunRequest, dataset: DatasetLine) -> CheckedForm:
    """Count the trials of a request, and forecast their time.

    Raises:
        RunError: there is nothing to train.
    """
    study, options = request.study_and_options()
    variants = study.of(options.protocol, extended=options.extended)
    each = sum(
        study.count_trainings(variant, options.protocol, quick=options.quick)
        for variant in variants
    )
    trials = each * options.trainings_each
    if each > _MOST_FORECAST:
        return CheckedForm(request, {}, trials)
    few = trials <= _MOST_FORECAST
    rows = dict(zip(SPLITS, dataset.rows, strict=True))
    found = forecast(
        study,
        options if few else replace(options, seeds=1, folds=None, group=None),
        Computing(device=request.device),
        DatasetSize.of(rows, len(dataset.genres), dataset.shapes, options.folds),
    )
    if not few:
        return CheckedForm(request, {}, found.trials * options.trainings_each)
    return CheckedForm(request, {}, found.trials, found.text, found.left_out)


def _study_of(request: RunRequest, name: str, problems: dict[str, str]) -> Study | None:
    """The study of a request; None where it is refused, with a message for a field."""
    try:
        return request.study_and_options()[0]
    except RunError as error:
        problems.setdefault(name, str(error))
        return None


def _refusal(study: Study, dataset: DatasetLine | None) -> str:
    """Why a study cannot run on a dataset, and what to do, or ""."""
    if dataset is None:
        return "choose a dataset."
    missing = [kind for kind in study.features if kind not in dataset.shapes]
    if missing and not dataset.problem:
        return (
            f"{dataset.name} has no {FEATURE_NAMES[missing[0]]}, which this study reads: choose "
            "another dataset, or build one from recordings (6, then i)."
        )
    return "" if dataset.name == DEMO else dataset.problem  # a damaged demo is built again on use


def _whole(text: str) -> int | None:
    """The number of a field that was checked; None for an empty one."""
    return int(text) if text.strip() else None
