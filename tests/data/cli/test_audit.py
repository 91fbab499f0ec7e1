"""`python -m data audit`: its exit codes, its JSON, and datasets that are refused elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result

from data.audio.features import mfcc_statistics
from data.audio.parameters import DOCUMENTED
from data.auditing import UncheckedDataset, load_for_audit, random_split
from data.cli.main import main
from data.datasets.dataset import Dataset, Split
from data.errors import DataError
from data.sources.npy_folder import read_npy_folder
from data.storage import catalogue, hdf5
from tests.conftest import REAL_DATA, needs_real_data, small_dataset
from tests.support.recordings import read_segments, read_wav, write_sound


def _audit(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, arguments)])


def _unchecked(dataset: Dataset, **changes: object) -> UncheckedDataset:
    values = {field: getattr(dataset, field) for field in dataset.__dataclass_fields__}
    return UncheckedDataset(**values | changes)


def _leaking() -> UncheckedDataset:
    """The track of train has a row in test, too."""
    dataset = small_dataset(mel=False)
    track = dataset.test.track.copy()
    track[3] = 0
    return _unchecked(
        dataset,
        test=replace(dataset.test, track=track),
        track_names=("a\x1b[2Jb", "b", "c"),
    )


def test_no_leak_is_exit_code_0() -> None:
    catalogue.add(small_dataset(), replace=False)
    result = _audit("small")
    assert result.exit_code == 0, result.output
    assert "No leak found, 1 warning." in result.stdout
    assert "No track is in two splits." in result.stdout
    assert "jazz   16 segments of 1 track" in result.stdout


def test_a_track_in_two_splits_is_named_with_exit_code_1() -> None:
    dataset = _leaking()
    path = catalogue.add(dataset, replace=False)
    with pytest.raises(DataError, match="no track may be in two splits"):
        hdf5.load(path)
    result = _audit("small")
    assert result.exit_code == 1, result.output
    assert "a[2Jb: train and test" in result.stdout
    assert "\x1b" not in result.stdout
    assert "1 leak found, " in result.stdout
    assert _audit(path).exit_code == 1


def test_an_unchecked_dataset_is_read_as_it_was_written(tmp_path: Path) -> None:
    for dataset in (_leaking(), _unchecked(_leaking(), **_with_mel())):
        hdf5.save(dataset, tmp_path / "x.h5")
        read = load_for_audit(str(tmp_path / "x.h5"))
        assert read.content_sha256 == dataset.content_sha256
        assert read.track_names == dataset.track_names


def _with_mel() -> dict[str, object]:
    dataset = small_dataset()
    track = np.zeros(len(dataset.test), dtype=np.int64)
    return {
        "train": dataset.train,
        "validation": dataset.validation,
        "test": replace(dataset.test, track=track),
    }


def test_other_faults_of_a_file_are_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    hdf5.save(_leaking(), path)
    with h5py.File(path, "r+") as file:
        file["test"]["mfcc"][0, 0] += 1
    damaged = _audit(path)
    assert damaged.exit_code == 2
    path.write_bytes(path.read_bytes()[:-2000])
    for result, words in (
        (damaged, "Error: "),
        (_audit(path), "Error: "),
        (_audit("none"), "there is no dataset 'none'"),
        (_audit(tmp_path / "none.h5"), "there is no dataset file"),
    ):
        assert result.exit_code == 2, result.output
        assert words in result.output
        assert len(result.output.splitlines()) == 1


def test_json_is_one_object() -> None:
    dataset = _leaking()
    catalogue.add(dataset, replace=False)
    result = _audit("small", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["dataset"] == {"name": "small", "content_sha256": dataset.content_sha256}
    assert found["leaks"] is True
    assert found["classes"]["jazz"]["train"] == {"segments": 16, "tracks": 1}
    for finding in found["findings"]:
        assert set(finding) == {"kind", "severity", "sentence", "advice", "counts", "examples"}
        assert finding["severity"] in ("leak", "warning", "unknown", "fine")
        assert finding["sentence"].endswith(".")
        assert bool(finding["advice"]) or finding["severity"] in ("fine", "unknown")
    tracks = next(finding for finding in found["findings"] if finding["kind"] == "tracks")
    assert tracks["counts"] == {"tracks": 3, "tracks_in_two_splits": 1}


def _source() -> tuple[dict[str, dict[str, Any]], int]:
    """What the audit of the source's arrays finds, by kind, and its exit code."""
    catalogue.add(read_npy_folder(REAL_DATA / "music_genre_data", "source"), replace=False)
    result = _audit("source", "--json")
    findings = json.loads(result.stdout)["findings"]
    return {finding["kind"]: finding for finding in findings}, result.exit_code


@needs_real_data
def test_the_sources_arrays_have_neighbours_and_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_split, "SEEDS", 1)
    monkeypatch.setattr(random_split, "FOLDS", 3)
    findings, exit_code = _source()
    neighbours = findings["contiguous-neighbours"]
    assert neighbours["severity"] == "warning"
    assert 0.80 < neighbours["counts"]["ratio"] < 0.90
    assert 5 <= neighbours["counts"]["reach_rows"] <= 20
    assert 0.04 < findings["random-split-gap"]["counts"]["gap"] < 0.08
    # The given splits keep tracks apart but for one that is cut.
    assert findings["split-neighbours"]["severity"] == "fine"
    assert findings["split-boundaries"]["severity"] == "leak"
    assert [example[:40] for example in findings["split-boundaries"]["examples"]] == [
        "blues: the end of train goes on at the b"
    ]
    assert findings["near-duplicates"]["severity"] == "fine"
    assert findings["silence"]["counts"] == {"rows": 1}
    assert exit_code == 1


@pytest.mark.slow
@needs_real_data
def test_the_gap_of_the_sources_arrays_is_the_known_one() -> None:
    findings, _ = _source()
    measured = findings["random-split-gap"]["counts"]
    assert measured["fits_each"] == 10
    assert measured["accuracy_by_rows"] == pytest.approx(0.778, abs=0.008)
    assert measured["accuracy_by_groups"] == pytest.approx(0.720, abs=0.010)
    assert measured["gap"] == pytest.approx(0.058, abs=0.01)


@needs_real_data
def test_an_mp3_of_a_recording_under_another_name_is_found(tmp_path: Path) -> None:
    genres = ("blues", "classical", "rock_metal")
    chosen = {
        genre: sorted((REAL_DATA / "gtzan_excerpt" / genre).iterdir())[:6] for genre in genres
    }
    sound, rate = read_wav(chosen["blues"][0])
    copy = tmp_path / "copy.mp3"
    write_sound(copy, sound[rate // 5 :], rate, bit_rate=32_000)  # begins 0.2 s later
    chosen["blues"][5] = copy
    parts: dict[str, list[tuple[np.ndarray, int, int]]] = {
        "train": [],
        "validation": [],
        "test": [],
    }
    names = []
    for label, genre in enumerate(genres):
        for place, path in enumerate(chosen[genre]):
            split = ("train", "train", "train", "train", "validation", "test")[place]
            parts[split].append((mfcc_statistics(read_segments(path)), label, len(names)))
            names.append(path.stem)
    splits = {
        split: {
            "mfcc": np.concatenate([mfcc for mfcc, _, _ in tracks]),
            "label": np.concatenate([np.full(len(mfcc), label) for mfcc, label, _ in tracks]),
            "track": np.concatenate([np.full(len(mfcc), track) for mfcc, _, track in tracks]),
            "start": np.concatenate([np.arange(len(mfcc), dtype=float) for mfcc, _, _ in tracks]),
        }
        for split, tracks in parts.items()
    }
    dataset = Dataset(
        "x",
        genres,
        **{split: Split(mel=None, **arrays) for split, arrays in splits.items()},
        track_names=tuple(names),
        parameters=DOCUMENTED,
    )
    catalogue.add(dataset, replace=False)
    result = _audit("x", "--json")
    assert result.exit_code == 1
    findings = {finding["kind"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert findings["copied-tracks"]["counts"] == {"pairs_across_splits": 1, "pairs": 1}
    assert "blues.00000 (train)" in findings["copied-tracks"]["examples"][0]
    assert "copy (test)" in findings["copied-tracks"]["examples"][0]
