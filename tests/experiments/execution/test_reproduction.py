"""Studies one after another: what is done is not done again."""

from pathlib import Path

import pytest

from data.storage import hdf5
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing, Request
from experiments.execution import reproduction
from experiments.execution.reproduction import stages, start_or_resume
from experiments.studies import STUDIES
from tests.conftest import small_dataset
from tests.support.inline_pool import run_inline

WISH = StudyOptions(seeds=2, epochs=1)


def _request(path: Path, study: str = "ffn-baseline", **computing: object) -> Request:
    return Request(STUDIES[study], path, WISH, Computing(device="cpu", **computing))  # type: ignore[arg-type]


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    run = run_inline(tmp_path, STUDIES["ffn-baseline"], epochs=1)
    run.write_request(_request(tmp_path / "small.h5"))
    return tmp_path


def test_a_finished_study_is_not_run_again(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = hdf5.load(finished / "small.h5").content_sha256
    requests = [_request(finished / "moved.h5", workers=3), _request(finished, "device")]
    done, new = stages(requests, finished / "runs", sha256, again=False)
    assert done.is_done
    assert done.found is not None
    assert not new.is_done
    assert new.found is None

    monkeypatch.setattr(reproduction, "start", lambda request, runs: request.study.name)
    monkeypatch.setattr(reproduction, "resume", lambda run, dataset: pytest.fail("it is done"))
    assert start_or_resume(done, finished / "runs") == done.found
    assert start_or_resume(new, finished / "runs") == "device"
    (again,) = stages(requests[:1], finished / "runs", sha256, again=True)
    assert again.found is None


@pytest.mark.parametrize(
    "other",
    [
        Request(STUDIES["ffn-baseline"], Path("small.h5"), StudyOptions(seeds=3, epochs=1)),
        Request(STUDIES["ffn-baseline"], Path("small.h5"), StudyOptions("controlled", 2, 1)),
        _request(Path("small.h5"), precision="bfloat16"),
    ],
)
def test_what_was_asked_for_otherwise_does_not_count(finished: Path, other: Request) -> None:
    sha256 = hdf5.load(finished / "small.h5").content_sha256
    (stage,) = stages([other], finished / "runs", sha256, again=False)
    assert stage.found is None


def test_other_rows_do_not_count(finished: Path) -> None:
    (stage,) = stages([_request(finished)], finished / "runs", "0" * 64, again=False)
    assert stage.found is None


def test_a_stopped_run_is_resumed(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = small_dataset()
    path, _ = (finished / "runs").glob("*/*/trials/*/result.json")
    path.unlink()
    request = _request(finished / "small.h5")
    (stage,) = stages([request], finished / "runs", dataset.content_sha256, again=True)
    assert stage.state == "crashed"
    resumed: list[object] = []
    monkeypatch.setattr(reproduction, "resume", lambda run, dataset: resumed.append((run, dataset)))
    assert start_or_resume(stage, finished / "runs") == stage.found
    assert resumed == [(stage.found, request.dataset)]


def test_a_damaged_run_is_nobodys_result(finished: Path) -> None:
    (path,) = (finished / "runs").glob("*/*/request.json")
    path.write_text("{")
    sha256 = small_dataset().content_sha256
    (stage,) = stages([_request(finished)], finished / "runs", sha256, again=False)
    assert stage.found is None
