"""What a run rests on: the rows of its dataset, and the command that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from data.datasets.dataset import SplitName
from data.errors import DataError
from experiments.design.request import Computing
from experiments.design.study import Study
from experiments.errors import RunError
from experiments.results.run_result import RunResult
from experiments.studies import STUDIES

_KINDS = {
    "demo": "demo music, synthesised by this program",
    "npy_folder": "arrays of features, imported",
    "arrays": "arrays of others, imported",
    "table": "a table of others, imported",
    "audio_folder": "recordings",
}


@dataclass(frozen=True)
class DatasetCounts:
    """The dataset of a run.

    Args:
        origin: where its rows come from, in a phrase.
        rows: split -> number of segments.
        genres: genre -> split -> number of segments; empty if its file is not found.
        tracks: split -> number of tracks; empty if they are unknown.
    """

    origin: str
    rows: Mapping[str, int] | Mapping[SplitName, int]
    genres: Mapping[str, Mapping[SplitName, int]]
    tracks: Mapping[SplitName, int]


def count_dataset(result: RunResult) -> DatasetCounts:
    """Count the rows of a run's dataset, from its file if the user has it."""
    from data.storage import hdf5
    from data.storage.catalogue import find_dataset

    about = result.manifest.dataset
    try:  # labels and tracks, but not the spectrograms, which are large
        dataset = hdf5.load(find_dataset(about.name, about.content_sha256), with_mel=False)
        tracks = dataset.track_counts()
        found = DatasetCounts(
            _origin(dataset.provenance),
            {split: len(rows) for split, rows in dataset.splits()},
            dataset.class_counts(),
            tracks if all(tracks.values()) else {},
        )
    except DataError:
        found = DatasetCounts(_KINDS.get(about.kind, about.kind), about.rows, {}, {})
    if about.is_source:
        return replace(found, origin=f"the source dataset: {found.origin}")
    return found


def _origin(provenance: Mapping[str, Any]) -> str:
    """Where rows come from, without the name of the folder, which is private."""
    kind = str(provenance.get("kind", "unknown"))
    recordings, skipped = provenance.get("recordings"), provenance.get("skipped")
    if kind == "audio_folder" and isinstance(recordings, int):
        without = f", {skipped} more left out" if isinstance(skipped, int) and skipped else ""
        return f"{recordings} recordings{without}"
    return _KINDS.get(kind, kind)


def command_of(result: RunResult) -> tuple[str, bool]:
    """The command that repeats a run, and whether options cannot express its study.

    The command is empty for a search, whose trials are drawn, and where request.json is missing.
    """
    try:
        request = result.run.read_request()
    except RunError:
        return "", False
    if request.search is not None:
        return "", False
    epochs, options = result.manifest.epochs, asdict(request.options)
    words = ["python", "-m", "experiments", "run", result.study]
    variants, is_own = _chosen_variants(request.study)
    words += ["--data", result.dataset, "--protocol", result.protocol]
    words += ["--seeds", str(result.seeds)]
    words += ["--epochs", str(epochs)] if epochs else []
    if fold := result.manifest.folds[0]:
        words += ["--folds", str(fold.of), "--group", fold.group]
    words += [f"--{name}" for name in ("quick", "extended") if options[name] is True]
    words += ["--variants", ",".join(variants)] if variants else []
    computing = asdict(request.computing)
    for name, default in asdict(Computing()).items():
        if computing[name] != default:
            value = [] if computing[name] is True else [str(computing[name])]
            words += [f"--{name.replace('_', '-')}", *value]
    return shlex.join(words), is_own


def _chosen_variants(study: Study) -> tuple[list[str], bool]:
    """Names of a known study's variants, empty for all; whether the study is the user's own."""
    known = STUDIES.get(study.name)
    if known is None or study.budget != known.budget:
        return [], True
    # Published figures and notes do not change what is trained.
    trained = {v.name: (v.network, v.training, v.controlled) for v in known.variants}
    for v in study.variants:
        if trained.get(v.name) != (v.network, v.training, v.controlled):
            return [], True
    names = [variant.name for variant in study.variants]
    return ([] if names == list(trained) else names), False
