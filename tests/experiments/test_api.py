"""`run_study`, `load_run`, `list_runs` and `compare`, as notebooks and scripts call them."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import experiments
from data.errors import DataError
from data.storage import hdf5
from data.storage.catalogue import path_of
from experiments import Run, RunError, compare, list_runs, load_run, run_study
from experiments.design.study import Budget, Study, Variant
from experiments.runs.directory import RunDirectory
from networks import FFNConfig, TrainingConfig
from networks.inference import probabilities_of
from tests.conftest import record_run, small_dataset

ROOT = Path(experiments.__file__).parents[1]
SGD = TrainingConfig("sgd", 0.05, epochs=2)
STUDY = Study(
    "widths",
    "Which width?",
    "",
    (Variant("narrow", FFNConfig((4,)), SGD), Variant("wide", FFNConfig((16,)), SGD)),
    Budget(2, (0.01, 0.1)),
)


@pytest.fixture
def music() -> None:
    path_of("small").parent.mkdir(parents=True, exist_ok=True)
    hdf5.save(small_dataset(), path_of("small"))


@pytest.mark.usefixtures("music")
def test_a_study_from_its_start_to_its_figures(capfd: pytest.CaptureFixture[str]) -> None:
    run = run_study(STUDY, data="small", protocol="controlled", seeds=3)
    assert "narrow, rate 0.01, seed 42: finished after 2 epochs" in capfd.readouterr().err
    assert run.state == "finished"
    assert run.path == Path(os.environ["GENRE_TUI_RUNS"]).absolute() / run.name
    assert "3 seeds" in run.answer
    rows = run.results().to_rows()
    assert [row["variant"] for row in rows[:2]] == ["narrow", "wide"]
    assert {row["kind"] for row in rows} == {"network", "baseline"}
    result = run.result
    assert rows[0]["macro_f1"] == result.variants[0].macro_f1.mean
    assert rows[0]["macro_f1_low"] <= rows[0]["macro_f1"] <= rows[0]["macro_f1_high"]
    assert run.answer in " ".join(str(run.results()).split("\n"))
    html = run.results()._repr_html_()
    assert html.count("<tr>") == len(rows) + 1
    assert "Which width?" in html
    trials = run.trials.to_rows()
    assert len(trials) == len(run.trials) == 12
    assert {row["status"] for row in trials} == {"finished"}
    assert run.table("epochs").to_rows()[0].keys() >= {"variant", "seed", "epoch", "val_macro_f1"}
    rate = result.variants[1].learning_rate
    assert run.history("wide", 43) == run.history("wide", 43, learning_rate=rate)
    assert len(run.history("wide", 43)["val_loss"]) == 2
    model = run.load_model("wide", 43)
    shares = [row for row in run.table("predictions").to_rows() if row["variant"] == "wide"]
    expected = [row["probability_jazz"] for row in shares if row["seed"] == 43]
    found = probabilities_of(model, small_dataset().test.mfcc)[:, 1]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    again = load_run("latest")
    assert (again.path, again.name) == (run.path, run.name)
    assert [row["state"] for row in list_runs().to_rows()] == ["finished"]
    assert run.name in str(list_runs())
    (pair,) = compare(run).to_rows()
    assert {pair["variant"], pair["against"]} == {"narrow", "wide"}
    assert pair["seeds"] == 3
    for call, words in [
        (lambda: run.resume(), "there is nothing left to do"),
        (lambda: run.history("wide", 7), r"with seed 7\. Its seeds: 42, 43, 44"),
        (lambda: run.history("wide", 42, learning_rate=3.0), "with the learning rate 3"),
        (lambda: run.load_model("wider", 42), "has no variant 'wider'. It has: narrow, wide"),
        (lambda: run.table("nothing"), "There are: trials, epochs"),
        (lambda: compare(run, run.path), "named twice"),
    ]:
        with pytest.raises(RunError, match=words):
            call()


@pytest.mark.usefixtures("music")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"study": "optimizer"}, "Did you mean 'optimizers'"),
        ({"study": "nothing.toml"}, "nothing.toml cannot be read"),
        ({"seeds": 0}, "seeds must be a whole number from 1 to 1,000. Received: 0"),
        ({"epochs": "3"}, "epochs must be a whole number"),
        ({"workers": 0}, "workers must be"),
        ({"protocol": "fair"}, "protocol must be documented or controlled. Received: 'fair'"),
        ({"device": "tpu"}, "device must be"),
        ({"precision": "float8"}, "precision must be"),
        ({"variants": ["tall"]}, "has no variant 'tall'"),
        ({"vary": {"training.size": [1]}}, "there is no such field"),
        ({"data": "nothing"}, "there is no dataset 'nothing'"),
        ({"quick": True, "protocol": "documented"}, "quick"),
    ],
)
def test_bad_input_is_one_sentence(options: dict[str, Any], words: str) -> None:
    named = {"study": STUDY, "data": "small"} | options
    with pytest.raises((RunError, DataError), match=words) as caught:
        run_study(named.pop("study"), **named)
    assert "\n" not in str(caught.value)
    assert not list(Path(os.environ["GENRE_TUI_RUNS"]).glob("*/*"))


@pytest.mark.usefixtures("music")
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on() -> None:
    run = run_study("ffn-baseline", data="small", epochs=30_000, wait=False)
    assert run.state == "running"
    threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt, match=r"is kept\. Go on with .*load_run\('/.*resume"):
        run.wait()
    assert run.state == "stopped"
    resumed = load_run(run.path).resume(wait=False)
    assert resumed.state == "running"
    resumed.stop()
    assert resumed.state == "stopped"
    resumed.resume(wait=False).stop(now=True)
    assert resumed.state == "stopped"


def test_a_run_that_was_recorded_is_read(tmp_path: Path) -> None:
    made = record_run(tmp_path)
    run = load_run(made.path.name, runs=tmp_path)
    assert isinstance(run, Run)
    assert "<script>" not in run.results()._repr_html_()
    assert "\x1b" not in str(run.results())
    assert [row["run"] for row in list_runs(runs=tmp_path).to_rows()] == [made.name]
    assert isinstance(run.result.run, RunDirectory)
    with pytest.raises(RunError, match="there are no runs"):
        load_run(runs=tmp_path / "nothing")


SCRIPT = """
import sys
from experiments import load_run, run_study
assert not {"torch", "keras", "scipy"} & set(sys.modules), "heavy"
print("begin")
run = run_study("ffn-baseline", data=sys.argv[1], epochs=1, variants=["last-epoch"])
print(run.state, load_run().name == run.name, len(run.trials))
"""


@pytest.mark.parametrize("by_path", [False, True])
def test_a_plain_script_beside_packages_of_our_names(tmp_path: Path, by_path: bool) -> None:
    """No main guard; the folder it runs in holds a `data`; sys.path alone names ours."""
    for name in ("data", "networks"):
        (tmp_path / "here" / name).mkdir(parents=True)
        (tmp_path / "here" / name / "__init__.py").write_text("raise ImportError('not ours')")
    hdf5.save(small_dataset(), tmp_path / "small.h5")
    script = tmp_path / "script.py"
    path = f"import sys; sys.path.insert(0, {str(ROOT)!r})" if by_path else ""
    script.write_text(path + SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), "../small.h5"],
        cwd=tmp_path / "here",
        env={k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "GENRE_TUI_RUNS")}
        | ({} if by_path else {"PYTHONPATH": str(ROOT)}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["begin", "finished True 1"]
    assert list((tmp_path / "here" / "runs").glob("ffn-baseline/*/run.json"))
