"""What all tests share: small datasets, recordings, and a place of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

# Before numpy and torch: two test processes on two cores must not share threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest

from data.audio import extraction
from data.audio.parameters import DOCUMENTED
from data.datasets.dataset import Dataset, Split
from experiments.design.plan import StudyOptions, make_plan
from experiments.runs.directory import RunDirectory
from experiments.runs.manifest import (
    CohortRecord,
    DatasetRecord,
    DeviceRecord,
    RunManifest,
    VariantRecord,
)
from experiments.runs.trial_result import Scores, TestScores, TrialCohort, TrialResult
from experiments.studies import STUDIES
from tests.support.fork_server import ForkServer
from tests.support.recordings import write_sound

REAL_DATA = Path(
    os.environ.get("GENRE_TUI_REAL_DATA") or Path(__file__).parents[2] / "shared" / "data"
)
needs_real_data = pytest.mark.skipif(
    not REAL_DATA.is_dir(), reason=f"no real data in {REAL_DATA} (GENRE_TUI_REAL_DATA names it)"
)


def pytest_configure() -> None:
    """Ctrl-C reaches the programs that tests start, also where pytest runs behind a shell (&)."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Datasets and runs of a test go to folders of its own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("GENRE_TUI_DATA", str(home / "datasets"))
    monkeypatch.setenv("GENRE_TUI_RUNS", str(home / "runs"))
    monkeypatch.setenv("GENRE_TUI_CACHE", str(home / "cache"))
    return home


def tone(seconds: float, rate: int, hertz: float = 440.0, channels: int = 1) -> np.ndarray:
    """A sine at half of full scale. [shape=(frames, channels)]"""
    t = np.arange(round(seconds * rate)) / rate
    return np.repeat(0.5 * np.sin(2 * np.pi * hertz * t)[:, None], channels, axis=1)


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """Starts run processes in milliseconds."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc")
    with ForkServer() as made:
        yield made


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this user cannot mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def recordings(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of recordings: genre -> number of tracks."""

    def make(tracks: dict[str, int], seconds: float = 2.0, name: str = "music") -> Path:
        folder = tmp_path / name
        for place, (genre, count) in enumerate(tracks.items()):
            (folder / genre).mkdir(parents=True)
            for number in range(count):
                sound = tone(seconds, 8000, 200.0 + 400 * place + 10 * number)
                write_sound(folder / genre / f"{number:02d}.wav", sound, 8000)
        return folder

    return make


@pytest.fixture
def forked_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that compute features are there at once: they have torch already."""
    import data.audio.extraction_worker  # noqa: F401

    monkeypatch.setattr(extraction, "_CONTEXT", multiprocessing.get_context("fork"))


def small_split(rows: int, classes: int, track: int, seed: int, *, mel: bool = True) -> Split:
    """Rows whose classes can be learned: each has a mean of its own."""
    rng = np.random.default_rng(seed)
    label = np.arange(rows) % classes
    mfcc = rng.standard_normal((rows, 26)) + 2.0 * label[:, None] * (np.arange(26) % classes == 0)
    spectrogram = rng.uniform(-80, 0, (rows, 21, 128)).astype(np.float32) if mel else None
    if spectrogram is not None:
        for row, c in enumerate(label):
            spectrogram[row, :, c * 20 : c * 20 + 20] = 0
    return Split(
        mfcc, spectrogram, label.astype(np.int64), np.full(rows, track), np.arange(rows) / 1
    )


def small_dataset(name: str = "small", *, mel: bool = True, rows: int = 48) -> Dataset:
    """Three genres, 48 + 24 + 24 rows, one track a split."""
    return Dataset(
        name=name,
        genres=("blues", "jazz", "rock"),
        train=small_split(rows, 3, 0, 1, mel=mel),
        validation=small_split(rows // 2, 3, 1, 2, mel=mel),
        test=small_split(rows // 2, 3, 2, 3, mel=mel),
        track_names=("a", "b", "c"),
        provenance={"kind": "test"},
        parameters=DOCUMENTED,
    )


def record_run(runs: Path, name: str = "20260102T030405Z-abc123") -> RunDirectory:
    """A run that was recorded, without training anything."""
    study = STUDIES["ffn-baseline"]
    plan = make_plan(study, StudyOptions(), "0" * 64)
    (_, trial), *_ = plan.trials
    run = RunDirectory(runs / study.name / name)
    run.write_run(
        RunManifest(
            study=study.name,
            question=study.question,
            about="",
            protocol="documented",
            created="2026-01-02T03:04:05+00:00",
            dataset=DatasetRecord(
                "tiny", "0" * 64, ("blues", "[bold]rock\x1b[2J"), "test", False, {}
            ),
            seeds=(42,),
            epochs=None,
            left_out=(),
            baselines=False,
            variants=tuple(VariantRecord(one.name, one.candidates) for one in plan.variants),
            trials={trial.id: trial},
            cohorts=(CohortRecord("c0", (trial.id,)),),
            device=DeviceRecord("cpu", "", 1, "float32", 1),
            checkpoint_seconds=30.0,
        )
    )
    run.write_result(
        TrialResult(
            trial.id,
            plan.variants[0].name,
            42,
            "finished",
            TrialCohort("c0", 1),
            epochs=3,
            best_epoch=3,
            kept_epoch=3,
            validation=Scores(0.75, 0.7),
            epoch_seconds=(0.5, 0.25, 0.25),
            test=TestScores(0.8125, 0.8, 0.5, [[40, 17], [13, 90]]),
        )
    )
    return run
