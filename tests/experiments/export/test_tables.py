"""What other programs read of a run: its tables and its JSON object."""

import contextlib
import copy
import csv
import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result

from experiments.cli import export
from experiments.design.study import Budget, Study, Variant
from experiments.errors import RunError
from experiments.export import csv_files
from experiments.export.as_json import as_object, as_text
from experiments.export.csv_files import guarded, write_tables
from experiments.export.tables import Table, tables_of
from experiments.results.run_result import collect
from experiments.runs import checksums
from experiments.runs.baseline_results import BaselineResult
from experiments.runs.directory import RunDirectory
from experiments.runs.trial_result import TrialResult
from networks.models.config import FFNConfig, TrainingConfig
from tests.conftest import record_run, small_dataset
from tests.support import raw_records
from tests.support.inline_pool import run_inline

ROOT = Path(__file__).parents[3]
SGD = TrainingConfig(optimizer="sgd", learning_rate=0.05, epochs=3)
STUDY = Study(
    name="small",
    question="Does it run?",
    about="",
    variants=(
        Variant("one", FFNConfig(hidden=(8,)), SGD),
        Variant("=two", FFNConfig(hidden=(16,), activation="prelu"), SGD),
        Variant("as-one", FFNConfig(hidden=(8,)), SGD),  # the same trials
    ),
    budget=Budget(epochs=3, learning_rates=(1e-9, 0.1)),
)
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run: three variants, two learning rates, two seeds, baselines."""
    return run_inline(tmp_path_factory.mktemp("whole"), STUDY, "controlled")


@pytest.fixture
def run(whole: RunDirectory, tmp_path: Path) -> RunDirectory:
    """A copy that a test may change."""
    path = tmp_path / "runs" / "small" / whole.path.name
    shutil.copytree(whole.path, path)
    return RunDirectory(path)


def _exported(run: RunDirectory, folder: Path) -> dict[str, Rows]:
    write_tables(tables_of(collect(run)), folder, replace=False)
    found = {}
    for path in sorted(folder.iterdir()):
        with path.open(encoding="utf-8", newline="") as file:
            found[path.stem] = list(csv.DictReader(file, strict=True))
    return found


def _export(*arguments: str | Path) -> Result:
    """The command's outcome; errors that the group turns into sentences are raised."""
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(export.export, words, catch_exceptions=False)


def _result(run: RunDirectory, trial: str) -> dict[str, Any]:
    found = raw_records.read_result(run, trial)
    assert found is not None
    return found


def test_a_row_a_variant_and_trial_with_all_its_figures(
    whole: RunDirectory, tmp_path: Path
) -> None:
    rows = _exported(whole, tmp_path / "csv")["trials"]
    assert len(rows) == 3 * 2 * 2
    assert [row["variant"] for row in rows] == ["one"] * 4 + ["'=two"] * 4 + ["as-one"] * 4
    assert {row["trial"] for row in rows[:4]} == {row["trial"] for row in rows[8:]}
    assert {(row["study"], row["protocol"], row["dataset"]) for row in rows} == {
        ("small", "controlled", "small")
    }
    for row in rows:
        result = _result(whole, row["trial"])
        assert int(row["seed"]) == result["seed"]
        assert (row["optimizer"], row["batch_size"], row["status"]) == ("sgd", "16", "finished")
        assert [int(row[name]) for name in ("epochs", "best_epoch", "kept_epoch")] == [
            result[name] for name in ("epochs", "best_epoch", "kept_epoch")
        ]
        # Full precision: what is read back is the same number.
        assert float(row["validation_macro_f1"]) == result["validation"]["macro_f1"]
        assert float(row["validation_accuracy"]) == result["validation"]["accuracy"]
        seconds = math.fsum(result["epoch_seconds"]) / result["cohort"]["size"]
        assert float(row["seconds"]) == pytest.approx(seconds)
        for name in ("accuracy", "macro_f1", "batch_mean_f1"):
            if row["learning_rate"] == "0.1":  # that validation selected
                assert float(row[f"test_{name}"]) == result["test"][name]
            else:
                assert row["learning_rate"] == "1e-09"
                assert row[f"test_{name}"] == ""


def test_a_row_an_epoch_with_every_metric(whole: RunDirectory, tmp_path: Path) -> None:
    tables = _exported(whole, tmp_path / "csv")
    rows = tables["epochs"]
    assert len(rows) == 12 * 3
    for row in rows:
        result = _result(whole, row["trial"])
        assert set(row) == {*("variant", "trial", "seed", "epoch", "seconds"), *result["history"]}
        for name, values in result["history"].items():
            assert float(row[name]) == values[int(row["epoch"]) - 1]
    for trial in tables["trials"]:
        parts = [row for row in rows if all(row[k] == trial[k] for k in ("variant", "trial"))]
        assert [row["epoch"] for row in parts] == ["1", "2", "3"]
        total = sum(float(row["seconds"]) for row in parts)
        assert total == pytest.approx(float(trial["seconds"]))


def test_confusion_and_predictions_agree_with_the_figures(
    whole: RunDirectory, tmp_path: Path
) -> None:
    tables, dataset = _exported(whole, tmp_path / "csv"), small_dataset()
    tested = [row for row in tables["trials"] if row["test_accuracy"]]
    assert len(tested) == 6
    assert len(tables["confusion"]) == 6 * 9
    assert len(tables["predictions"]) == 6 * 24
    for trial in tested:

        def of(table: str, trial: dict[str, str] = trial) -> Rows:
            keys = ("variant", "trial", "seed")
            return [row for row in tables[table] if all(row[k] == trial[k] for k in keys)]

        counts = {(row["true"], row["predicted"]): int(row["count"]) for row in of("confusion")}
        rows = of("predictions")
        assert len(counts) == 9
        for true, predicted in counts:
            pairs = [r for r in rows if (r["label"], r["predicted"]) == (true, predicted)]
            assert counts[true, predicted] == len(pairs)
        right = sum(row["label"] == row["predicted"] for row in rows)
        assert float(trial["test_accuracy"]) == right / 24
        labels = [dataset.genres[label] for label in dataset.test.label]
        assert [row["label"] for row in rows] == labels
        assert [int(row["row"]) for row in rows] == list(range(24))
        assert [float(row["start"]) for row in rows] == list(range(24))
        assert {row["track"] for row in rows} == {"2"}
        with h5py.File(whole.trial_path(trial["trial"]) / "predictions.h5") as file:
            expected = file["probability"][()]
        names = [f"probability_{genre}" for genre in dataset.genres]
        found = [[float(row[name]) for name in names] for row in rows]
        np.testing.assert_array_equal(found, expected)


def test_what_is_not_known_of_a_row_is_empty(run: RunDirectory, tmp_path: Path) -> None:
    for path in run.path.glob("trials/*/predictions.h5"):
        with h5py.File(path, "a") as file:
            file["track"][...] = -1
            del file["start"]
    rows = _exported(run, tmp_path / "csv")["predictions"]
    assert len(rows) == 6 * 24
    assert {(row["track"], row["start"]) for row in rows} == {("", "")}


def test_a_row_a_fit_of_each_baseline(run: RunDirectory, tmp_path: Path) -> None:
    baselines = run.read_baselines()
    broken = BaselineResult("broken", "-1", (42,), failure="@no")
    run.write_baselines([*baselines, broken], {})
    rows = _exported(run, tmp_path / "csv")["baselines"]
    fits = [(one, fit) for one in baselines for fit in one.fits]
    assert len(rows) == len(fits) + 1 == 6  # extra-trees once a seed
    for row, (one, fit) in zip(rows, fits, strict=False):
        assert row["baseline"] == one.name
        assert float(row["validation_accuracy"]) == fit.validation.accuracy
        for name in ("accuracy", "macro_f1", "batch_mean_f1"):
            assert float(row[f"test_{name}"]) == getattr(fit.test, name)
    assert [row["seed"] for row in rows] == ["", "", "", "42", "43", ""]
    assert (rows[-1]["failure"], rows[-1]["what"], rows[-1]["test_accuracy"]) == ("'@no", "'-1", "")


def test_a_run_that_goes_on_exports_what_is_there(run: RunDirectory, tmp_path: Path) -> None:
    first, second, third, *rest = sorted(run.path.glob("trials/*/result.json"))
    first.unlink()
    reason, traceback = "+1 too many", "secret.py"
    trial = second.parent.name
    run.write_result(TrialResult(trial, "x", 42, "failed", reason=reason, traceback=traceback))
    untested = _result(run, third.parent.name) | {"test": None}
    raw_records.write_result(run, third.parent.name, untested)
    for path in (run.path / "baselines").iterdir():
        path.unlink()
    tables = _exported(run, tmp_path / "csv")
    assert "baselines" not in tables
    rows = {row["trial"]: row for row in tables["trials"]}
    assert rows[first.parent.name]["status"] == "untrained"
    assert rows[first.parent.name]["epochs"] == ""
    assert rows[second.parent.name]["status"] == "failed"
    assert rows[second.parent.name]["reason"] == "'+1 too many"
    assert rows[third.parent.name]["test_accuracy"] == ""
    left = {path.parent.name for path in rest if _result(run, path.parent.name)["test"]}
    assert {row["trial"] for row in tables["predictions"]} == left
    assert {row["trial"] for row in tables["epochs"]} == {
        path.parent.name for path in (third, *rest)
    }
    whole = as_object(collect(run))
    results = {trial["trial"]: trial["result"] for trial in whole["trials"]}
    assert results[first.parent.name] is None
    assert results[second.parent.name]["reason"] == "+1 too many"
    assert "secret.py" not in json.dumps(whole)


def test_a_run_without_a_single_result(run: RunDirectory, tmp_path: Path) -> None:
    for path in run.path.glob("trials/*/result.json"):
        path.unlink()
    tables = _exported(run, tmp_path / "csv")
    assert {row["status"] for row in tables["trials"]} == {"untrained"}
    assert [len(tables[name]) for name in ("epochs", "confusion", "predictions")] == [0, 0, 0]
    header = (tmp_path / "csv" / "predictions.csv").read_text(encoding="utf-8")
    assert header.startswith("variant,trial,seed,row,label,predicted,track,start,probability_blues")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "' =1"),
        ("\r\n=1", "'  =1"),
        ("\u200b=1", "'=1"),
        ("\x1b[2J=", "[2J="),
        ("\uff1d1", "'\uff1d1"),
        ("a=b", "a=b"),
        ("rock-metal", "rock-metal"),
        ("", ""),
    ],
)
def test_text_is_no_formula(text: str, expected: str) -> None:
    assert guarded(text) == expected


def test_no_text_of_any_record_becomes_a_formula(run: RunDirectory, tmp_path: Path) -> None:
    evil = '=cmd|" /C calc"!A0'
    facts = raw_records.read_run(run)
    facts["study"] = facts["dataset"]["name"] = evil
    facts["dataset"]["genres"] = ["-blues", "@jazz", "=rock"]
    for number, variant in enumerate(facts["variants"]):
        variant["name"] = f"{evil}{number}"
    raw_records.write_run(run, facts)
    for path in run.path.glob("trials/*/result.json"):
        result = _result(run, path.parent.name)
        result["history"]["@metric"] = result["history"].pop("loss")
        raw_records.write_result(run, path.parent.name, result)
    found = 0
    for rows in _exported(run, tmp_path / "csv").values():
        for cell in (cell for row in rows for pair in row.items() for cell in pair):
            with contextlib.suppress(ValueError):
                float(cell)
                continue
            assert not cell.startswith(("=", "+", "-", "@", "\t")), cell
            found += cell.startswith("'")
    assert found > 100


def test_numbers_keep_their_signs_and_digits(tmp_path: Path) -> None:
    values = (-80.0, 0.1 + 0.2, 1e-300, -7, None, math.nan, math.inf)
    write_tables({"trials": Table(("a",) * 7, [values])}, tmp_path / "x", replace=False)
    line = (tmp_path / "x" / "trials.csv").read_text(encoding="utf-8").splitlines()[1]
    assert line == "-80.0,0.30000000000000004,1e-300,-7,,,"


def test_a_folder_with_files_is_left_alone_unless_asked(run: RunDirectory, tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    arguments = (run.path, "--format", "csv", "-o", folder)
    assert _export(*arguments).output.splitlines()[0].endswith("trials.csv: 12 rows")
    (folder / "notes.txt").write_text("mine")
    (folder / "trials.csv").write_text("edited")
    with pytest.raises(RunError, match="is not empty: name another with -o, or add --replace"):
        _export(*arguments)
    assert (folder / "trials.csv").read_text() == "edited"
    for path in (run.path / "baselines").iterdir():
        path.unlink()
    _export(*arguments, "--replace")
    assert (folder / "trials.csv").read_text().startswith("study,variant,")
    assert sorted(path.name for path in folder.iterdir()) == [
        *("confusion.csv", "epochs.csv", "notes.txt", "predictions.csv", "trials.csv")
    ]
    with pytest.raises(RunError, match="is a file: name a folder"):
        _export(run.path, "--format", "csv", "--replace", "-o", folder / "notes.txt")


def test_an_empty_folder_is_taken_and_a_default_one_named_after_the_run(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    _export(run.path, "--format", "csv", "-o", tmp_path / "empty")
    assert len(list((tmp_path / "empty").iterdir())) == 5
    monkeypatch.chdir(tmp_path)
    _export("latest", "--runs", run.path.parents[1], "--format", "csv")
    assert len(list((tmp_path / f"small-{run.path.name}-csv").iterdir())) == 5


def test_nothing_half_written_is_left(run: RunDirectory, tmp_path: Path) -> None:
    (*_, last) = [
        path
        for path in run.path.glob("trials/*/predictions.h5")
        if _result(run, path.parent.name)["test"]
    ]
    folder = tmp_path / "csv"
    _export(run.path, "--format", "csv", "-o", folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    content = last.read_bytes()
    last.write_bytes(content[: len(content) // 2])
    for target in (folder, tmp_path / "new"):
        with pytest.raises(RunError, match=r"predictions\.h5 is damaged"):
            _export(run.path, "--format", "csv", "--replace", "-o", target)
    assert not (tmp_path / "new").exists()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_whole_run_as_json(whole: RunDirectory) -> None:
    result = collect(whole)
    printed = _export(whole.path, "--format", "json").stdout
    assert printed.count("\n") == 1
    found, facts = json.loads(printed), raw_records.read_run(whole)
    for name, value in result.to_dict().items():
        assert found[name] == (value if name != "dataset" else found[name]), name
    assert found["dataset"] == {
        "name": "small",
        "content_sha256": small_dataset().content_sha256,
        "kind": "test",
        "rows": {"train": 48, "validation": 24, "test": 24},
    }
    for name in ("question", "created", "versions", "device", "seeds", "epochs"):
        assert found[name] == facts[name]
    trials = {trial["trial"]: trial for trial in found["trials"]}
    assert trials.keys() == facts["trials"].keys()
    assert len(trials) == 8
    for name, trial in trials.items():
        assert {key: trial[key] for key in ("network", "training", "seed")} == {
            key: facts["trials"][name][key] for key in ("network", "training", "seed")
        }
        assert trial["result"] == _result(whole, name)
        shared = trial["network"]["hidden"] == [8]
        assert trial["variants"] == (["one", "as-one"] if shared else ["=two"])


def test_json_to_a_file(run: RunDirectory, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    arguments = (run.path, "--format", "json", "-o", path)
    assert _export(*arguments).output == f"{path}\n"
    assert json.loads(path.read_bytes()) == json.loads(as_text(collect(run)))
    path.write_text("mine")
    with pytest.raises(RunError, match=r"there is a file .* already"):
        _export(*arguments)
    assert path.read_text() == "mine"
    _export(*arguments, "--replace")
    assert path.read_bytes().startswith(b"{")
    with pytest.raises(RunError, match="is a folder: name a file"):
        _export(run.path, "--format", "json", "--replace", "-o", tmp_path)


def test_nan_in_a_record_is_damage(run: RunDirectory) -> None:
    facts = raw_records.read_run(run)
    facts["checkpoint_seconds"] = "NAN"
    body = checksums.dumps(facts).rpartition(b',\n "sha256"')[0].replace(b'"NAN"', b"NaN")
    seal_of = b',\n "sha256": "%s"\n}\n' % hashlib.sha256(body).hexdigest().encode()
    (run.path / "run.json").write_bytes(body + seal_of)
    assert math.isnan(raw_records.read_run(run)["checkpoint_seconds"])
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        collect(run)


@pytest.mark.parametrize("option", [("--variant", "one"), ("--seed", "42"), ("--data", "x")])
def test_options_of_another_format_are_refused(option: tuple[str, str], run: RunDirectory) -> None:
    for kind in ("csv", "json"):
        with pytest.raises(RunError, match="belong to networks"):
            _export(run.path, "--format", kind, *option)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_tables_and_json_do_not_import_torch(
    kind: str, whole: RunDirectory, tmp_path: Path
) -> None:
    script = f"""
import sys
from experiments.cli.export import export
words = [{str(whole.path)!r}, "--format", {kind!r}, "-o", {str(tmp_path / "out")!r}]
export.main(words, standalone_mode=False)
print(*sorted({{"torch", "keras", "sklearn", "scipy", "onnx"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        env=os.environ,
    )
    assert done.stdout.splitlines()[-1] == ""


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        items: Any = value.items()
    else:
        items = enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*path, key))


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    value = copy.deepcopy(value)
    *way, last = path
    parent = value
    for key in way:
        parent = parent[key]
    parent[last] = new
    return value


def test_a_record_damaged_anywhere_is_a_run_error_or_exported(tmp_path: Path) -> None:
    run = record_run(tmp_path)
    (result_path,) = run.path.glob("trials/*/result.json")
    assert len(_read(run)) > 1000
    refused = tried = 0
    for file in (run.path / "run.json", result_path):
        original = checksums.loads(file.read_bytes())
        for path in _places(original):
            for new in (None, "x", -1, 10**400, {}, [[]], True) if path else ():
                file.write_bytes(checksums.dumps(_put(original, path, new)))
                tried += 1
                try:  # all else than a sentence would be a traceback
                    _read(run)
                except RunError:
                    refused += 1
        file.write_bytes(checksums.dumps(original))
    assert tried > 300
    assert refused > tried // 2


def _read(run: RunDirectory) -> str:
    """All that would be written of a run."""
    result = collect(run)
    tables = tables_of(result).values()
    rows = [csv_files.csv_text(table.columns, table.rows) for table in tables]
    return as_text(result) + repr(rows)
