"""A run's network as a file for other programs, kept only if it computes what Keras does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from data.datasets.dataset import Dataset
from data.files.atomic import commit
from data.storage import hdf5
from data.storage.catalogue import find_dataset
from experiments.design.own_code import require_trusted
from experiments.errors import RunError
from experiments.results.run_result import RunResult, VariantTrial

Kind = Literal["onnx", "keras"]
LARGEST_DIFFERENCE = 1e-5  # of probabilities


@dataclass(frozen=True)
class Written:
    """A file that was checked.

    Args:
        size: bytes.
        rows: test rows that it was checked on.
        difference: the largest of any probability from Keras's.
    """

    size: int
    rows: int
    difference: float


def choose(
    result: RunResult, variant: str | None, seed: int | None, fold: int | None = None
) -> VariantTrial:
    """The trial whose network is meant: of all that are left, the best on validation.

    Args:
        result: of the run.
        variant: its name; None means the run's best.
        seed, fold: None means any.

    Raises:
        RunError: no such trial has finished.
    """
    records = result.trials
    finished = [record for record in records if record.status == "finished"]
    names = list(dict.fromkeys(record.variant for record in finished))
    if not finished:
        raise RunError(
            f"no trial of {result.run.name} has finished, so there is no network to export: the "
            f"run is {result.state}."
        )
    if variant is None:
        if result.best is None:
            raise RunError(
                f"no variant of {result.run.name} has been tested yet, so none is its best: name "
                f"one with --variant ({', '.join(names)})."
            )
        variant = result.best.name
    elif variant not in names:
        is_known = variant in {record.variant for record in records}
        raise RunError(
            f"no trial of {variant} has finished"
            f"{'' if is_known else ': the run has no such variant'}. Name one of: "
            f"{', '.join(names)}."
        )
    found = [record for record in finished if record.variant == variant]
    # Of several learning rates only the selected one has been tested.
    found = [record for record in found if record.result and record.result.test] or found
    if fold is not None:
        found = [one for one in found if one.trial.fold and one.trial.fold.number == fold]
        if not found:
            there = f"1 to {result.folds}" if result.folds else "none, as the run has no folds"
            raise RunError(f"{variant} has no finished trial of fold {fold}. There are: {there}.")
    with_seed = [record for record in found if seed in (None, record.trial.seed)]
    if not with_seed:
        seeds = ", ".join(dict.fromkeys(str(record.trial.seed) for record in found))
        raise RunError(f"{variant} has no finished trial of seed {seed}. Name one of: {seeds}.")
    return max(with_seed, key=_validation)


def write_network(
    result: RunResult, record: VariantTrial, kind: Kind, path: Path, dataset: Path | None
) -> Written:
    """Write a trial's network to a file, check it on the test rows, and keep it if right.

    Args:
        result: of the run.
        record: of a finished trial.
        kind: of the file: ONNX, or Keras's own for any of its backends.
        path: of the file; an existing one is replaced.
        dataset: file of the rows that the run trained on; None looks for it among the
            user's datasets.

    Raises:
        ConfigError: a package is missing, or the model file is damaged or cannot be converted.
        DataError: the dataset is missing or damaged; the disk is full.
        RunError: the rows are not the run's; the file computes something else.
    """
    from networks import onnx, portable

    if kind == "onnx":
        onnx.require_packages()
    rows = _dataset(result, dataset)
    features = rows.features(record.trial.network.features, "test")
    model = _model(result, record, features.shape[1:])
    with commit(path) as temporary:
        if kind == "onnx":
            onnx.write(model, temporary, _about(result, record, rows))
            difference = onnx.largest_difference(temporary, model, features)
        else:
            portable.write(model, record.trial.network, temporary)
            difference = portable.largest_difference(temporary, model, features)
        if not difference < LARGEST_DIFFERENCE:
            raise RunError(
                f"the file gives probabilities up to {difference:.1e} away from the network's on "
                f"the test rows, where {LARGEST_DIFFERENCE:g} is the most: it was not kept. Try "
                "the versions in constraints.txt."
            )
        size = temporary.stat().st_size
    return Written(size, len(features), difference)


def _dataset(result: RunResult, dataset: Path | None) -> Dataset:
    path = dataset or find_dataset(result.dataset, result.content_sha256)
    rows = hdf5.load(path)
    if rows.content_sha256 != result.content_sha256:
        raise RunError(
            f"{path} holds other rows than the run trained on (content hash "
            f"{rows.content_sha256[:12]}, expected {result.content_sha256:.12}): name the right "
            "dataset with --data."
        )
    return rows


def _model(result: RunResult, record: VariantTrial, input_shape: tuple[int, ...]) -> Any:
    from networks.inference import load_model

    trial = record.trial.id
    path = result.run.trial_path(trial) / "model.keras"
    if not path.exists():
        raise RunError(f"trial {trial} has finished, but its network is gone: {path}.")
    require_trusted(record.trial.network)
    network, classes = record.trial.network, len(result.genres)
    return load_model(path, network, classes, input_shape=input_shape)


def _validation(record: VariantTrial) -> float:
    return record.result.score if record.result else 0.0


def _about(result: RunResult, record: VariantTrial, rows: Dataset) -> dict[str, str]:
    """Metadata of the file, all texts."""
    trial = record.trial
    kind = trial.network.features
    (other,) = {"mfcc", "mel"} - {kind}
    known = {} if rows.parameters is None else json.loads(rows.parameters.to_json())
    parameters = {k: v for k, v in known.items() if not k.startswith(other)}
    return {
        "genres": json.dumps(list(result.genres)),
        "features": json.dumps({"kind": kind, **parameters}),
        "study": result.study,
        "protocol": result.protocol,
        "run": result.run.name,
        "variant": record.variant,
        "trial": trial.id,
        "seed": str(trial.seed),
        **({} if trial.fold is None else {"fold": f"{trial.fold.number} of {trial.fold.of}"}),
        "dataset": result.dataset,
        "dataset_sha256": result.content_sha256,
    }
