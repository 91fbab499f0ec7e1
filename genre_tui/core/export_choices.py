"""Files that the key `e` can write from a screen, with their proposed names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from experiments.runs.directory import RunDirectory

Kind = Literal["text", "picture", "report"]


@dataclass(frozen=True)
class ExportChoice:
    """A file that can be written.

    Args:
        what: description for the user.
        name: proposed name of the file.
        kind: of its content.
        text: content of a text file.
        run: subject of a report.
    """

    what: str
    name: str
    kind: Kind
    text: str = ""
    run: RunDirectory | None = None


@dataclass(frozen=True)
class ExportRequest:
    """A file to write.

    Args:
        choice: its content.
        path: where to write it.
        replaces: whether an existing file is overwritten.
    """

    choice: ExportChoice
    path: Path
    replaces: bool = False


def choices(mode: str, files: Mapping[str, str], run: RunDirectory | None) -> list[ExportChoice]:
    """Files that can be written from a screen.

    Args:
        mode: of the screen.
        files: texts that the screen offers, by file name.
        run: subject of the report, or None.
    """
    is_of_run = run is not None and mode in ("run", "confusion", "compare")
    prefix = f"{_short_name(run)}-" if run is not None and is_of_run else ""
    found = [
        ExportChoice(_what(name), f"{prefix}{name}", "text", text) for name, text in files.items()
    ]
    found.append(ExportChoice("picture of this screen (SVG)", f"{prefix}{mode}.svg", "picture"))
    if run is not None:
        name = _short_name(run)
        what = f"report of {name} (HTML)"
        found.append(ExportChoice(what, f"report-{name}.html", "report", run=run))
    return found


def _what(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem.replace('_', ' ').replace('-', ' ')} ({ending.upper()})"


def _short_name(run: RunDirectory) -> str:
    """Study and id, in characters that every file system allows."""
    name = f"{run.path.parent.name}-{run.path.name.rpartition('-')[2]}"
    return re.sub(r"[^a-zA-Z0-9_-]+", "-", name).strip("-")[:80] or "run"


def without_network(svg: str) -> str:
    """An SVG without fonts that would be loaded over the network."""
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def report_arguments(run: RunDirectory, path: Path, *, replaces: bool) -> list[str]:
    """Arguments of `python -m` that write a run's report: it needs packages not loaded here."""
    words = ["experiments", "report", str(run.path.absolute()), "-o", str(path.absolute())]
    return [*words, "--replace"] if replaces else words
