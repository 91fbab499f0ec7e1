import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from experiments.errors import DamagedRecordError, RunError
from experiments.runs import checksums, directory, listing
from experiments.runs.baseline_results import BaselineResult
from experiments.runs.directory import RunDirectory
from experiments.runs.trial_result import TrialResult
from tests.support import raw_records


def _sealed(body: bytes) -> bytes:
    """A file whose checksum is right and whose content is none of ours."""
    return body + b',\n "sha256": "%s"\n}\n' % hashlib.sha256(body).hexdigest().encode()


def _run(runs: Path, study: str, name: str) -> RunDirectory:
    run = RunDirectory(runs / study / name)
    raw_records.write_run(run, {"study": study})
    return run


def test_a_run_is_found_by_what_a_user_would_type(tmp_path: Path) -> None:
    first = _run(tmp_path, "optimizers", "20260101T000000Z-aaa111")
    second = _run(tmp_path, "ffn-baseline", "20260102T000000Z-bbb222")
    assert listing.all_runs(tmp_path) == [first, second]
    for name in ("latest", "ffn", "20260102", "bbb", second.name, str(second.path)):
        assert listing.find(tmp_path, name) == second, name
    assert listing.find(tmp_path, "optimizers") == first


@pytest.mark.parametrize(
    ("name", "words"), [("zzz", "there is no run 'zzz'"), ("2026", "could be 2 runs")]
)
def test_a_name_that_means_none_or_many(tmp_path: Path, name: str, words: str) -> None:
    _run(tmp_path, "a", "20260101T000000Z-aaa111")
    _run(tmp_path, "b", "20260102T000000Z-bbb222")
    with pytest.raises(RunError, match=words):
        listing.find(tmp_path, name)


def test_no_runs_at_all(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there are no runs in"):
        listing.find(tmp_path, "latest")


def test_new_runs_do_not_collide(tmp_path: Path) -> None:
    paths = {listing.create(tmp_path, "x").path for _ in range(20)}
    assert len(paths) == 20


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not match the checksum"),
        (b"{", "not match the checksum"),
        (b'{"schema_version": 2}', "not match the checksum"),
        (
            checksums.dumps({"schema_version": 2, "x": 1}).replace(b": 1", b": 3"),
            "not match the checksum",
        ),
        (checksums.dumps({"schema_version": 9}), "schema version 9"),
        (_sealed(b"[1"), "damaged"),
        (_sealed(b"[" * 100_000), "damaged"),
    ],
)
def test_a_damaged_record(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(RunError) as caught:
        RunDirectory(tmp_path).read_manifest()
    assert words in str(caught.value)


def test_a_record_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "_LARGEST_JSON", 100)
    (tmp_path / "run.json").write_bytes(checksums.dumps({"schema_version": 2, "x": "y" * 100}))
    with pytest.raises(RunError, match="larger than any record of ours"):
        RunDirectory(tmp_path).read_manifest()


def test_what_would_not_be_read_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.runs.directory._LARGEST_JSON", 2**20)
    run = RunDirectory(tmp_path)
    with pytest.raises(RunError, match="larger than 1 MB, and not be read again: train fewer"):
        run.write_split("a", [["b" * 2**20]], "")
    assert list(tmp_path.iterdir()) == []
    run.write_split("a", [["b" * 2**19]], "")
    assert run.read_split("a") == [("b" * 2**19,)]


@pytest.mark.parametrize("trial", ["../x", "a/b", "", "..", "a.b"])
def test_a_trials_id_cannot_lead_out_of_the_run(tmp_path: Path, trial: str) -> None:
    with pytest.raises(RunError, match="letters and digits"):
        RunDirectory(tmp_path).read_result(trial)


def test_a_result_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    run, result = RunDirectory(tmp_path), TrialResult("abc", "adam", 42, "failed", reason="why")
    assert run.read_result("abc") is None
    run.write_result(result)
    assert run.read_result("abc") == result
    with pytest.raises(TypeError):
        run.write_result(replace(result, reason=object()))  # type: ignore[arg-type]
    assert run.read_result("abc") == result
    assert [path.name for path in (tmp_path / "trials/abc").iterdir()] == ["result.json"]


def test_the_result_of_another_trial_is_damage(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.write_result(TrialResult("abc", "adam", 42, "failed", reason="why"))
    (tmp_path / "trials/abc").rename(tmp_path / "trials/def")
    with pytest.raises(DamagedRecordError, match="trains that trial again"):
        run.read_result("def")


def test_baselines_are_there_with_their_predictions_or_not_at_all(tmp_path: Path) -> None:
    run, predicted = RunDirectory(tmp_path), np.array([[0, 1, 1], [0, 0, 1]])
    assert run.read_baselines() == ()
    svm = BaselineResult("svm", "a machine", None, failure="too many rows")
    wrong: Any = object()
    with pytest.raises(TypeError):
        run.write_baselines([replace(svm, what=wrong)], {"predicted/svm": predicted})
    assert run.read_baselines() == ()
    run.write_baselines([svm], {"predicted/svm": predicted})
    assert run.read_baselines() == (svm,)
    with h5py.File(tmp_path / "baselines" / "predictions.h5") as file:
        np.testing.assert_array_equal(file["predicted/svm"], predicted)
    names = sorted(path.name for path in (tmp_path / "baselines").iterdir())
    assert names == ["predictions.h5", "result.json"]


def test_damaged_baselines_are_fitted_anew_by_resuming(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "20260101T000000Z-aaa111")
    run.write_baselines([], {})
    path = run.path / "baselines" / "result.json"
    path.write_bytes(path.read_bytes().replace(b"[]", b"{}"))
    with pytest.raises(DamagedRecordError, match=r"damaged: .* resume 20260101T000000Z-aaa111 fit"):
        run.read_baselines()


@pytest.mark.parametrize("name", ["baselines", "baselines/result.json"])
def test_baselines_that_are_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    run = RunDirectory(tmp_path / "run")
    (run.path / name).parent.mkdir(parents=True)
    (run.path / name).symlink_to(tmp_path)
    with pytest.raises(RunError, match="is a link"):
        run.refuse_links()
