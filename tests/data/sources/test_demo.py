"""The demo dataset: made on first use, kept, mended, made anew for a new version."""

from pathlib import Path

import numpy as np
import pytest

from data import load_dataset
from data.audio.features import mfcc_statistics
from data.sources import demo
from data.sources.demo import GENRES, DemoTrack
from data.storage import catalogue
from data.synthesis import synthesise
from tests.support.recordings import read_wav

FEW = tuple(
    DemoTrack(genre=genre, number=number, split=split, seconds=4)  # type: ignore[arg-type]
    for genre in GENRES
    for number, split in enumerate(["train", "validation", "test"], start=1)
)


@pytest.fixture(autouse=True)
def few_tracks(monkeypatch: pytest.MonkeyPatch, forked_workers: None) -> None:
    monkeypatch.setattr(demo, "demo_tracks", lambda: FEW)


def test_it_is_made_on_first_use_and_kept() -> None:
    path = catalogue.path_of("demo")
    assert not path.exists()
    dataset = load_dataset(None)
    assert dataset.genres == ("blues", "classical", "pop", "rock")
    assert "DEMO DATA" in dataset.provenance["note"]
    assert len(dataset.track_names) == 12
    made = path.stat().st_mtime_ns
    assert load_dataset("demo").content_sha256 == dataset.content_sha256
    assert path.stat().st_mtime_ns == made


def test_its_rows_are_features_of_its_music() -> None:
    dataset = load_dataset("demo")
    rows = dataset.test
    name = dataset.track_names[rows.track[0]]
    track = next(track for track in FEW if track.name == name)
    samples = synthesise(track.genre, track.number, track.seconds)
    mine = rows.track == rows.track[0]
    np.testing.assert_allclose(rows.mfcc[mine], mfcc_statistics(samples), atol=1e-9)


def test_a_damaged_one_is_mended() -> None:
    content = load_dataset("demo").content_sha256
    path = catalogue.path_of("demo")
    broken = bytearray(path.read_bytes())
    broken[len(broken) // 2] ^= 1
    path.write_bytes(broken)
    assert load_dataset("demo").content_sha256 == content


def test_another_version_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    load_dataset("demo")
    made = catalogue.path_of("demo").stat().st_mtime_ns
    monkeypatch.setattr(demo, "VERSION", 999)
    load_dataset("demo")
    assert catalogue.path_of("demo").stat().st_mtime_ns > made
    assert load_dataset("demo").provenance["version"] == 999


def test_it_can_be_listened_to(tmp_path: Path) -> None:
    paths = demo.write_wavs(tmp_path / "wav", 1)
    assert sorted(path.name for path in paths) == [f"{genre}-001.wav" for genre in GENRES]
    samples, rate = read_wav(paths[0])
    assert (len(samples), rate) == (4 * 8000, 8000)
