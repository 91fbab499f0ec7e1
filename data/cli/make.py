"""The commands that make datasets: `demo`, `import`, `build`, `fetch`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from data.audio.parameters import FeatureParameters
from data.datasets.artists import GROUPINGS, Grouping
from data.datasets.dataset import SPLITS
from data.errors import DataError
from data.files.user_folders import data_folder
from data.storage import catalogue, hdf5
from data.storage.summary import count_rows, describe, segments_name
from data.terminal.commands import echo, interruptible
from data.terminal.console import console, table
from data.terminal.progress import ProgressBar

if TYPE_CHECKING:
    from data.sources.download import DownloadProgress

_FOLDER = click.Path(path_type=Path)
NOTHING_KEPT = "Nothing was written."
_FEATURES_KEPT = "What is computed is kept: run it again to go on."


@click.command()
@click.option("--wav", type=_FOLDER, help="Write some tracks as WAV files into this folder.")
@click.option("--tracks", type=click.IntRange(1, 40), help="WAV files of each genre (default: 2).")
@click.option("--anew", is_flag=True, help="Make it again even if it is there.")
@click.option("--workers", type=click.IntRange(1), help="Processes (default: one a core).")
def demo(wav: Path | None, tracks: int | None, anew: bool, workers: int | None) -> None:
    """Make the built-in dataset, or listen to its music."""
    if tracks is not None and wav is None:
        raise click.UsageError("--tracks counts WAV files: name their folder with --wav.")
    if wav is not None:
        from data.sources.demo import write_wavs

        for path in write_wavs(wav, tracks or 2):
            echo(path)
        return
    from data.sources.demo import ensure_demo

    with interruptible(_FEATURES_KEPT):
        path = ensure_demo(workers, anew=anew)
        try:
            hdf5.load(path)
        except DataError:  # damaged: it can be made again
            ensure_demo(workers, anew=True)
    print_summary(catalogue.DEMO, path)


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option("--name", help="Name of the dataset (default: the folder's).")
@click.option("--replace", is_flag=True, help="Replace a dataset of this name.")
@click.option("--labels", type=_FOLDER, help="CSV file with a row a track: its file and genre.")
@click.option(
    "--columns",
    metavar="WHAT=NAME,...",
    help="Its columns for path, label, split and artist, where their names are unusual.",
)
@click.option(
    "--merge",
    "merges",
    multiple=True,
    metavar="CLASS=A,B",
    help="Make one class of several genres; may be repeated.",
)
@click.option("--only", multiple=True, metavar="A,B", help="Use these classes only.")
@click.option("--exclude", multiple=True, metavar="A,B", help="Leave these classes out.")
@click.option(
    "--splits",
    type=_FOLDER,
    multiple=True,
    help=(
        "CSV file with the columns track and split, or the folder of three lists of files, or each "
        "list (default: FOLDER/splits.csv, else what the labels or folders state, else by chance)."
    ),
)
@click.option(
    "--shares",
    metavar="A/B/C",
    help="Per cent of the tracks in train, validation and test (default: 60/15/25).",
)
@click.option("--seed", type=click.IntRange(0), help="Of that split (default: 0).")
@click.option(
    "--group",
    type=click.Choice(GROUPINGS),
    default="track",
    show_default=True,
    help="What stays in one split: a track, or all tracks of an artist, whom the labels, the "
    "folders <genre>/<artist>/<album> or the files' tags name.",
)
@click.option(
    "--seconds", type=float, default=1.0, show_default=True, help="Length of a segment, a row."
)
@click.option(
    "--mels", type=int, default=128, show_default=True, help="Bands of the mel-spectrograms."
)
@click.option(
    "--mfcc",
    type=int,
    default=13,
    show_default=True,
    help="MFCCs; a row has the mean and the standard deviation of each.",
)
@click.option(
    "--rate", type=int, default=8000, show_default=True, help="Hz of the samples they are made of."
)
@click.option("--frame", type=int, help="Samples of the frames of both (default: 50 ms).")
@click.option("--hop", type=int, help="Samples from frame to frame (default: those of a frame).")
@click.option("--workers", type=click.IntRange(1), help="Processes (default: one a core).")
@click.option("--strict", is_flag=True, help="Stop at the first broken recording.")
def build(
    folder: Path,
    name: str | None,
    replace: bool,
    labels: Path | None,
    columns: str | None,
    merges: tuple[str, ...],
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    splits: tuple[Path, ...],
    shares: str | None,
    seed: int | None,
    group: Grouping,
    seconds: float,
    mels: int,
    mfcc: int,
    rate: int,
    frame: int | None,
    hop: int | None,
    workers: int | None,
    strict: bool,
) -> None:
    """Build a dataset from FOLDER/<genre>/<track>.<ext>, or from files and a table of labels.

    Whole tracks go to train, validation or test, genre by genre. Broken
    recordings are left out and listed at the end. docs/datasets.md shows
    other layouts.
    """
    name = name or catalogue.name_for(folder)
    merge, split_shares = _parse_merges(merges), parse_shares(shares)
    parameters = FeatureParameters.of(seconds, rate, mels, mfcc, frame, hop)

    from data.sources import audio_folder
    from data.sources.building import grouped
    from data.sources.recordings import Labels

    with interruptible(_FEATURES_KEPT), catalogue.making(name, replace=replace) as target:
        report = audio_folder.build(
            folder,
            target,
            Labels(
                table=labels,
                columns=parse_columns(columns),
                splits=splits,
                merge=merge,
                only=_parse_names(only) if only else None,
                exclude=_parse_names(exclude),
            ),
            shares=split_shares,
            seed=seed,
            group=group,
            parameters=parameters,
            workers=workers,
            strict=strict,
        )
    print_summary(name, target, is_fresh=True)
    if report.skipped:
        printer = console()
        total_tracks = report.tracks + len(report.skipped)
        printer.print(f"\nLeft out {len(report.skipped)} of {total_tracks} recordings:")
        printer.print(table(["track", "reason"], list(map(list, report.skipped.items())), 2))
    if report.notes:
        echo(f"\nUsed, though there is something odd about them: {len(report.notes)}.")
        for sentence in grouped(report.notes):
            echo(f"  {sentence}")
    for sentence in report.remarks:
        echo(f"\n{sentence}")
    echo(f"\nNext: python -m experiments run ffn-baseline --data {name}")


@click.command()
@click.option("--name", default="source", show_default=True, help="Name of the dataset.")
@click.option("--replace", is_flag=True, help="Replace a dataset of this name.")
@click.option("--without-mel", is_flag=True, help="MFCC statistics only (1 MB instead of 58).")
@click.option("--url", help="Another place that holds the same files.")
@click.option("--keep", type=_FOLDER, help="Keep the arrays in this folder, too.")
def fetch(name: str, replace: bool, without_mel: bool, url: str | None, keep: Path | None) -> None:
    """Download, verify and import the source's dataset.

    A download that broke off goes on where it stopped when run again.
    """
    from data.datasets.source_dataset import SOURCE_FILES, SOURCE_URL
    from data.sources import download
    from data.sources.npy_folder import read_npy_folder

    catalogue.free_path(name, replace=replace)
    folder = keep or data_folder() / ".fetched"
    wanted = [file for file in SOURCE_FILES if not without_mel or "mfccs" in file.path]
    distinct = len({file.blob_id for file in wanted})
    with (
        interruptible("What has arrived is kept: run it again to go on."),
        ProgressBar("fetching", distinct, "bytes") as bar,
    ):
        download.fetch_source(
            folder,
            base_url=url or SOURCE_URL,
            with_mel=not without_mel,
            progress=_download_progress(bar),
        )
    path = catalogue.add(read_npy_folder(folder, name, with_mel=not without_mel), replace=replace)
    if keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    print_summary(name, path)


def print_summary(name: str, path: Path, *, is_fresh: bool = False) -> None:
    """Print a dataset's summary on standard output.

    Args:
        name: of the dataset.
        path: of its file.
        is_fresh: it was written just now: its rows, which may be more than fit into memory, need
            no check.

    Raises:
        DataError: the file is not there or damaged.
    """
    summary = hdf5.summarise(path)
    dataset = hdf5.load(path, name, with_mel=not is_fresh)
    printer = console()
    printer.print(Text(f"{name}: {segments_name(summary.parameters)}", style="bold"))
    printer.print(table(["genre", *SPLITS, "all"], count_rows(dataset)))
    for label, line in describe(dataset, summary, path).items():
        printer.print(Text(f"{label:<9}", style="dim") + Text(line), soft_wrap=True)


def _parse_merges(merges: tuple[str, ...]) -> dict[str, list[str]]:
    merge: dict[str, list[str]] = {}
    for text in merges:
        name, equals, folders = text.partition("=")
        parts = [part.strip() for part in folders.split(",") if part.strip()]
        if not equals or not name.strip() or not parts:
            raise click.BadParameter(
                f"expected CLASS=FOLDER,FOLDER such as rock_metal=rock,metal. Received: {text!r}.",
                param_hint="--merge",
            )
        merge.setdefault(name.strip(), []).extend(parts)
    return merge


def parse_columns(text: str | None) -> dict[str, str]:
    """The names in a text such as label=genre,artist=band, by what they are of."""
    pairs = [part.partition("=") for part in (text or "").split(",") if part.strip()]
    if not all(equals and what.strip() for what, equals, _ in pairs):
        raise click.BadParameter(
            f"expected WHAT=NAME,... such as label=genre,artist=band. Received: {text!r}.",
            param_hint="--columns",
        )
    return {what.strip(): name.strip() for what, _, name in pairs}


def _parse_names(texts: tuple[str, ...]) -> list[str]:
    return [name for text in texts for name in text.split(",") if name.strip()]


def parse_shares(text: str | None) -> list[float] | None:
    """The shares of the splits in a text such as 60/15/25, in per cent; None if there is none."""
    if text is None:
        return None
    try:
        values = [float(part) for part in text.split("/")]
    except ValueError:
        values = []
    if len(values) != len(SPLITS) or not all(value > 0 for value in values) or sum(values) != 100:
        raise click.BadParameter(
            f"expected three per cents that add up to 100, such as 60/15/25. Received: {text!r}.",
            param_hint="--shares",
        )
    return [value / 100 for value in values]


def _download_progress(bar: ProgressBar) -> Callable[[DownloadProgress], None]:
    arrived: dict[str, tuple[float, int]] = {}

    def progress(state: DownloadProgress) -> None:
        share = state.bytes_done / state.bytes_total if state.bytes_total else 0.0
        share_before, bytes_before = arrived.get(state.file, (0.0, state.bytes_done))
        bar.advance(share - share_before, state.bytes_done - bytes_before, state.file)
        arrived[state.file] = (share, state.bytes_done)

    return progress
