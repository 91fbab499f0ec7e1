"""Studies in a line each: ours, the user's own, what they take here, what came of them.

What only threads need is imported there: the first screen does not wait for it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from data.terminal.text import clean
from experiments.design.plan import StudyOptions
from experiments.design.study import PROTOCOLS, Protocol, Study
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.studies import STUDIES
from genre_tui.watch.run_summary import RunSummary

if TYPE_CHECKING:
    from experiments.forecasting import Forecast

_MARKS_OF_A_STUDY = ("variants", "vary", "base")  # tables that tell it from other TOML files
_LARGEST_FILE = 2**20
_MOST_FILES = 200


@dataclass(frozen=True)
class LastResult:
    """What came of a finished run. All texts are clean.

    Args:
        run: its directory.
        accuracy: test accuracy of the best variant in per cent; None where none was tested.
        dataset: that it ran on.
        sentence: the whole of it.
    """

    run: RunDirectory
    accuracy: float | None
    dataset: str
    sentence: str


@dataclass(frozen=True)
class StudyLine:
    """A study in a line.

    Args:
        name: as on the command line.
        study: the question; None where a file cannot be read.
        problem: why not, in a sentence, or "".
        options: how much of it is trained unless the user says otherwise.
        costs: what each protocol takes, as far as known.
        last: of the newest finished run.
        newest: run that is carried out, else the newest of all.
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
        """That it answers."""
        return clean(self.study.question) if self.study else self.problem

    @property
    def files(self) -> str:
        """The name that its runs are filed under."""
        return self.study.name if self.study else ""

    @property
    def is_measured(self) -> bool:
        """Whether its times are from measurements of this machine."""
        return bool(self.costs) and not any(cost.is_rough for cost in self.costs.values())

    @property
    def now(self) -> RunSummary | None:
        """The run that is being carried out, or None."""
        return self.newest if self.newest is not None and self.newest.is_alive else None


def our_lines() -> list[StudyLine]:
    """The studies that come with the program."""
    return [StudyLine(name, study) for name, study in STUDIES.items()]


def own_lines(folder: Path = Path()) -> list[StudyLine]:
    """The studies of the user's own in a folder; a damaged one is a line that says so."""
    from experiments.design.study_file import read_study

    lines = []
    try:
        paths = sorted(folder.glob("*.toml"))[:_MOST_FILES]
    except OSError:
        return []
    for path in paths:
        if _could_be_a_study(path):
            try:
                own = read_study(path)
            except RunError as error:
                lines.append(StudyLine(clean(str(path)), None, clean(str(error))))
            else:
                lines.append(StudyLine(clean(str(path)), own.study, options=own.options))
    return lines


def with_costs(line: StudyLine) -> StudyLine:
    """A line with what both protocols take; up to half a second of work."""
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
    """A line with the newest of all runs.

    Args:
        line: of a study.
        runs: of it, the newest first.
        known: results that were read before, by the paths of their runs.
    """
    alive = next((run for run in runs if run.is_alive), None)
    newest = alive or next(iter(runs), None)
    finished = newest_finished(runs)
    last = known.get(finished.run.path) if finished else None
    return replace(line, last=last, newest=newest)


def newest_finished(runs: Iterable[RunSummary]) -> RunSummary | None:
    """The first of some runs that is finished."""
    return next((run for run in runs if run.state == "finished"), None)


def read_last(summary: RunSummary) -> LastResult:
    """What came of a finished run; one that cannot be read says so."""
    from experiments.results.number_format import mean_std
    from experiments.results.run_result import collect

    try:
        result = collect(summary.run)
    except (RunError, OSError) as error:
        return LastResult(summary.run, None, summary.dataset, clean(str(error)))
    best, dataset = result.best, clean(result.dataset)
    on = f"{dataset}{' (synthesised)' if result.dataset_kind == 'demo' else ''}"
    when = clean(result.created)[:16].replace("T", " ")
    about = f"{clean(result.protocol)} protocol on {on}, {when} UTC"
    if best is None or best.accuracy.mean is None:
        return LastResult(summary.run, None, dataset, f"no variant was tested: {about}.")
    many = f"{best.n} seed{'s' if best.n > 1 else ''}"
    best_of = "" if len(result.variants) == 1 else ", the best on validation"
    sentence = (
        f"accuracy {mean_std(best.accuracy)} %, macro-F1 {mean_std(best.macro_f1)} % of "
        f"{clean(best.name)}{best_of}; {many}, {about}."
    )
    return LastResult(summary.run, best.accuracy.mean * 100, dataset, sentence)


def _could_be_a_study(path: Path) -> bool:
    """Whether a TOML file is meant to be a study: other programs have such files, too."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return False
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    try:
        return any(mark in tomllib.loads(text) for mark in _MARKS_OF_A_STUDY)
    except (tomllib.TOMLDecodeError, RecursionError):
        tables = tuple(f"[{mark}" for mark in _MARKS_OF_A_STUDY)
        return any(row.lstrip().startswith(tables) for row in text.splitlines())
