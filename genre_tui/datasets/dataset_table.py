"""Datasets as table columns and CSV, and one dataset's card with its audit."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from data.terminal.console import table
from data.terminal.text import size_text
from experiments.export.csv_files import csv_text
from genre_tui.core.theme import STATE_GLYPH, STATE_STYLE
from genre_tui.datasets.audits import SEVERITIES, AuditFinding, AuditResult, verdict
from genre_tui.model.dataset_rows import SPLITS, DatasetCard, DatasetLine, Datasets
from genre_tui.widgets.columns import Column


def dataset_columns() -> list[Column[DatasetLine]]:
    """Columns from left to right."""
    return [
        Column("name", "dataset", 14, lambda line: line.name, grows=1),
        Column("kind", "made of", 10, lambda line: line.kind, rank=2),
        Column("genres", "genres", 6, lambda line: str(len(line.genres) or ""), True, rank=1),
        Column("rows", "train/val/test", 15, _rows, is_number=True),
        Column("tracks", "tracks", 6, lambda line: str(line.tracks or ""), is_number=True),
        Column("mel", "mel", 3, _mel),
        Column(
            "size",
            "size",
            8,
            lambda line: size_text(line.size) if line.size else "",
            is_number=True,
            rank=3,
        ),
    ]


def datasets_csv(found: Datasets) -> str:
    """A line for each dataset."""
    columns = ["dataset", "default", "made_of", "genres", *SPLITS, "tracks", "mel", "bytes"]
    columns += ["content_sha256", "problem"]
    rows = []
    for line in found.lines:
        is_default, genres = int(line.name == found.default), ";".join(line.genres)
        cells: list[object] = [line.name, is_default, line.kind, genres, *line.rows]
        cells += [line.tracks, int("mel" in line.shapes), line.size, line.sha256, line.problem]
        rows.append(cells)
    return csv_text(columns, rows)


def _rows(line: DatasetLine) -> str:
    if line.problem:
        return "damaged"
    return "/".join(map(str, line.rows)) if line.is_made else "on first use"


def _mel(line: DatasetLine) -> str:
    return "" if line.problem else "yes" if "mel" in line.shapes else "no"


def card_text(
    line: DatasetLine, card: DatasetCard | None, audit: AuditResult | str
) -> RenderableType:
    """A dataset in full; `audit` is a sentence where there is no result."""
    title = Text.assemble(
        (line.name, "bold"), "" if isinstance(audit, str) else f"  {verdict(audit)}"
    )
    if line.problem:
        sign = Text(f"{STATE_GLYPH['damaged']} ", STATE_STYLE["damaged"])
        return Group(title, sign + Text(line.problem))
    parts: list[RenderableType] = [title]
    if not line.is_made:
        about = f"{sum(line.rows)} rows of music that is synthesised, {', '.join(line.genres)}"
        return Group(title, Text(f"Made on first use, in about half a minute: {about}."))
    if card is None:
        parts.append(Text("Reading ...", "dim"))
    else:
        facts = ((Text(label, "dim"), Text(fact)) for label, fact in card.about.items())
        parts += [table(["genre", *SPLITS, "all"], card.counts), _two_columns(facts)]
    parts += [Text(), Text("Audit", "bold")]
    parts.append(Text(audit) if isinstance(audit, str) else _two_columns(map(_finding, audit)))
    return Group(*parts)


def _finding(found: AuditFinding) -> tuple[Text, Text]:
    sign, style = SEVERITIES[found.severity]
    text = Text(found.sentence)
    if found.advice:
        text.append(f" {found.advice}", "italic")
    for example in found.examples:
        text.append(f"\n  {example}", "dim")
    return Text(f"{sign} {found.severity}", style), text


def _two_columns(rows: Iterable[tuple[Text, Text]]) -> Table:
    made = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made
