"""Files that the key `e` writes, and the dialog that asks which, and where."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from experiments.runs.directory import RunDirectory
from genre_tui.shell.dialogs import Dialog


@dataclass(frozen=True)
class ExportChoice:
    """A file that can be written: its description, proposed name, and content.

    That is a text, the report of a run, or else a picture of the screen.
    """

    what: str
    name: str
    text: str | None = None
    run: RunDirectory | None = None


@dataclass(frozen=True)
class ExportRequest:
    """A file to write; `replaces`: whether an existing one is overwritten."""

    choice: ExportChoice
    path: Path
    replaces: bool = False


def choices(mode: str, files: Mapping[str, str], run: RunDirectory | None) -> list[ExportChoice]:
    """Files that can be written from a screen: its texts by file name, picture and report."""
    name = _short_name(run) if run is not None else ""
    prefix = f"{name}-" if name and mode in ("run", "confusion", "compare") else ""
    found = [ExportChoice(_what(file), prefix + file, text) for file, text in files.items()]
    found.append(ExportChoice("picture of this screen (SVG)", f"{prefix}{mode}.svg"))
    if run is not None:
        what = f"report of {name} (HTML)"
        found.append(ExportChoice(what, f"report-{name}.html", run=run))
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


class ExportDialog(Dialog[ExportRequest]):
    """A list of files that can be written, and a line for the path.

    If `is_download`, the file is downloaded by a browser, which chooses its folder.
    """

    DEFAULT_CSS = """
    ExportDialog > #box { width: 72; }
    ExportDialog OptionList { height: auto; max-height: 10; background: $surface; }
    ExportDialog OptionList, ExportDialog OptionList:focus { border: none; padding: 0; }
    ExportDialog .label { color: $text-muted; margin-top: 1; }
    ExportDialog Input { background: $panel; }
    ExportDialog Input:ansi { text-style: underline; }
    ExportDialog #problem { color: $text-warning; height: auto; min-height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "write", "Write", show=False)]

    def __init__(self, choices: Sequence[ExportChoice], *, is_download: bool = False) -> None:
        super().__init__()
        self._choices, self._is_download = list(choices), is_download
        self._chosen = 0
        self._refused: Path | None = None  # an existing file that the user was warned about

    def compose(self) -> ComposeResult:
        """The list, the path, an error message."""
        with Vertical(id="box") as box:
            box.border_title = Text("Export")
            box.border_subtitle = Text("Enter writes  Tab to the path  Escape closes")
            yield OptionList(*(Option(Text(choice.what)) for choice in self._choices))
            yield Static(Text("name" if self._is_download else "file"), classes="label")
            path = Input(self._choices[0].name, compact=True)
            path.cursor_blink = False  # each blink would cost bytes over SSH
            yield path
            yield Static(id="problem")

    @on(OptionList.OptionHighlighted)
    def _propose(self, event: OptionList.OptionHighlighted) -> None:
        """Propose the choice's path, unless the user typed one."""
        path, proposed = self.query_one(Input), self._choices[event.option_index].name
        before = Path(self._choices[self._chosen].name)
        if path.value in ("", before.name):
            path.value = proposed
        elif path.value.endswith(before.suffix):  # the user's own name, for another kind of file
            path.value = path.value.removesuffix(before.suffix) + Path(proposed).suffix
        self._chosen = event.option_index

    @on(Input.Changed)
    def _forget(self) -> None:
        self._refused = None
        self.put("#problem", "")

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def action_write(self) -> None:
        """Close with the request; an existing file is overwritten the second time only."""
        value = self.query_one(Input).value.strip()
        if not value:
            self.put("#problem", "Name a file.")
            return
        path = Path(os.path.expandvars(os.path.expanduser(value)))
        if self._is_download:
            self.dismiss(ExportRequest(self._choices[self._chosen], Path(path.name)))
            return
        try:
            problem = self._problem(path)
        except OSError as error:  # such as a folder that may not be read
            problem = f"Nothing can be written there: {error.strerror}. Name another path."
        except ValueError as error:  # such as a character that no name can have
            problem = f"Nothing can be written there: {error}. Name another path."
        if problem:
            self.put("#problem", problem)
        else:
            self.dismiss(ExportRequest(self._choices[self._chosen], path, path == self._refused))

    def _problem(self, path: Path) -> str:
        """Why the path is refused, or ""."""
        if path.is_dir():
            return f"{path} is a folder: name a file in it."
        if not path.parent.is_dir():
            return f"There is no folder {path.parent}: make it first, or name another one."
        if path.exists() and path != self._refused:
            self._refused = path
            return f"{path} is there already. Enter again replaces it."
        return ""
