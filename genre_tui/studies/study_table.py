"""The columns of the table of studies, and the same as CSV."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from experiments.design.study import PROTOCOLS
from experiments.export.csv_files import csv_text
from genre_tui.core.theme import STATE_GLYPH, STATE_STYLE
from genre_tui.studies.study_rows import StudyLine
from genre_tui.watch.run_summary import RunSummary
from genre_tui.widgets.columns import Column


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
    return {"mfcc": "MFCC", "mel": "mel"}[line.study.features] if line.study else ""


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
