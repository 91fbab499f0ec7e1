"""A run's manifest, run.json: what was to be trained, on what, with what.

It is written once, when the run begins. That of a search names no trials: they are in
Optuna's journal, and a manifest that is read has them in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, Self, get_args

from data.audio.parameters import (
    DOCUMENTED,
    KINDS,
    Features,
    is_row_shape,
    statistics_name,
)
from experiments.design.dataset_size import DatasetSize
from experiments.design.limits import check_bounds
from experiments.design.plan import Candidate, Plan, PlannedVariant, by_fold
from experiments.design.published_figure import PublishedFigure
from experiments.design.search_settings import Search
from experiments.design.study import PROTOCOLS, Protocol
from experiments.design.trial import Fold, Trial, cohort_id
from experiments.runs.search_journal import Draw
from experiments.runs.validation import (
    Flag,
    Record,
    Text,
    Texts,
    count,
    each,
    of_type,
    one_of,
    or_none,
    text,
    texts,
    values_of,
    within,
)
from networks.training.cohort_key import Precision

SCHEMA_VERSION = 3
_MOST_GENRES = 1000


def _genres(value: Any) -> tuple[str, ...]:
    genres = texts(value)
    if not 0 < len(genres) <= _MOST_GENRES:
        raise ValueError(f"{len(genres)} genres")
    return genres


def _seeds(value: Any) -> tuple[int, ...]:
    seeds = each(count)(value)
    check_bounds(seeds=len(seeds))
    return seeds


def _shapes(plain: Any) -> dict[Features, tuple[int, ...]]:
    shapes = values_of(each(count))(plain)
    if not shapes or not all(k in KINDS and is_row_shape(k, shapes[k]) for k in shapes):
        raise ValueError(f"{plain!r:.60} are no shapes of features")
    return {kind: shapes[kind] for kind in KINDS if kind in shapes}


@dataclass(frozen=True)
class CohortRecord(Record):
    """Ids of a cohort and of the trials that train in it."""

    id: Text
    trials: Texts


@dataclass(frozen=True)
class DatasetRecord(Record):
    """The dataset of a run.

    Args:
        name: it had when the run began.
        content_sha256: of its rows.
        genres: class names in label order.
        kind: of what it was made, such as "demo" or "npy_folder".
        is_source: whether it is the source project's.
        rows: segments of each split.
        shapes: of a row of each kind of features that there is.
    """

    name: Text
    content_sha256: Text
    genres: Annotated[tuple[str, ...], _genres]
    kind: Text
    is_source: Flag = False
    rows: Annotated[Mapping[str, int], values_of(count)] = field(default_factory=dict)
    shapes: Annotated[Mapping[Features, tuple[int, ...]], _shapes] = field(
        default_factory=lambda: DOCUMENTED.shapes
    )

    @property
    def statistics(self) -> str:
        """What the baselines read of its rows."""
        return statistics_name(self.shapes, self.kind)

    def size(self, folds: int | None = None) -> DatasetSize:
        """What planning and forecasts know of it."""
        return DatasetSize.of(self.rows, len(self.genres), self.shapes, folds)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; documented shapes, which the oldest records have, are left out."""
        plain = super().to_dict()
        if self.shapes.items() <= DOCUMENTED.shapes.items():
            del plain["shapes"]
        return plain


@dataclass(frozen=True)
class DeviceRecord(Record):
    """What a run trains on.

    Args:
        type: "cpu" or "cuda".
        name: of the processor or GPU; "" where the system does not tell.
        threads: of torch on the CPU, in each process.
        precision: of products.
        workers: processes that train.
    """

    type: Text
    name: Text
    threads: Annotated[int, within("threads")]
    precision: Annotated[Precision, one_of(get_args(Precision))]
    workers: Annotated[int, within("workers")]


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
            text(plain["name"]),
            tuple(Candidate(tuple(trials[name] for name in names)) for names in named),
            each(PublishedFigure.from_dict)(plain["documented"]),
            text(plain["note"]),
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

    def to_dict(self) -> dict[str, Any]:
        """What run.json holds of it: its settings."""
        return self.settings.to_dict()


def _search(plain: Any) -> SearchRecord:
    return SearchRecord(Search.from_dict(plain))


def _trials(plain: Any) -> dict[str, Trial]:
    trials = values_of(lambda t: Trial.from_dict(of_type(dict, t)))(plain)
    for name, trial in trials.items():
        if trial.id != name:
            raise ValueError(f"{name!r:.40} is the name of another trial")
    return trials


@dataclass(frozen=True)
class RunManifest(Record):
    """What run.json holds; of a search, with all that it has drawn since.

    Args:
        study, question, about: what the run is to answer.
        protocol: "documented" or "controlled".
        created: when it began, UTC.
        dataset: that it trains and tests on.
        seeds: of each candidate's trials.
        epochs: requested instead of the protocol's, or None.
        left_out: what this version of the study does without, in sentences.
        variants: in the study's order; of a search, those of which something was drawn.
        trials: by their ids, in the order of training.
        cohorts: trials that train in lockstep.
        device: what it trains on.
        checkpoint_seconds: between two checkpoints of a cohort, at least.
        baselines: whether simple classifiers are fitted, too.
        versions: of what its results depend on, by name.
        search: where trials are drawn instead of planned.
    """

    study: Text
    question: Text
    about: Text
    protocol: Annotated[Protocol, one_of(PROTOCOLS)]
    created: Text
    dataset: Annotated[DatasetRecord, DatasetRecord.from_dict]
    seeds: Annotated[tuple[int, ...], _seeds]
    epochs: Annotated[int | None, or_none(within("epochs"))]
    left_out: Texts
    variants: Annotated[tuple[VariantRecord, ...], tuple]  # checked in `from_dict`, as are trials
    trials: Annotated[Mapping[str, Trial], dict]
    cohorts: Annotated[tuple[CohortRecord, ...], each(CohortRecord.from_dict)]
    device: Annotated[DeviceRecord, DeviceRecord.from_dict]
    checkpoint_seconds: Annotated[float, within("checkpoint_seconds")]
    baselines: Flag = False
    versions: Annotated[Mapping[str, str], values_of(text)] = field(default_factory=dict)
    search: Annotated[SearchRecord | None, or_none(_search)] = None

    @cached_property
    def plan(self) -> Plan:
        """All that the run trains."""
        variants = tuple(PlannedVariant(v.name, v.candidates) for v in self.variants)
        seeds, epochs = self.seeds, self.epochs
        return Plan(self.study, self.protocol, seeds, epochs, variants, self.left_out)

    @cached_property
    def folds(self) -> tuple[Fold | None, ...]:
        """Those that trials are tested on, sorted; (None,) for the dataset's own test split."""
        found = {trial.fold for trial in self.trials.values()}
        return (None,) if None in found or not found else tuple(sorted(found))  # type: ignore[type-var]

    @property
    def extent(self) -> str:
        """Such as "3 seeds", or "5 folds by track, 1 seed"."""
        fold, count = self.folds[0], len(self.seeds)
        seeds = f"{count} seed{'s' if count > 1 else ''}"
        return f"{fold.of} folds by {fold.group}, {seeds}" if fold else seeds

    @property
    def size(self) -> DatasetSize:
        """What planning and forecasts know of the dataset."""
        return self.dataset.size(None if self.folds == (None,) else len(self.folds))

    @property
    def draws_on(self) -> bool:
        """Whether a search has still trials to draw."""
        return self.search is not None and not self.search.is_over

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; of a search without what it has drawn."""
        plain = {"schema_version": SCHEMA_VERSION} | super().to_dict()
        return plain if self.search else {k: v for k, v in plain.items() if k != "search"}

    @classmethod
    def from_dict(cls, plain: Any) -> Self:
        """The manifest that `to_dict` made `plain` of; raises as `Record.from_dict`."""
        trials = _trials(plain["trials"])
        variants = [VariantRecord.from_dict(v, trials) for v in of_type(list, plain["variants"])]
        manifest = super().from_dict(plain | {"trials": trials, "variants": variants})
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
        if self.folds[0] is not None:
            self._check_folds()

    def _check_folds(self) -> None:
        """Raise ValueError unless all variants have the same candidates on all folds."""
        if not {"train", "validation", "test"} <= self.dataset.rows.keys():
            raise ValueError("folds of a dataset whose splits have no known numbers of rows")
        first = self.folds[0]
        folds = [first._replace(number=n) for n in range(1, first.of + 1)] if first else []
        for variant in self.variants:
            for candidate in variant.candidates:
                if {trial.fold for trial in candidate.trials} != {candidate.fold}:
                    raise ValueError("a candidate on several folds")
            found = by_fold(variant.candidates)
            counts = {len(candidates) for candidates in found}
            if sorted(part[0].fold or () for part in found) != folds or len(counts) != 1:
                raise ValueError("a variant that lacks folds")
