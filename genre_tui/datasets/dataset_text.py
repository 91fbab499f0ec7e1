"""A dataset's card and audit, as text."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from data.terminal.console import table
from genre_tui.core.theme import STATE_GLYPH, STATE_STYLE
from genre_tui.datasets.audits import SEVERITIES, Audit
from genre_tui.model.dataset_rows import SPLITS, DatasetCard, DatasetLine


def card_text(line: DatasetLine, card: DatasetCard | None, audit: Audit | str) -> RenderableType:
    """A dataset in full.

    Args:
        line: of it.
        card: of it; None where it was not read yet.
        audit: of it, or what to say instead.
    """
    said = audit.verdict if isinstance(audit, Audit) else ""
    title = Text.assemble((line.name, "bold"), f"  {said}" if said else "")
    if line.problem:
        sign = Text(f"{STATE_GLYPH['damaged']} ", STATE_STYLE["damaged"])
        return Group(title, sign + Text(line.problem))
    parts: list[RenderableType] = [title]
    if not line.is_made:
        told = f"Made on first use, in about half a minute: {sum(line.rows)} rows of music that is "
        return Group(title, Text(f"{told}synthesised, {', '.join(line.genres)}."))
    if card is None:
        parts.append(Text("Looking ...", "dim"))
    else:
        parts += [table(["genre", *SPLITS, "all"], card.counts), _facts(card)]
    parts += [Text(), Text("Audit", "bold")]
    parts.append(Text(audit) if isinstance(audit, str) else _findings(audit))
    return Group(*parts)


def size_text(size: int) -> str:
    """Bytes as MB or GB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _facts(card: DatasetCard) -> Table:
    facts = _two_columns()
    for label, fact in card.about.items():
        facts.add_row(Text(label, "dim"), Text(fact, overflow="fold"))
    return facts


def _findings(audit: Audit) -> RenderableType:
    rows = _two_columns()
    for found in audit.findings:
        sign, style = SEVERITIES[found.severity]
        text = Text(found.sentence)
        if found.advice:
            text.append(f" {found.advice}", "italic")
        for example in found.examples:
            text.append(f"\n  {example}", "dim")
        rows.add_row(Text(f"{sign} {found.severity}", style), text)
    return rows


def _two_columns() -> Table:
    made = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    return made
