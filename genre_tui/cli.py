"""`genre-tui`: the terminal UI's command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from data.errors import DataError
from data.terminal import BadInput
from experiments.errors import RunError
from genre_tui.session import DEFAULT_REFRESH, Session


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", required=False)
@click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: Path(os.environ.get("GENRE_TUI_RUNS") or "runs"),
    show_default="GENRE_TUI_RUNS, else runs",
    help="Folder of all runs.",
)
@click.option("--data", help="Dataset that new runs are offered for (default: yours).")
@click.option("--read-only", is_flag=True, help="Look only: nothing is started or removed.")
@click.option(
    "--refresh",
    type=click.FloatRange(0.1, 60),
    default=DEFAULT_REFRESH,
    show_default=True,
    help="Seconds between two looks at what goes on.",
)
def main(run: str | None, runs: Path, data: str | None, read_only: bool, refresh: float) -> None:
    """Pick a study, start it, watch it, look at confusion matrices, compare.

    RUN is a folder, a name, the unique beginning of a name or id, or latest. Runs are
    processes of their own: they go on when this ends.
    """
    try:
        found = _find(runs, run)
    except (RunError, DataError) as error:
        raise BadInput(str(error)) from error
    if not sys.stdout.isatty() or not sys.stdin.isatty() or os.environ.get("TERM") == "dumb":
        _plain(found, runs)
        return
    from genre_tui.app import GenreTui

    session = Session(runs, data, read_only, refresh, found)
    GenreTui(session, "run" if found else "studies").run()


def _find(runs: Path, name: str | None):  # type: ignore[no-untyped-def]
    from experiments.run_folder import find

    return find(runs, name) if name else None


def _plain(run, runs: Path) -> None:  # type: ignore[no-untyped-def]
    """To be written: falls back to `watch`."""
    raise click.UsageError("genre-tui needs a terminal that can draw.")
