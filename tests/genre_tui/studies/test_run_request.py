"""A form's values to the command line, to the request, and to a run."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from data.audio.parameters import DOCUMENTED
from data.storage import catalogue, hdf5
from experiments.cli import run
from experiments.cli.main import main
from experiments.design.dataset_size import DatasetSize
from experiments.design.request import Computing, Request
from experiments.errors import RunError
from experiments.forecasting import Forecast
from experiments.runs.directory import RunDirectory
from genre_tui.core.subprocess_command import CommandResult
from genre_tui.model.dataset_rows import DatasetLine
from genre_tui.studies import run_request
from genre_tui.studies.run_request import RunRequest, check_form, start_run
from tests.conftest import small_dataset

WITH_MEL = DatasetLine(
    "mine", Path("mine.h5"), rows=(3200, 800, 1376), tracks=180, shapes=DOCUMENTED.shapes
)
WITHOUT = replace(WITH_MEL, name="plain", shapes={"mfcc": (26,)})

WANTED = [
    RunRequest("ffn-baseline", "small"),
    RunRequest("ffn-baseline", "small", "controlled", seeds="2", epochs="3"),
    RunRequest("pooling-padding", "small", "controlled", quick=True, device="cpu"),
    RunRequest("optimizers", "small", extended=True),
    RunRequest("optimizers", "small", variants="adam, b-sgd", device="cuda"),
    RunRequest("ffn-baseline", "small", vary="training.batch_size=16,64 network.hidden=[8],[9]"),
    RunRequest("ffn-baseline", "small", vary="""training.optimizer="'adam','sgd'" """),
    RunRequest("my own.toml", "small", "controlled", seeds="4"),
    RunRequest("my own.toml", "small", "documented"),
    RunRequest("my own.toml", "small", folds=" 5", group="artist"),
]
OWN = """
name = "narrower"
seeds = 2
[variants.narrow]
network.hidden = [8]
"""


@pytest.fixture(autouse=True)
def own_study(own_folder: Path) -> None:
    """A study of the user's own in the working directory."""
    (own_folder / "my own.toml").write_text(OWN)


@pytest.mark.parametrize("wanted", WANTED, ids=lambda wanted: wanted.command(Path("runs")))
def test_the_command_that_is_shown_asks_for_what_is_launched(
    wanted: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    hdf5.save(small_dataset(), catalogue.path_of("small"))
    asked: list[tuple[Request, Path]] = []

    def start(request: Request, runs: Path) -> None:
        asked.append((request, runs))
        raise RunError("far enough")

    monkeypatch.setattr(run, "start", start)
    monkeypatch.setattr(run, "announce", lambda *_: None)
    python, dash_m, module, *arguments = shlex.split(wanted.command(Path("some runs")))
    assert (python, dash_m, module) == ("python", "-m", "experiments")
    messages = CliRunner().invoke(main, arguments)
    assert "far enough" in messages.output, messages.output
    ((request, runs),) = asked
    assert request.to_dict() == wanted.resolve().to_dict()
    assert runs == Path("some runs")


def test_the_folder_of_runs_is_named_unless_it_is_the_usual(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = RunRequest("ffn-baseline", "small")
    monkeypatch.delenv("GENRE_TUI_RUNS")
    assert "--runs" not in request.arguments(Path("runs"))
    assert request.arguments(Path("other"))[-2:] == ["--runs", "other"]
    monkeypatch.setenv("GENRE_TUI_RUNS", "elsewhere")  # another terminal may not have it
    assert request.arguments(Path("runs"))[-2:] == ["--runs", "runs"]


@pytest.mark.parametrize(
    ("values", "trials"),
    [
        (RunRequest("ffn-baseline", "mine"), 1),
        (RunRequest("ffn-baseline", "mine", seeds="3"), 3),
        (RunRequest("optimizers", "mine", "controlled"), 5 * 4 * 5),
        (RunRequest("optimizers", "mine", "controlled", quick=True), 5 * 3 * 3),
        (RunRequest("optimizers", "mine", "controlled", variants="adam", seeds=" 2 "), 4 * 2),
        (RunRequest("optimizers", "mine", "controlled", seeds="1000"), 5 * 4 * 1000),
        (
            RunRequest("ffn-baseline", "mine", vary="training.batch_size=16,32 network.hidden=[8]"),
            2,
        ),
        (RunRequest("optimizers", "mine", variants=" , "), 5),
        (RunRequest("optimizers", "mine", folds="4", group="artist"), 5 * 4),
        (RunRequest("ffn-baseline", "mine", "controlled", seeds="100", folds=" 3 "), 2 * 4 * 300),
        (RunRequest("my own.toml", "mine", "controlled"), 4 * 2),
    ],
)
def test_trials_are_counted(values: RunRequest, trials: int) -> None:
    checked = check_form(values, WITH_MEL)
    assert checked.problems == {}
    assert checked.trials == trials
    assert checked.time.startswith("roughly ") or trials > 1000  # nothing was measured
    assert checked.request == values


def test_time_is_forecast_for_the_rows_of_the_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def forecast(*about: Any) -> Forecast:
        asked.extend(about)
        return Forecast(240.0)

    monkeypatch.setattr(run_request, "forecast", forecast)
    assert (
        check_form(RunRequest("ffn-baseline", "mine", device="cpu"), WITH_MEL).time == "about 4 min"
    )
    assert asked[2:] == [
        Computing("cpu"),
        DatasetSize(3200, 800, len(WITH_MEL.genres), WITH_MEL.shapes),
    ]


def test_folds_are_forecast_for_their_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        run_request, "forecast", lambda *about: asked.extend(about) or Forecast(240.0)
    )
    checked = check_form(RunRequest("ffn-baseline", "mine", folds="4"), WITH_MEL)
    assert (asked[3].train, asked[3].validation) == (5376 - 2 * 1344, 1344)
    assert not checked.problems
    (problem,) = check_form(
        RunRequest("ffn-baseline", "mine", folds="4"), replace(WITH_MEL, tracks=0)
    ).problems.items()
    assert problem == ("folds", "mine names no tracks, which folds keep together: leave it empty.")


def test_a_smaller_budget_says_what_it_leaves_out() -> None:
    (note,) = check_form(RunRequest("optimizers", "mine", "controlled", quick=True), WITH_MEL).notes
    assert note.startswith("Quick version: 3 seeds instead of 5, 10 epochs instead of 20")


@pytest.mark.parametrize(
    ("entry", "values", "messages"),
    [
        ("seeds", {"seeds": "0"}, "from 1 to 1000, or empty. Received: 0."),
        ("seeds", {"seeds": "1001"}, "from 1 to 1000"),
        ("seeds", {"seeds": "-3"}, "Received: -3"),
        ("seeds", {"seeds": "²"}, "Received: ²"),
        ("epochs", {"epochs": "many"}, "from 1 to 100000, or empty. Received: many."),
        ("epochs", {"epochs": "1000000000"}, "from 1 to 100000"),
        ("folds", {"folds": "2"}, "from 3 to 100, or empty. Received: 2."),
        ("folds", {"folds": "five"}, "Received: five"),
        ("variants", {"variants": "adgrad"}, "Did you mean 'adagrad'?"),
        ("protocol", {"variants": "asgd"}, "has no variants in the documented protocol"),
        ("vary", {"vary": "training.learning_rat=1"}, "Did you mean 'learning_rate'?"),
        ("vary", {"vary": "training.learning_rate=-1"}, "above 0"),
        ("vary", {"vary": "training.learning_rate"}, "takes FIELD=VALUE"),
        ("vary", {"vary": "training.optimizer='adam"}, "cannot be read"),
        ("protocol", {"quick": True}, "--protocol controlled"),
        ("study", {"study": "optimisers"}, "Did you mean 'optimizers'?"),
        ("study", {"study": "missing.toml"}, "cannot be read"),
    ],
)
def test_what_is_wrong_stands_where_it_belongs(
    entry: str, values: dict[str, Any], messages: str
) -> None:
    checked = check_form(RunRequest(**{"study": "optimizers", "data": "mine"} | values), WITH_MEL)
    assert list(checked.problems) == [entry]
    assert messages in checked.problems[entry]


def test_all_that_is_wrong_is_told_at_once() -> None:
    values = RunRequest("optimizers", "", seeds="x", epochs="y", variants="z", vary="w")
    assert list(check_form(values, None).problems) == [
        "seeds",
        "epochs",
        "variants",
        "vary",
        "data",
    ]


def test_a_study_that_reads_spectrograms_says_what_to_do_without_any() -> None:
    (problem,) = check_form(RunRequest("optimizers", "plain"), WITHOUT).problems.values()
    assert problem.startswith("plain has no mel-spectrograms")
    assert "choose another dataset, or build one from recordings" in problem
    assert check_form(RunRequest("ffn-baseline", "plain"), WITHOUT).problems == {}
    mfcc = RunRequest("ffn-baseline", "plain", vary="network.kind=cnn")
    assert list(check_form(mfcc, WITHOUT).problems) == ["data"]


def test_a_damaged_dataset_is_refused_unless_it_is_the_demo() -> None:
    damaged = replace(WITH_MEL, problem="it is damaged.")
    assert check_form(RunRequest("ffn-baseline", "mine"), damaged).problems == {
        "data": "it is damaged."
    }
    demo = replace(damaged, name="demo")
    assert check_form(RunRequest("ffn-baseline", "demo"), demo).problems == {}


class _Recorded:
    """Stands for SubprocessCommand."""

    commands: list[list[str]]
    status = 0

    def __init__(self, arguments: list[str], heard: Any) -> None:
        self.commands.append(arguments)
        self._on_line = heard

    def run(self) -> CommandResult:
        self._on_line("making the demo music: 40%")
        return CommandResult(self.status, "", "the disk is full." if self.status else "", False)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Requests that were started."""
    requests: list[Request] = []

    def start(request: Request, runs: Path) -> RunDirectory:
        requests.append(request)
        return RunDirectory(runs / "it")

    monkeypatch.setattr(_Recorded, "commands", [], raising=False)
    monkeypatch.setattr(run_request, "start", start)
    monkeypatch.setattr(run_request, "SubprocessCommand", _Recorded)
    return requests


def test_launching_starts_what_was_ordered(started: list[Request], tmp_path: Path) -> None:
    wanted = RunRequest("ffn-baseline", "mine", seeds="2")
    messages: list[str] = []
    assert start_run(wanted, WITH_MEL, tmp_path, messages.append).path == tmp_path / "it"
    assert [request.to_dict() for request in started] == [wanted.resolve().to_dict()]
    assert messages == ["starting ..."]
    assert _Recorded.commands == []


@pytest.mark.parametrize("line", [None, DatasetLine("demo", Path("demo.h5"), is_made=False)])
def test_the_demo_is_made_before_a_run_on_it(
    line: DatasetLine | None, started: list[Request], tmp_path: Path
) -> None:
    messages: list[str] = []
    start_run(RunRequest("ffn-baseline", "demo"), line, tmp_path, messages.append)
    assert _Recorded.commands == [["data", "demo"]]
    assert len(started) == 1
    assert "half a minute" in messages[0]
    assert messages[1:] == ["making the demo music: 40% ...", "starting ..."]


def test_a_demo_that_is_there_is_not_made_again(started: list[Request], tmp_path: Path) -> None:
    line = DatasetLine("demo", Path("demo.h5"))
    start_run(RunRequest("ffn-baseline", "demo"), line, tmp_path, lambda line: None)
    assert _Recorded.commands == []


def test_nothing_is_started_where_the_demo_cannot_be_made(
    started: list[Request], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Recorded, "status", 2)
    with pytest.raises(RunError, match="the disk is full"):
        start_run(RunRequest("ffn-baseline", "demo"), None, tmp_path, lambda line: None)
    assert started == []
