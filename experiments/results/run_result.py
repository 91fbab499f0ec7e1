"""What came of a run, summed up from its records.

Records may be damaged or foreign: everything is checked here, once, and what
comes out is typed.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from experiments.design.published_figure import PublishedFigure
from experiments.errors import MISSHAPEN, RunError
from experiments.runs.baseline_results import BaselineResult
from experiments.runs.baseline_results import read as read_baselines
from experiments.runs.directory import RunDirectory
from experiments.runs.seed_values import Spread as Spread
from experiments.runs.state import State, state_of
from experiments.runs.validation import number as _number
from experiments.runs.validation import of_type as _of
from experiments.runs.validation import summed_counts

_MOST_CLASSES = 1000


@dataclass(frozen=True)
class CandidateResult:
    """A candidate that validation chose from.

    Args:
        learning_rate: of its training.
        trials: their ids.
        validation_macro_f1: of each trial that finished, at the epoch that was kept.
    """

    learning_rate: float
    trials: tuple[str, ...]
    validation_macro_f1: Spread


@dataclass(frozen=True)
class VariantResult:
    """A variant's test figures over its seeds.

    Args:
        name: of the variant.
        learning_rate: that was trained, or that validation selected.
        candidates: all learning rates, of which validation selected one.
        trials: ids of those that were tested.
        tested: their seeds.
        n: trials that finished and were tested.
        seeds: trials that there should be.
        diverged: trials whose loss was not finite, at any learning rate.
        failures: why trials failed.
        untrained: trials without a result yet, at any learning rate.
        accuracy, macro_f1, batch_mean_f1: over the n trials.
        epochs: that the n trials were trained for.
        seconds: of training each of the n trials; where several trained in lockstep,
            each has its part of their time.
        validation_macro_f1: mean over the n trials, at the epoch that was kept.
        confusion_matrix: rows true, columns predicted, summed over the n trials.
        published: what the sources report, where the dataset is theirs.
        note: on the documented protocol.
    """

    name: str
    learning_rate: float
    candidates: tuple[CandidateResult, ...]
    trials: tuple[str, ...]
    tested: tuple[int, ...]
    n: int
    seeds: int
    diverged: int
    failures: tuple[str, ...]
    untrained: int
    accuracy: Spread
    macro_f1: Spread
    batch_mean_f1: Spread
    epochs: Spread
    seconds: Spread
    validation_macro_f1: float | None
    confusion_matrix: list[list[int]]
    published: tuple[PublishedFigure, ...]
    note: str

    @property
    def selected_from(self) -> int:
        """Number of learning rates tried."""
        return len(self.candidates)

    def by_seed(self, figure: Literal["accuracy", "macro_f1"]) -> dict[int, float]:
        """A figure of each tested trial, by its seed."""
        spread: Spread = getattr(self, figure)
        return dict(zip(self.tested, spread.values, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "n": self.n,
            "accuracy": self.accuracy.to_dict(),
            "macro_f1": self.macro_f1.to_dict(),
            "batch_mean_f1": self.batch_mean_f1.to_dict(),
            "validation_macro_f1": self.validation_macro_f1,
            "confusion_matrix": self.confusion_matrix,
            "learning_rate": self.learning_rate,
            "epochs": self.epochs.to_dict(),
            "seconds": self.seconds.to_dict(),
            "seeds": self.seeds,
            "diverged": self.diverged,
            "failed": len(self.failures),
            "documented": [figure.to_dict() for figure in self.published],
        }


@dataclass(frozen=True)
class RunResult:
    """A run's facts and its variants' results.

    Args:
        run: its directory.
        study, question, about, protocol: what it was to answer, and how.
        created: when it began, UTC.
        dataset, dataset_kind, content_sha256: what it ran on.
        genres: class names in label order.
        seeds: of each variant's trials.
        epochs: asked for instead of the protocol's, or None.
        left_out: what this version of the study does without, in sentences.
        machine: device, threads, precision and versions it ran with, as far as is known.
        state: of the run, see `experiments.runs.state`.
        variants: in the study's order.
        baselines: what simple classifiers reach on the same rows.
    """

    run: RunDirectory
    study: str
    question: str
    about: str
    protocol: str
    created: str
    dataset: str
    dataset_kind: str
    content_sha256: str
    genres: tuple[str, ...]
    seeds: int
    epochs: int | None
    left_out: tuple[str, ...]
    machine: Mapping[str, str]
    state: State
    variants: tuple[VariantResult, ...]
    baselines: tuple[BaselineResult, ...]

    @property
    def best(self) -> VariantResult | None:
        """The variant with the best mean validation macro-F1; None if none finished."""
        tested = [variant for variant in self.variants if variant.n]
        return max(tested, key=lambda variant: variant.validation_macro_f1 or 0.0, default=None)

    def to_dict(self) -> dict[str, Any]:
        """The object that `run --json` prints."""
        return {
            "study": self.study,
            "protocol": self.protocol,
            "dataset": {"name": self.dataset, "content_sha256": self.content_sha256},
            "run": str(self.run.path),
            "state": self.state,
            "genres": list(self.genres),
            "variants": [variant.to_dict() for variant in self.variants],
            "best": self.best.name if self.best else None,
            "baselines": [baseline.to_dict() for baseline in self.baselines],
            "left_out": list(self.left_out),
        }


def collect(run: RunDirectory) -> RunResult:
    """Sum a run's records up.

    Raises:
        RunError: a record is missing or damaged.
    """
    facts = run.read_run()
    try:
        dataset = _of(dict, facts["dataset"])
        genres = tuple(_of(str, genre) for genre in _of(list, dataset["genres"]))
        if len(genres) > _MOST_CLASSES:
            raise ValueError(f"{len(genres)} genres")
        return RunResult(
            run=run,
            study=_of(str, facts["study"]),
            question=_of(str, facts["question"]),
            about=_of(str, facts["about"]),
            created=_of(str, facts["created"]),
            protocol=_of(str, facts["protocol"]),
            dataset=_of(str, dataset["name"]),
            dataset_kind=_of(str, dataset["kind"]),
            content_sha256=_of(str, dataset["content_sha256"]),
            genres=genres,
            seeds=len(_of(list, facts["seeds"])),
            epochs=None if facts["epochs"] is None else _of(int, facts["epochs"]),
            left_out=tuple(_of(str, said) for said in _of(list, facts["left_out"])),
            machine=_machine(facts),
            state=state_of(run, facts).state,
            variants=tuple(
                _variant(run, _of(dict, variant), len(genres))
                for variant in _of(list, facts["variants"])
            ),
            baselines=read_baselines(run, len(genres)),
        )
    except MISSHAPEN as error:
        if isinstance(error, RunError):
            raise
        raise RunError(f"the records of {run.path} are damaged ({error!r}).") from error


def _machine(facts: dict[str, Any]) -> dict[str, str]:
    """Device and versions, as texts; what is not told is left out."""
    device, versions = facts.get("device", {}), facts.get("versions", {})
    told = {"device": device.get("name", ""), **device, **versions}
    return {str(name): str(value) for name, value in told.items() if name != "name" and value}


def _variant(run: RunDirectory, variant: dict[str, Any], classes: int) -> VariantResult:
    candidates = []
    for candidate in _of(list, variant["candidates"]):
        trials = [_of(str, trial) for trial in _of(list, candidate["trials"])]
        results = [run.read_result(trial) for trial in trials]
        ended = [r for r in results if r and r["status"] == "finished"]
        scores = tuple(_number(result["validation"]["macro_f1"]) for result in ended)
        rate = _number(candidate["learning_rate"])
        candidates.append((CandidateResult(rate, tuple(trials), Spread(scores)), results))
    # Of several candidates only the selected one has been tested.
    chosen, results = max(
        candidates, key=lambda candidate: sum(bool(r and r["test"]) for r in candidate[1])
    )
    everything = [result for _, some in candidates for result in some]
    finished = [result for result in results if result and result["test"]]
    tested = [_of(dict, result["test"]) for result in finished]

    def spread(name: str) -> Spread:
        return Spread(tuple(_number(test[name]) for test in tested))

    validation = [_number(result["validation"]["macro_f1"]) for result in finished]
    states = [_of(str, result["status"]) for result in everything if result]
    return VariantResult(
        name=_of(str, variant["name"]),
        learning_rate=chosen.learning_rate,
        candidates=tuple(candidate for candidate, _ in candidates),
        trials=tuple(_of(str, result["trial"]) for result in finished),
        tested=tuple(_of(int, result["seed"]) for result in finished),
        n=len(tested),
        seeds=len(results),
        diverged=states.count("diverged"),
        failures=tuple(
            _of(str, result["reason"])
            for result in everything
            if result and result["status"] == "failed"
        ),
        untrained=everything.count(None),
        accuracy=spread("accuracy"),
        macro_f1=spread("macro_f1"),
        batch_mean_f1=spread("batch_mean_f1"),
        epochs=Spread(tuple(_number(result["epochs"]) for result in finished)),
        seconds=Spread(tuple(map(_seconds, finished))),
        validation_macro_f1=statistics.fmean(validation) if validation else None,
        confusion_matrix=summed_counts((test["confusion_matrix"] for test in tested), classes),
        published=tuple(
            PublishedFigure.from_dict(_of(dict, figure))
            for figure in _of(list, variant["documented"])
        ),
        note=_of(str, variant["note"]),
    )


def _seconds(result: dict[str, Any]) -> float:
    """What training a trial took, as its part of a cohort that trained in lockstep."""
    size = max(_of(int, result["cohort"]["size"]), 1)
    return math.fsum(_number(seconds) for seconds in result["epoch_seconds"]) / size
