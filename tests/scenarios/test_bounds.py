"""Every option has the same bounds wherever it is given, and is counted before it is multiplied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from data.audio.parameters import DOCUMENTED
from experiments.cli.main import main
from experiments.design.limits import BOUNDS, MOST_DRAWN_VALUES
from experiments.design.plan import StudyOptions, make_plan
from experiments.design.request import Computing, Request
from experiments.design.search_options import space_of
from experiments.design.search_settings import Search
from experiments.design.study import Budget, Study, Variant
from experiments.design.study_file import read_study
from experiments.design.variants import vary
from experiments.errors import RunError
from experiments.runs.manifest import RunManifest
from experiments.runs.trial_result import Scores, TrialResult
from experiments.studies import STUDIES
from experiments.studies.lookup import study_from_options
from genre_tui.model.dataset_rows import DatasetLine
from genre_tui.studies.run_request import RunRequest, check_form
from networks.models.config import (
    MOST_BATCH_ROWS,
    FFNConfig,
    TrainingConfig,
    to_dict,
    training_from_dict,
)
from tests.conftest import record_run

STUDY = STUDIES["ffn-baseline"]
ALL = BOUNDS | {"batch_size": (1, MOST_BATCH_ROWS)}
REFUSED = (ValueError, click.BadParameter)  # RunError and ConfigError, too


def command_line(name: str) -> Iterator[Callable[[Any], Any]]:
    for command in ("run", "search", "reproduce"):
        parsed = main.get_command(click.Context(main), command)
        assert parsed is not None
        for option in parsed.params:
            if option.name == name and (command, name) != ("search", "folds"):  # refused whole
                yield lambda value, option=option: option.type.convert(str(value), option, None)


def scripts(name: str) -> Iterator[Callable[[Any], Any]]:
    if name in ("seeds", "epochs", "folds"):
        yield lambda value: StudyOptions(**{name: value})
    if name in ("seeds", "epochs"):
        yield lambda value: study_from_options(STUDY, **{name: value})
    if name == "epochs":
        yield lambda value: Budget(value, (0.1,))
    if name in ("epochs", "batch_size"):
        yield lambda value: TrainingConfig(**{name: value})
        yield lambda value: vary(STUDY, {f"training.{name}": [value]})
        yield lambda value: space_of(STUDY, [f"training.{name}={value}"])
    if name in ("threads", "workers", "checkpoint_seconds"):
        yield lambda value: Computing(**{name: value})
    if name in ("trials", "cohort", "seed"):
        yield lambda value: Search(space_of(STUDY), **{name: value})


def files(name: str, folder: Path) -> Iterator[Callable[[Any], Any]]:
    def study(text: str) -> Callable[[Any], Any]:
        def read(value: Any) -> Any:
            path = folder / "own.toml"
            path.write_text(text.format(value), encoding="utf-8")
            return read_study(path)

        return read

    if name in ("seeds", "folds"):
        yield study(f"{name} = {{}}\n[variants.a]")
    if name == "epochs":
        yield study("[controlled]\nepochs = {}\n[variants.a]")
    if name in ("epochs", "batch_size"):
        yield study(f"[base.training]\n{name} = {{}}\n[variants.a]")
        yield study(f"[variants.a]\ntraining.{name} = {{}}")
        yield study(f'[vary]\n"training.{name}" = [{{}}]')


def forms(name: str) -> Iterator[Callable[[Any], Any]]:
    def fill(**values: Any) -> Any:
        line = DatasetLine(
            "mine", Path("mine.h5"), rows=(32, 8, 8), tracks=48, shapes=DOCUMENTED.shapes
        )
        checked = check_form(RunRequest("ffn-baseline", "mine", "controlled", **values), line)
        if checked.problems:
            raise RunError(str(checked.problems))

    if name in ("seeds", "epochs", "folds"):
        yield lambda value: fill(**{name: str(value)})
    if name in ("epochs", "batch_size"):
        yield lambda value: fill(vary=f"training.{name}={value}")


def records(name: str, folder: Path) -> Iterator[Callable[[Any], Any]]:
    search = Search(space_of(STUDY))
    request = Request(STUDY, Path("x.h5"), search=search).to_dict()
    for part in ("options", "computing", "search"):
        if name in request[part]:
            yield lambda value, part=part: Request.from_dict(
                request | {part: request[part] | {name: value}}
            )
    manifest = record_run(folder).read_manifest().to_dict()
    if name in ("epochs", "checkpoint_seconds"):
        yield lambda value: RunManifest.from_dict(manifest | {name: value})
    if name == "seeds":
        yield lambda value: RunManifest.from_dict(manifest | {name: list(range(value))})
    if name in manifest["device"]:
        yield lambda value: RunManifest.from_dict(
            manifest | {"device": manifest["device"] | {name: value}}
        )
    if name in ("epochs", "batch_size"):
        training = to_dict(TrainingConfig())
        yield lambda value: training_from_dict(training | {name: value})
    if name == "epochs":
        yield lambda value: TrialResult.from_dict(result_of(value).to_dict())


def result_of(epochs: int) -> TrialResult:
    many: dict[str, Any] = {"history": {"loss": [1.0] * epochs}, "epoch_seconds": (1.0,) * epochs}
    return TrialResult(
        *("t", "v", 42, "finished"),
        epochs=epochs,
        best_epoch=1,
        kept_epoch=1,
        validation=Scores(0.5, 0.5),
        **many,
    )


@pytest.mark.parametrize("name", ALL)
def test_what_one_door_accepts_the_others_accept(name: str, tmp_path: Path) -> None:
    least, most = ALL[name]
    doors = [
        *command_line(name),
        *scripts(name),
        *files(name, tmp_path),
        *forms(name),
        *records(name, tmp_path),
    ]
    assert len(doors) >= 3
    for door in doors:
        for value in (least, most):
            door(value)
        for value in (least - 1, most + 1):
            with pytest.raises(REFUSED):
                door(value)


def test_what_multiplies_is_counted_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = "training.batch_size=" + ",".join(map(str, range(1, MOST_DRAWN_VALUES)))
    rates = tuple(1 / n for n in range(1, 1001))
    wide = Study("wide", "?", "", STUDY.variants, Budget(1, rates))
    variants = [Variant(f"v{n}", FFNConfig(), TrainingConfig()) for n in range(1001)]

    def unexpected(*_: object, **__: object) -> None:
        raise AssertionError("something was made")

    for module in ("study_file", "variants", "search_options"):
        monkeypatch.setattr(f"experiments.design.{module}.with_field", unexpected)
    monkeypatch.setattr("experiments.design.plan.Trial", unexpected)
    monkeypatch.setattr(Study, "trainings", unexpected)
    grid = {"training.l2": [0.0] * 40, "network.dropout": [0.0] * 40}
    sentences = {
        "1,000 variants; this one would have 3,200": lambda: vary(STUDY, grid),
        "1,000 variants; this one would have 1,001": lambda: Study(
            "many", "?", "", tuple(variants), STUDY.budget
        ),
        "1,000 learning rates; this one would have 50,000": lambda: Budget(1, (0.1,) * 50_000),
        "100,000 trials; this one would have 2,000,000": lambda: make_plan(
            wide, StudyOptions("controlled", 1000), ""
        ),
        "values to draw, over all its variants; this one would have 19,998": lambda: space_of(
            STUDY, [space]
        ),
    }
    for sentence, make in sentences.items():
        with pytest.raises(RunError) as refused:
            make()
        assert sentence in str(refused.value)
