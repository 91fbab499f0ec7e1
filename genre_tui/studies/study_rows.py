"""The table of studies: built-in and user's studies, their costs and last results; as CSV.

Functions for threads import what they need themselves, so that the first screen opens soon.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from data.files.plain import plain_file
from experiments.design.plan import StudyOptions
from experiments.design.study import PROTOCOLS, Protocol, Study
from experiments.errors import RunError
from experiments.export.csv_files import csv_text
from experiments.runs.directory import RunDirectory
from experiments.studies import STUDIES
from genre_tui.core.theme import STATE_GLYPH, STATE_STYLE
from genre_tui.watch.run_summary import RunSummary
from genre_tui.widgets.columns import Column

if TYPE_CHECKING:
    from experiments.forecasting import Forecast

_STUDY_TABLES = ("variants", "vary", "base")  # that other TOML files do not have
_LARGEST_FILE = 2**20
_MOST_FILES = 200


@dataclass(frozen=True)
class LastResult:
    """The result of a finished run in words, and the best variant's test accuracy in per cent."""

    run: RunDirectory
    accuracy: float | None
    dataset: str
    sentence: str


@dataclass(frozen=True)
class StudyLine:
    """A row of the studies table.

    Args:
        name: as on the command line.
        study: None where its file cannot be read.
        problem: why not, a sentence, or "".
        options: defaults of the start form.
        costs: forecasts by protocol, as far as known.
        last: result of the newest finished run.
        newest: the running run, else the newest of all.
    """

    name: str
    study: Study | None
    problem: str = ""
    options: StudyOptions = field(default_factory=StudyOptions)
    costs: Mapping[Protocol, Forecast] = field(default_factory=dict)
    last: LastResult | None = None
    newest: RunSummary | None = None

    @property
    def question(self) -> str:
        """The question that the study answers, or why it cannot be read."""
        return self.study.question if self.study else self.problem

    @property
    def folder(self) -> str:
        """The name of its runs' folder."""
        return self.study.name if self.study else ""

    @property
    def is_measured(self) -> bool:
        """Whether its costs are based on measurements of this machine."""
        return bool(self.costs) and not any(cost.is_rough for cost in self.costs.values())

    @property
    def now(self) -> RunSummary | None:
        """The running run, or None."""
        return self.newest if self.newest is not None and self.newest.is_alive else None


def built_in_studies() -> list[StudyLine]:
    """The studies that come with the program."""
    return [StudyLine(name, study) for name, study in STUDIES.items()]


def user_studies(folder: Path = Path()) -> list[StudyLine]:
    """The user's studies in a folder; a damaged file is a row with its problem."""
    from experiments.design.study_file import read_study

    lines = []
    try:
        paths = sorted(folder.glob("*.toml"))[:_MOST_FILES]
    except OSError:
        return []
    for path in paths:
        if _looks_like_study(path):
            try:
                study, options = read_study(path)
            except RunError as error:
                lines.append(StudyLine(str(path), None, str(error)))
            else:
                lines.append(StudyLine(str(path), study, options=options))
    return lines


def with_costs(line: StudyLine) -> StudyLine:
    """The row with the costs of both protocols; up to half a second of work."""
    from experiments.design.request import Computing
    from experiments.forecasting import forecast

    if line.study is None:
        return line
    costs = {}
    for protocol in PROTOCOLS:
        with suppress(RunError):  # there is nothing to train
            options = replace(line.options, protocol=protocol)
            costs[protocol] = forecast(line.study, options, Computing())
    return replace(line, costs=costs)


def with_runs(
    line: StudyLine, runs: Sequence[RunSummary], known: Mapping[Path, LastResult]
) -> StudyLine:
    """The row with the newest of its runs and the last result; `runs` are the newest first."""
    alive = next((run for run in runs if run.is_alive), None)
    newest = alive or next(iter(runs), None)
    finished = newest_finished(runs)
    last = known.get(finished.run.path) if finished else None
    return replace(line, last=last, newest=newest)


def newest_finished(runs: Iterable[RunSummary]) -> RunSummary | None:
    """The first of some runs that is finished."""
    return next((run for run in runs if run.state == "finished"), None)


def read_result(summary: RunSummary) -> LastResult:
    """Read the result of a finished run; where that fails, its sentence is the reason."""
    from experiments.results.number_format import mean_std, plural
    from experiments.results.run_result import collect

    try:
        result = collect(summary.run)
    except (RunError, OSError) as error:
        return LastResult(summary.run, None, summary.dataset, str(error))
    best, dataset = result.best, result.dataset
    on = f"{dataset}{' (synthesised)' if result.is_demo else ''}"
    when = result.manifest.created[:16].replace("T", " ")
    about = f"{result.protocol} protocol on {on}, {when} UTC"
    if best is None or best.accuracy.mean is None:
        return LastResult(summary.run, None, dataset, f"no variant was tested: {about}.")
    many = result.extent if result.folds else plural(best.n, "seed")
    best_of = "" if len(result.variants) == 1 else ", the best on validation"
    sentence = (
        f"accuracy {mean_std(best.accuracy)} %, macro-F1 {mean_std(best.macro_f1)} % of "
        f"{best.name}{best_of}; {many}, {about}."
    )
    return LastResult(summary.run, best.accuracy.mean * 100, dataset, sentence)


def _looks_like_study(path: Path) -> bool:
    """Whether a TOML file is meant to be a study: other programs use TOML files, too."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return False
        with open(path, encoding="utf-8", errors="replace", opener=plain_file) as file:
            text = file.read()
    except OSError:
        return False
    try:
        return any(name in tomllib.loads(text) for name in _STUDY_TABLES)
    except (tomllib.TOMLDecodeError, RecursionError):
        tables = tuple(f"[{name}" for name in _STUDY_TABLES)
        return any(row.lstrip().startswith(tables) for row in text.splitlines())


def study_columns() -> list[Column[StudyLine]]:
    """Columns from left to right; the question is left out first where room is short."""
    return [
        Column("study", "study", 20, lambda line: line.name),
        Column("question", "question", 24, lambda line: line.question, grows=1, rank=3),
        Column("reads", "reads", 5, _reads, rank=2),
        Column("trials", "trials", 9, _trials, is_number=True),
        Column("time", "time here", 18, _times, is_number=True, rank=1),
        Column("documented", "documented %", 12, _documented, is_number=True),
        Column("here", "here %", 13, _here, is_number=True),
    ]


def study_sign(line: StudyLine) -> str:
    """The glyph in front of a study: of a damaged file, or of a running run."""
    if line.study is None:
        return STATE_GLYPH["damaged"]
    return STATE_GLYPH[line.now.state] if line.now else ""


def studies_csv(lines: Iterable[StudyLine]) -> str:
    """A line for each study."""
    costs = [f"{what}_{protocol}" for protocol in PROTOCOLS for what in ("trials", "seconds")]
    columns = ["study", "question", "reads", *costs, "documented_percent", "source"]
    columns += ["here_percent", "here_dataset", "here_run", "state"]
    rows = []
    for line in lines:
        cells: list[object] = [line.name, line.question, _reads(line)]
        for protocol in PROTOCOLS:
            cost = line.costs.get(protocol)
            cells += [cost.trials, round(cost.seconds, 1)] if cost else ["", ""]
        best = line.study.best_published if line.study else None
        cells += [best.accuracy, best.source] if best else ["", ""]
        last = line.last
        cells += [last.accuracy, last.dataset, last.run.name] if last else ["", "", ""]
        rows.append([*cells, line.newest.state if line.newest else ""])
    return csv_text(columns, rows)


def _reads(line: StudyLine) -> str:
    return line.study.reads if line.study else ""


def _trials(line: StudyLine) -> str:
    return " / ".join(str(cost.trials) for cost in line.costs.values())


def _times(line: StudyLine) -> str:
    return " / ".join(cost.cell for cost in line.costs.values())


def _documented(line: StudyLine) -> str:
    best = line.study.best_published if line.study else None
    return f"{best.accuracy:.2f}{'' if best.source == 'A' else ' (B)'}" if best else ""


def _here(line: StudyLine) -> str | Text:
    if line.study is None:
        return "damaged"
    if line.now is not None:
        return _state(line.now)
    if line.last is not None and line.last.accuracy is not None:
        return f"{line.last.accuracy:.2f} {line.last.dataset}"
    return _state(line.newest) if line.newest else ""


def _state(run: RunSummary) -> Text:
    """A run's state with its glyph and, while it is running, the share done."""
    share = f" {run.share * 100:.0f} %" if run.is_alive else ""
    return Text(f"{STATE_GLYPH[run.state]}{share or f' {run.state}'}", STATE_STYLE[run.state])
