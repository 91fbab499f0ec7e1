"""`python -m data`: list, show and choose datasets; `data.cli.make` has those that make them."""

from __future__ import annotations

import json
from typing import Any

import click

from data.cli.audit import audit
from data.cli.importing import import_features
from data.cli.make import build, demo, fetch, print_summary
from data.datasets.dataset import SPLITS
from data.errors import DataError
from data.storage import catalogue, hdf5
from data.storage.summary import to_json
from data.terminal.commands import SentenceGroup, confirm, echo, version_option
from data.terminal.console import console, table
from data.terminal.text import size_text


@click.group(cls=SentenceGroup, context_settings={"help_option_names": ["-h", "--help"]})
@version_option
def main() -> None:
    """Datasets: make them from recordings or arrays, list them, choose one.

    They live in the user's data directory; GENRE_TUI_DATA names another folder.
    """


@main.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List the datasets; * marks the default."""
    default = catalogue.default_name()
    rows: list[dict[str, Any]] = []
    for name in catalogue.list_datasets():
        row: dict[str, Any] = {"name": name, "default": name == default}
        try:
            if name == catalogue.DEMO and name not in catalogue.names():
                row["state"] = "made on first use"
            else:
                row |= to_json(hdf5.summarise(catalogue.path_of(name)))
        except DataError as error:
            row["state"] = f"unusable: {error}"
        rows.append(row)
    if as_json:
        echo(json.dumps(rows, indent=2))
        return
    cells = [
        [
            ("* " if row["default"] else "  ") + row["name"],
            row.get("state") or ", ".join(row["genres"]),
            *(str(row["rows"][split]) if "rows" in row else "" for split in SPLITS),
            str(row.get("tracks") or ""),
            ("yes" if row["has_mel"] else "no") if "has_mel" in row else "",
        ]
        for row in rows
    ]
    columns = ["  dataset", "genres", *SPLITS, "tracks", "mel"]
    console().print(table(columns, cells, left=2))
    for name, size in catalogue.unfinished().items():
        echo(
            f"\n{name} is not finished ({size_text(size)}): the same command goes on with it; "
            f"python -m data remove {name} removes it."
        )


@main.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str | None, as_json: bool) -> None:
    """Show a dataset's sizes, classes, tracks, hash and provenance.

    NAME is a dataset or an .h5 file.
    """
    from data.sources.demo import ensure_demo
    from data.sources.open import existing_file

    name = name or catalogue.default_name()
    path = ensure_demo() if name == catalogue.DEMO else existing_file(name)
    name = path.stem
    if as_json:
        dataset = hdf5.load(path, name)
        summary = to_json(hdf5.summarise(path)) | {"name": name, "file": str(path)}
        echo(json.dumps(summary | {"classes": dataset.class_counts()}, indent=2))
        return
    print_summary(name, path)


@main.command()
@click.argument("name")
def use(name: str) -> None:
    """Make a dataset the default of every command."""
    catalogue.use(name)
    echo(f"{name} is the default now.")


@main.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Delete a dataset, or what is there of an unfinished one."""
    size, seen = catalogue.unfinished().get(name, 0), None
    if not size or name in catalogue.names():
        seen = catalogue.existing_path(name).stat()
        size += seen.st_size
    if not yes:
        confirm(f"Delete {name} ({size_text(size)})?")
    catalogue.remove(name, seen)
    again = " It is made again when it is needed." if name == catalogue.DEMO else ""
    echo(f"{name} is gone.{again} The default is {catalogue.default_name()}.")


for _command in (audit, demo, import_features, build, fetch):
    main.add_command(_command)
