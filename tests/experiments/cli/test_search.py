"""`search` as a user types it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from data.storage import catalogue
from experiments.cli.main import ExperimentsGroup
from experiments.results.search_result import search_result
from experiments.runs.directory import RunDirectory
from experiments.runs.listing import all_runs
from tests.conftest import small_dataset
from tests.support.inline_pool import events_of

ROOT = Path(__file__).parents[3]
GROUP = ExperimentsGroup("experiments")


@pytest.fixture
def runs(own_places: Path) -> Path:
    catalogue.add(small_dataset(mel=False), replace=False)
    return own_places / "runs"


def _type(*words: str) -> Result:
    return CliRunner().invoke(GROUP, words)


def test_a_search_from_the_command_line(runs: Path) -> None:
    pytest.importorskip("optuna", reason="needs the extra search")
    done = _type(
        *("search", "ffn-baseline", "--data", "small", "--variants", "best-validation-f1"),
        *("--trials", "3", "--cohort", "2", "--epochs", "2", "--device", "cpu", "--json"),
    )
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    (run,) = all_runs(runs)
    assert (printed["run"], printed["state"]) == (str(run.path), "finished")
    (variant,) = printed["variants"]
    assert (variant["name"], variant["n"]) == ("best-validation-f1", 1)
    found = search_result(RunDirectory(run.path))
    assert found is not None
    assert (found.search.generations, len(found.ranked)) == (2, 3)
    (best, *_) = found.to_dict()["best"]
    assert found.to_dict()["drawn"] == 3
    assert best["test"]["macro_f1"] == variant["macro_f1"]["mean"]
    search = run.read_request().search
    assert search is not None
    assert search.trials == 3
    kinds = [event["event"] for event in events_of(run)]
    assert kinds.count("plan") == 2
    assert kinds[-1] == "run_ended"
    seen = _type("watch", run.path.name, "--once", "--json")
    assert json.loads(seen.output)["finished"] == 3
    again = _type("resume", run.path.name)
    assert again.exit_code == 2
    assert "is finished: there is nothing left to do" in again.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("ffn-base",), "there is no study 'ffn-base'. Did you mean 'ffn-baseline'?"),
        (("ffn-baseline", "--variants", "x"), "has no variant 'x'"),
        (("ffn-baseline", "--space", "training.optimiser=sgd"), "Did you mean 'optimizer'?"),
        (("ffn-baseline", "--data", "nowhere"), "nowhere"),
        (("pooling-padding", "--data", "small"), "has no mel-spectrograms"),
        (("ffn-baseline", "--extended", "--data", "small"), "has no extended form"),
    ],
)
def test_bad_input_gets_a_sentence(runs: Path, words: Any, sentence: str) -> None:
    pytest.importorskip("optuna", reason="needs the extra search")
    done = _type("search", *words)
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert all_runs(runs) == []


def test_without_optuna_it_says_what_to_install(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.design.search_settings.find_spec", lambda name: None)
    done = _type("search", "ffn-baseline", "--data", "small")
    assert done.exit_code == 2
    assert done.stderr == (
        "Error: a search draws its trials with Optuna, which is not installed: in the project's "
        "folder, pip install -c constraints.txt -e '.[search]'.\n"
    )


def test_nothing_but_drawing_imports_optuna() -> None:
    script = (
        "import sys, experiments.execution.coordinator, experiments.cli.search; "
        "print({'optuna', 'torch', 'keras', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "set()"
