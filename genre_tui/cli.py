"""`genre-tui`: the terminal UI's command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: Path(os.environ.get("GENRE_TUI_RUNS") or "runs"),
    show_default="GENRE_TUI_RUNS, else runs",
    help="Folder of all runs.",
)
def main(runs: Path) -> None:
    """Look at studies and at the results of runs in the terminal."""
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        raise click.UsageError(
            "genre-tui needs a terminal that can draw. Elsewhere use python -m experiments list "
            "and python -m experiments show RUN."
        )
    from genre_tui.app import GenreTui

    GenreTui(runs).run()
