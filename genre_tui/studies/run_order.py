"""A run as the start form asks for it: its command line, its request, what it takes, its start."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from experiments.design.limits import MOST_EPOCHS, MOST_SEEDS
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing, Request
from experiments.design.study import Protocol, Study
from experiments.errors import RunError
from experiments.execution.launch import start
from experiments.forecasting import forecast
from experiments.runs.directory import RunDirectory
from experiments.studies.lookup import study_from_options
from genre_tui.core.session import where
from genre_tui.core.subprocess_command import Command
from genre_tui.model.dataset_rows import DEMO, DatasetLine

DEVICES = ("auto", "cpu", "cuda")
_MOST_FORECAST = 1000  # trials; planning so many takes a second


@dataclass(frozen=True)
class Order:
    """A run that is asked for, with the words of the command line.

    Args:
        study: name of a study, or path of a TOML file.
        data: name of a dataset, or path of an .h5 file.
        protocol: "documented" or "controlled".
        seeds, epochs: None leaves them to the study.
        quick, extended: see `experiments.design.plan.StudyOptions`.
        device: that trains.
        variants: only these, by their names with commas between them; "" for all.
        varied: fields with values, such as training.learning_rate=1e-4,1e-3.
    """

    study: str
    data: str
    protocol: Protocol = "documented"
    seeds: int | None = None
    epochs: int | None = None
    quick: bool = False
    extended: bool = False
    device: str = "auto"
    variants: str = ""
    varied: tuple[str, ...] = ()

    def arguments(self, runs: Path) -> list[str]:
        """Of `python -m`, to start it in a folder of runs."""
        words = ["experiments", "run", self.study, "--data", self.data]
        words += ["--protocol", self.protocol]
        words += ["--quick"] * self.quick + ["--extended"] * self.extended
        for option, value in (("--seeds", self.seeds), ("--epochs", self.epochs)):
            words += [option, str(value)] * (value is not None)
        words += ["--variants", self.variants] * bool(self.variants)
        for values in self.varied:
            words += ["--vary", values]
        words += ["--device", self.device] * (self.device != "auto")
        return words + where(runs)

    def command(self, runs: Path) -> str:
        """The command line that starts it."""
        return shlex.join(["python", "-m", *self.arguments(runs)])

    def study_and_options(self) -> tuple[Study, StudyOptions]:
        """What is to be trained.

        Raises:
            RunError: there is no such study, variant or field, or a value cannot be.
        """
        return study_from_options(
            self.study,
            protocol=self.protocol,
            seeds=self.seeds,
            epochs=self.epochs,
            quick=self.quick,
            extended=self.extended,
            variants=self.variants,
            varied=self.varied,
        )

    def request(self) -> Request:
        """What is handed to the process that carries it out; raises as `study_and_options`."""
        from data.sources.open import dataset_path

        study, options = self.study_and_options()
        return Request(study, dataset_path(self.data), options, Computing(device=self.device))


@dataclass(frozen=True)
class Entries:
    """A filled-in form. All is text as it was typed, where it can be typed."""

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


@dataclass(frozen=True)
class Checked:
    """What a form's entries mean.

    Args:
        order: that they make; None where they make none.
        problems: sentences by the names of the entries that they stand below.
        trials: that would train.
        time: how long, such as "about 4 min"; "" where there are too many to plan.
        notes: what is left out, and what to think of, in sentences.
    """

    order: Order | None
    problems: Mapping[str, str] = field(default_factory=dict)
    trials: int = 0
    time: str = ""
    notes: tuple[str, ...] = ()


def check(entries: Entries, dataset: DatasetLine | None) -> Checked:
    """Check a form, and forecast what it asks for; takes up to a second.

    Args:
        entries: of the form.
        dataset: that is chosen; None where none can be.
    """
    problems: dict[str, str] = {}
    plain = Order(entries.study, entries.data, entries.protocol)
    order = replace(
        plain,
        seeds=_whole(entries.seeds, "seeds", MOST_SEEDS, problems),
        epochs=_whole(entries.epochs, "epochs", MOST_EPOCHS, problems),
        quick=entries.quick,
        extended=entries.extended,
        device=entries.device,
        variants=entries.variants.strip(" ,"),
        varied=_words(entries.vary, problems),
    )
    study = _study_of(plain, "study", problems)
    if study is None:
        return Checked(None, problems)
    # One by one, so that each sentence stands where it belongs.
    chosen = _study_of(replace(plain, variants=order.variants), "variants", problems)
    variants = order.variants if chosen else ""
    varied = _study_of(replace(order, variants=variants), "vary", problems)
    refusal = _refusal(varied or chosen or study, dataset)
    if refusal:
        problems["data"] = refusal
    if problems or dataset is None:
        return Checked(None, problems)
    try:
        return _foresee(order, dataset)
    except RunError as error:
        return Checked(None, {"protocol": str(error)})


def launch(
    order: Order, dataset: DatasetLine | None, runs: Path, say: Callable[[str], object]
) -> RunDirectory:
    """Start a run as the command line does; makes the demo first where it is not there.

    Takes seconds, half a minute with the demo.

    Args:
        order: what to run.
        dataset: that it names, as far as it is known.
        runs: the folder of all runs.
        say: told what is happening.

    Raises:
        DataError: a folder cannot be written.
        RunError: the run was refused, or the demo cannot be made.
    """
    request = order.request()
    if order.data == DEMO and (dataset is None or not dataset.is_made or dataset.problem):
        say("making the demo music, once: about half a minute ...")
        ended = Command(["data", "demo"], lambda line: say(f"{line} ...")).run()
        if ended is not None and ended.status:
            raise RunError(ended.problem)
    say("starting ...")
    return start(request, runs)


def _foresee(order: Order, dataset: DatasetLine) -> Checked:
    """What an order would take.

    Raises:
        RunError: nothing could be trained.
    """
    study, options = order.study_and_options()
    variants = study.of(options.protocol, extended=options.extended)
    each = sum(
        len(study.trainings(variant, options.protocol, options.epochs, quick=options.quick))
        for variant in variants
    )
    trials = each * options.seeds_each
    if each > _MOST_FORECAST:
        return Checked(order, {}, trials)
    few = trials <= _MOST_FORECAST
    found = forecast(
        study,
        options if few else replace(options, seeds=1),
        Computing(device=order.device),
        dataset.rows[:2],
        len(dataset.genres),
    )
    if not few:
        return Checked(order, {}, found.trials * options.seeds_each)
    return Checked(order, {}, found.trials, found.text, found.left_out)


def _study_of(order: Order, name: str, problems: dict[str, str]) -> Study | None:
    """What is to be trained; None where that cannot be: why not stands below an entry."""
    try:
        return order.study_and_options()[0]
    except RunError as error:
        problems.setdefault(name, str(error))
        return None


def _refusal(study: Study, dataset: DatasetLine | None) -> str:
    """Why a study cannot run on a dataset, and what to do; "" where it can."""
    if dataset is None:
        return "choose a dataset."
    if study.features == "mel" and not (dataset.has_mel or dataset.problem):
        return (
            f"{dataset.name} has no mel-spectrograms, which this study reads: choose another "
            "dataset, or build one from recordings (6, then i)."
        )
    return "" if dataset.name == DEMO else dataset.problem  # the demo is mended on use


def _whole(text: str, name: str, most: int, problems: dict[str, str]) -> int | None:
    """A number that may be left to the study."""
    text = text.strip()
    if not text:
        return None
    if text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= most:
        return int(text)
    problems[name] = f"{name} must be a whole number from 1 to {most}, or empty. Received: {text}."
    return None


def _words(text: str, problems: dict[str, str]) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        problems["vary"] = f"this cannot be read: {error!s:.60}."
        return ()
