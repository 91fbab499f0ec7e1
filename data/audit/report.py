"""An audit as text."""

from __future__ import annotations

from rich.text import Text

from data.audit.findings import Audit, Severity, Size, number
from data.datasets.dataset import SPLITS
from data.terminal.console import console, table
from data.terminal.text import clean

_STYLES: dict[Severity, str] = {
    "leak": "bold red",
    "warning": "yellow",
    "unknown": "dim",
    "fine": "green",
}
_MARGIN = 9  # columns


def print_audit(audit: Audit) -> None:
    """Print an audit on standard output."""
    printer = console()
    total = sum(size.segments for splits in audit.classes.values() for size in splits.values())
    printer.print(Text(clean(f"{audit.name}: {total} one-second segments"), style="bold"))
    rows = [
        [genre, *(_size(splits[split]) for split in SPLITS)]
        for genre, splits in audit.classes.items()
    ]
    printer.print(table(["genre", *SPLITS], rows))
    for finding in audit.findings:
        lines = [finding.sentence]
        lines += [f"  {example}" for example in finding.to_dict()["examples"]]
        left_out = len(finding.examples) - len(lines) + 1
        lines += [f"  and {left_out} more"] * (left_out > 0)
        lines += [f"-> {finding.advice}"] * bool(finding.advice)
        for place, line in enumerate(lines):
            begin = finding.severity if place == 0 else ""
            margin = Text(f"{begin:<{_MARGIN}}", style=_STYLES[finding.severity])
            style = "dim" if place else ""
            printer.print(margin + Text(clean(line), style=style), soft_wrap=True)
    printer.print(Text(verdict(audit), style="bold"))


def verdict(audit: Audit) -> str:
    """The outcome in one sentence."""
    warnings = sum(finding.severity == "warning" for finding in audit.findings)
    leaks = sum(finding.severity == "leak" for finding in audit.findings)
    found = f"{number(leaks, 'leak')} found" if leaks else "No leak found"
    return f"{found}, {number(warnings, 'warning')}."


def _size(size: Size) -> str:
    segments = number(size.segments, "segment")
    return segments if size.tracks is None else f"{segments} of {number(size.tracks, 'track')}"
