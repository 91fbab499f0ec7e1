"""A run's manifest, run.json: what was to be trained, on what, with what.

It is written once, when the run begins. That of a search names no trials: they are in
Optuna's journal, and a manifest that is read has them in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, get_args

from experiments.design.plan import Candidate, Plan, PlannedVariant
from experiments.design.published_figure import PublishedFigure
from experiments.design.search_settings import Search
from experiments.design.study import PROTOCOLS, Protocol
from experiments.design.trial import Trial, cohort_id
from experiments.runs.search_journal import Draw
from experiments.runs.validation import amount, count, of_type, optional, texts
from networks.training.cohort_key import Precision

SCHEMA_VERSION = 3
_MOST_GENRES = 1000


@dataclass(frozen=True)
class CohortRecord:
    """Ids of a cohort and of the trials that train in it."""

    id: str
    trials: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"id": self.id, "trials": list(self.trials)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> CohortRecord:
        """The record that `to_dict` made `plain` of."""
        return cls(of_type(str, plain["id"]), texts(plain["trials"]))


@dataclass(frozen=True)
class DatasetRecord:
    """The dataset of a run.

    Args:
        name: it had when the run began.
        content_sha256: of its rows.
        genres: class names in label order.
        kind: of what it was made, such as "demo" or "npy_folder".
        is_source: whether it is the source project's.
        rows: segments of each split.
    """

    name: str
    content_sha256: str
    genres: tuple[str, ...]
    kind: str
    is_source: bool
    rows: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"genres": list(self.genres)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> DatasetRecord:
        """The record that `to_dict` made `plain` of."""
        genres, rows = texts(plain["genres"]), of_type(dict, plain.get("rows", {}))
        if not 0 < len(genres) <= _MOST_GENRES:
            raise ValueError(f"{len(genres)} genres")
        return cls(
            of_type(str, plain["name"]),
            of_type(str, plain["content_sha256"]),
            genres,
            of_type(str, plain["kind"]),
            of_type(bool, plain.get("is_source", False)),
            {split: count(n) for split, n in rows.items()},
        )


@dataclass(frozen=True)
class DeviceRecord:
    """What a run trains on.

    Args:
        type: "cpu" or "cuda".
        name: of the processor or GPU; "" where the system does not tell.
        threads: of torch on the CPU, in each process.
        precision: of products.
        workers: processes that train.
    """

    type: str
    name: str
    threads: int
    precision: Precision
    workers: int

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> DeviceRecord:
        """The record that `asdict` made `plain` of."""
        precision = plain["precision"]
        if precision not in get_args(Precision):
            raise ValueError(f"there is no precision {precision!r:.40}")
        return cls(
            of_type(str, plain["type"]),
            of_type(str, plain["name"]),
            count(plain["threads"]),
            precision,
            count(plain["workers"]),
        )


@dataclass(frozen=True)
class VariantRecord:
    """A variant of the study.

    Args:
        name: of the variant.
        candidates: learning rates that validation selects from, with their trials.
        published: figures that the sources report, where the dataset is theirs.
        note: on the documented protocol.
    """

    name: str
    candidates: tuple[Candidate, ...]
    published: tuple[PublishedFigure, ...] = ()
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "candidates": [
                {"learning_rate": candidate.learning_rate, "trials": list(candidate.ids)}
                for candidate in self.candidates
            ],
            "documented": [figure.to_dict() for figure in self.published],
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], trials: Mapping[str, Trial]) -> VariantRecord:
        """The record that `to_dict` made `plain` of; `trials` are by their ids."""
        named = [texts(candidate["trials"]) for candidate in of_type(list, plain["candidates"])]
        return cls(
            of_type(str, plain["name"]),
            tuple(Candidate(tuple(trials[name] for name in names)) for names in named),
            tuple(map(PublishedFigure.from_dict, of_type(list, plain["documented"]))),
            of_type(str, plain["note"]),
        )


@dataclass(frozen=True)
class SearchRecord:
    """A search and how far it has come.

    Args:
        settings: what is searched, and how.
        draws: so far.
        generations: that they were drawn in.
        is_over: whether nothing is left to draw.
    """

    settings: Search
    draws: tuple[Draw, ...] = ()
    generations: int = 0
    is_over: bool = False


@dataclass(frozen=True)
class RunManifest:
    """What run.json holds; of a search, with all that it has drawn since.

    Args:
        study, question, about: what the run is to answer.
        protocol: "documented" or "controlled".
        created: when it began, UTC.
        dataset: that it trains and tests on.
        seeds: of each candidate's trials.
        epochs: asked for instead of the protocol's, or None.
        left_out: what this version of the study does without, in sentences.
        baselines: whether simple classifiers are fitted, too.
        variants: in the study's order; of a search, those of which something was drawn.
        trials: by their ids, in the order of training.
        cohorts: trials that train in lockstep.
        device: what it trains on.
        checkpoint_seconds: between two checkpoints of a cohort, at least.
        versions: of what its results depend on, by name.
        search: where trials are drawn instead of planned.
    """

    study: str
    question: str
    about: str
    protocol: Protocol
    created: str
    dataset: DatasetRecord
    seeds: tuple[int, ...]
    epochs: int | None
    left_out: tuple[str, ...]
    baselines: bool
    variants: tuple[VariantRecord, ...]
    trials: Mapping[str, Trial]
    cohorts: tuple[CohortRecord, ...]
    device: DeviceRecord
    checkpoint_seconds: float
    versions: Mapping[str, str] = field(default_factory=dict)
    search: SearchRecord | None = None

    @cached_property
    def plan(self) -> Plan:
        """All that the run trains."""
        variants = tuple(PlannedVariant(v.name, v.candidates) for v in self.variants)
        seeds, epochs = self.seeds, self.epochs
        return Plan(self.study, self.protocol, seeds, epochs, variants, self.left_out)

    @property
    def draws_on(self) -> bool:
        """Whether a search has still trials to draw."""
        return self.search is not None and not self.search.is_over

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; of a search without what it has drawn."""
        plain = {
            "schema_version": SCHEMA_VERSION,
            "study": self.study,
            "question": self.question,
            "about": self.about,
            "protocol": self.protocol,
            "created": self.created,
            "dataset": self.dataset.to_dict(),
            "seeds": list(self.seeds),
            "epochs": self.epochs,
            "left_out": list(self.left_out),
            "baselines": self.baselines,
            "variants": [variant.to_dict() for variant in self.variants],
            "trials": {name: trial.to_dict() for name, trial in self.trials.items()},
            "cohorts": [cohort.to_dict() for cohort in self.cohorts],
            "device": asdict(self.device),
            "checkpoint_seconds": self.checkpoint_seconds,
            "versions": dict(self.versions),
        }
        if self.search is None:
            return plain
        return plain | {"search": self.search.settings.to_dict()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> RunManifest:
        """The manifest that `to_dict` made `plain` of.

        Raises:
            LookupError, TypeError, ValueError: `plain` is damaged.
        """
        version, protocol = plain.get("schema_version"), plain["protocol"]
        if version != SCHEMA_VERSION:
            raise ValueError(f"it has schema version {version!r:.20}")
        if protocol not in PROTOCOLS:
            raise ValueError(f"there is no protocol {protocol!r:.40}")
        trials = _trials_from_dict(plain["trials"])
        variants = of_type(list, plain["variants"])
        versions = of_type(dict, plain.get("versions", {}))
        manifest = cls(
            study=of_type(str, plain["study"]),
            question=of_type(str, plain["question"]),
            about=of_type(str, plain["about"]),
            protocol=protocol,
            created=of_type(str, plain["created"]),
            dataset=DatasetRecord.from_dict(of_type(dict, plain["dataset"])),
            seeds=tuple(count(seed) for seed in of_type(list, plain["seeds"])),
            epochs=optional(count, plain["epochs"]),
            left_out=texts(plain["left_out"]),
            baselines=of_type(bool, plain.get("baselines", False)),
            variants=tuple(VariantRecord.from_dict(of_type(dict, v), trials) for v in variants),
            trials=trials,
            cohorts=tuple(map(CohortRecord.from_dict, of_type(list, plain["cohorts"]))),
            device=DeviceRecord.from_dict(of_type(dict, plain["device"])),
            checkpoint_seconds=amount(plain["checkpoint_seconds"]),
            versions={name: of_type(str, version) for name, version in versions.items()},
            search=optional(lambda s: SearchRecord(Search.from_dict(s)), plain.get("search")),
        )
        if manifest.search is None:
            manifest._check()
        return manifest

    def with_draws(self, draws: Sequence[Draw], exhausted: bool) -> RunManifest:
        """A search's manifest with all that it has drawn.

        Trials, cohorts and the candidates of variants are those of an ordinary run whose
        plan was the same; variants of which nothing was drawn are left out.

        Args:
            draws: in the order of drawing.
            exhausted: whether nothing new is left to draw.

        Raises:
            ValueError: they do not belong together.
        """
        if self.search is None:
            raise ValueError("draws of a run that is no search")
        search = self.search.settings
        candidates: dict[str, list[Candidate]] = {}
        cohorts: dict[tuple[int, int], list[str]] = {}
        for draw in draws:
            candidates.setdefault(draw.setting.variant, []).append(Candidate((draw.trial,)))
            cohorts.setdefault((draw.generation, draw.cohort), []).append(draw.trial.id)
        manifest = replace(
            self,
            trials={draw.trial.id: draw.trial for draw in draws},
            cohorts=tuple(CohortRecord(cohort_id(ids), tuple(ids)) for ids in cohorts.values()),
            variants=tuple(
                replace(variant, candidates=tuple(candidates[variant.name]))
                for variant in self.variants
                if variant.name in candidates
            ),
            search=SearchRecord(
                search,
                tuple(draws),
                max((draw.generation for draw in draws), default=0),
                exhausted or len(draws) >= search.trials,
            ),
        )
        manifest._check()
        return manifest

    def _check(self) -> None:
        """Raise ValueError unless variants, trials and cohorts belong together."""
        candidates = [candidate for variant in self.variants for candidate in variant.candidates]
        if not all(variant.candidates for variant in self.variants) or not all(
            candidate.trials for candidate in candidates
        ):
            raise ValueError("a variant without trials")
        named = sorted({name for candidate in candidates for name in candidate.ids})
        planned = sorted(name for cohort in self.cohorts for name in cohort.trials)
        if not sorted(self.trials) == named == planned:
            raise ValueError("its variants and cohorts have other trials")


def _trials_from_dict(plain: Any) -> dict[str, Trial]:
    """Trials by their ids.

    Raises:
        LookupError, TypeError, ValueError: they are damaged.
    """
    trials = {name: Trial.from_dict(of_type(dict, t)) for name, t in of_type(dict, plain).items()}
    for name, trial in trials.items():
        if trial.id != name:
            raise ValueError(f"{name!r:.40} is the name of another trial")
    return trials
