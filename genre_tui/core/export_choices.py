"""What `e` can write, and under which names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from experiments.runs.directory import RunDirectory

Kind = Literal["text", "picture", "report"]


@dataclass(frozen=True)
class Choice:
    """A file that can be written.

    Args:
        what: for the user.
        name: that is proposed for the file.
        kind: of its content.
        text: its content, where it is known already.
        run: that a report is about.
    """

    what: str
    name: str
    kind: Kind
    text: str = ""
    run: RunDirectory | None = None


@dataclass(frozen=True)
class Order:
    """A file that is asked for.

    Args:
        choice: what.
        path: where.
        replaces: whether a file that is there goes.
    """

    choice: Choice
    path: Path
    replaces: bool = False


def choices(mode: str, files: Mapping[str, str], run: RunDirectory | None) -> list[Choice]:
    """What can be written from a screen.

    Args:
        mode: of the screen.
        files: texts that it offers, by their names.
        run: that is looked at, or None.
    """
    is_of_run = run is not None and mode in ("run", "confusion", "compare")
    prefix = f"{_short_name(run)}-" if run is not None and is_of_run else ""
    found = [Choice(_what(name), f"{prefix}{name}", "text", text) for name, text in files.items()]
    found.append(Choice("picture of this screen (SVG)", f"{prefix}{mode}.svg", "picture"))
    if run is not None:
        name = _short_name(run)
        what = f"report of {name} (HTML)"
        found.append(Choice(what, f"report-{name}.html", "report", run=run))
    return found


def _what(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem.replace('_', ' ').replace('-', ' ')} ({ending.upper()})"


def _short_name(run: RunDirectory) -> str:
    """Study and id, of characters that any file's name may have."""
    name = f"{run.path.parent.name}-{run.path.name.rpartition('-')[2]}"
    return re.sub(r"[^a-zA-Z0-9_-]+", "-", name).strip("-")[:80] or "run"


def without_network(svg: str) -> str:
    """A picture that loads no fonts from elsewhere."""
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def report_arguments(run: RunDirectory, path: Path, *, replaces: bool) -> list[str]:
    """Of `python -m`, to write a run's report: it takes what this program does not load."""
    words = ["experiments", "report", str(run.path.absolute()), "-o", str(path.absolute())]
    return [*words, "--replace"] if replaces else words
