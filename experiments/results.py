"""What came of a run, summed up from its records.

Records may be damaged or foreign: everything is checked here, once, and what
comes out is typed.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any, TypeVar

from experiments.errors import RunError
from experiments.records import RunDirectory
from experiments.state import State, state_of
from experiments.study import Documented

T = TypeVar("T")
_MOST_CLASSES = 1000
_LARGEST_COUNT = 10**12


@dataclass(frozen=True)
class Spread:
    """A figure over seeds: shares between 0 and 1, in the order of the seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """None without values."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def std(self) -> float | None:
        """Sample standard deviation; None with fewer than two values."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"mean": self.mean, "std": self.std, "values": list(self.values)}


@dataclass(frozen=True)
class VariantResult:
    """A variant's test figures over its seeds.

    Args:
        name: of the variant.
        learning_rate: that was trained, or that validation selected.
        selected_from: number of learning rates tried.
        n: trials that finished and were tested.
        seeds: trials that there should be.
        diverged: trials whose loss was not finite, at any learning rate.
        failures: why trials failed.
        untrained: trials without a result yet, at any learning rate.
        accuracy, macro_f1, batch_mean_f1: over the n trials.
        validation_macro_f1: mean over the n trials, at the epoch that was kept.
        confusion_matrix: rows true, columns predicted, summed over the n trials.
        documented: what the sources report, where the dataset is theirs.
        note: on the documented protocol.
    """

    name: str
    learning_rate: float
    selected_from: int
    n: int
    seeds: int
    diverged: int
    failures: tuple[str, ...]
    untrained: int
    accuracy: Spread
    macro_f1: Spread
    batch_mean_f1: Spread
    validation_macro_f1: float | None
    confusion_matrix: list[list[int]]
    documented: tuple[Documented, ...]
    note: str

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
            "seeds": self.seeds,
            "diverged": self.diverged,
            "failed": len(self.failures),
            "documented": [figure.to_dict() for figure in self.documented],
        }


@dataclass(frozen=True)
class RunResult:
    """A run's facts and its variants' results.

    Args:
        run: its directory.
        study, question, protocol: what it was to answer, and how.
        dataset, dataset_kind, content_sha256: what it ran on.
        genres: class names in label order.
        seeds: of each variant's trials.
        epochs: asked for instead of the protocol's, or None.
        state: of the run, see `experiments.state`.
        variants: in the study's order.
    """

    run: RunDirectory
    study: str
    question: str
    protocol: str
    dataset: str
    dataset_kind: str
    content_sha256: str
    genres: tuple[str, ...]
    seeds: int
    epochs: int | None
    state: State
    variants: tuple[VariantResult, ...]

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
            protocol=_of(str, facts["protocol"]),
            dataset=_of(str, dataset["name"]),
            dataset_kind=_of(str, dataset["kind"]),
            content_sha256=_of(str, dataset["content_sha256"]),
            genres=genres,
            seeds=len(_of(list, facts["seeds"])),
            epochs=None if facts["epochs"] is None else _of(int, facts["epochs"]),
            state=state_of(run, facts).state,
            variants=tuple(
                _variant(run, _of(dict, variant), len(genres))
                for variant in _of(list, facts["variants"])
            ),
        )
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        if isinstance(error, RunError):
            raise
        raise RunError(f"the records of {run.path} are damaged ({error!r}).") from error


def _variant(run: RunDirectory, variant: dict[str, Any], classes: int) -> VariantResult:
    candidates = []
    for candidate in _of(list, variant["candidates"]):
        trials = [_of(str, trial) for trial in _of(list, candidate["trials"])]
        results = [run.read_result(trial) for trial in trials]
        candidates.append((_number(candidate["learning_rate"]), results))
    # Of several candidates only the selected one has been tested.
    learning_rate, results = max(
        candidates, key=lambda candidate: sum(bool(r and r["test"]) for r in candidate[1])
    )
    everything = [result for _, some in candidates for result in some]
    tested = [_of(dict, result["test"]) for result in results if result and result["test"]]
    confusion = [[0] * classes for _ in range(classes)]
    for test in tested:
        for row, counts in zip(confusion, _of(list, test["confusion_matrix"]), strict=True):
            for j, count in enumerate(_of(list, counts)):
                if not 0 <= _of(int, count) < _LARGEST_COUNT:
                    raise ValueError(f"a count of {count}")
                row[j] += count

    def spread(name: str) -> Spread:
        return Spread(tuple(_number(test[name]) for test in tested))

    validation = [
        _number(result["validation"]["macro_f1"]) for result in results if result and result["test"]
    ]
    states = [_of(str, result["status"]) for result in everything if result]
    return VariantResult(
        name=_of(str, variant["name"]),
        learning_rate=learning_rate,
        selected_from=len(candidates),
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
        validation_macro_f1=statistics.fmean(validation) if validation else None,
        confusion_matrix=confusion,
        documented=tuple(
            Documented.from_dict(_of(dict, figure)) for figure in _of(list, variant["documented"])
        ),
        note=_of(str, variant["note"]),
    )


def _of(kind: type[T], value: Any) -> T:
    if type(value) is not kind:
        raise TypeError(f"{value!r:.60} should be {kind.__name__}")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise TypeError(f"{value!r:.60} should be a number")
    return float(value)
