import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data import build_dataset
from data.audio.decoding import stream_segments
from data.audio.features import mel_spectrograms, mfcc_statistics
from data.audio.parameters import FeatureParameters
from data.datasets.dataset import Dataset
from data.errors import DataError
from data.sources import audio_folder
from data.sources.audio_folder import build
from data.sources.recordings import Labels, find_recordings
from data.storage import catalogue, hdf5
from tests.conftest import small_dataset, tone
from tests.support.recordings import read_wav, write_sound

Recordings = Callable[..., Path]


pytestmark = pytest.mark.usefixtures("forked_workers")


def _build(
    folder: Path,
    target: Path,
    merge: dict[str, list[str]] | None = None,
    splits: Path | None = None,
    **options: object,
) -> tuple[Dataset, dict[str, str]]:
    options = {"workers": 1} | options
    labels = Labels(merge=merge or {}, splits=[splits] if splits else [])
    report = build(folder, target, labels, **options)  # type: ignore[arg-type]
    return hdf5.load(target), dict(report.skipped)


def test_rows_are_the_tracks_seconds(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 4, "rock": 5}, seconds=3.4)
    dataset, skipped = _build(folder, tmp_path / "x.h5")
    assert skipped == {}
    assert sum(len(rows) for _, rows in dataset.splits()) == 9 * 3
    assert len(dataset.track_names) == 9
    for _, rows in dataset.splits():
        for i in range(len(rows)):
            name = dataset.track_names[rows.track[i]]
            assert name.split("/")[0] == dataset.genres[rows.label[i]]
            samples, _ = read_wav(folder / f"{name}.wav")
            second = int(rows.start[i])
            segment = samples[None, second * 8000 : (second + 1) * 8000]
            np.testing.assert_allclose(rows.mfcc[i], mfcc_statistics(segment)[0], atol=1e-9)
            np.testing.assert_allclose(rows.mel[i], mel_spectrograms(segment)[0], atol=1e-3)


def test_other_segments_and_features(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 3, "rock": 3}, seconds=3.4)
    wanted = {"seconds": 0.75, "rate": 16_000, "mels": 32, "mfcc": 20, "frame": 600, "hop": 300}
    with pytest.warns(UserWarning, match="below the 16000 Hz of the features") as caught:
        made = build_dataset(folder, "mine", **wanted, workers=1)  # type: ignore[arg-type]
    assert len(caught) == 3
    assert str(caught[2].message).endswith(" And 3 more like this.")
    assert made.shapes == {"mfcc": (40,), "mel": (41, 32)}
    assert sum(len(rows) for _, rows in made.splits()) == 6 * 4
    parameters = made.parameters
    assert parameters == FeatureParameters.of(0.75, 16_000, 32, 20, 600, 300)
    rows = made.test
    assert sorted(set(rows.start.tolist())) == [0, 0.75, 1.5, 2.25]
    path = folder / f"{made.track_names[rows.track[2]]}.wav"
    (segments,) = stream_segments(path, parameters)
    np.testing.assert_allclose(rows.mfcc[:4], mfcc_statistics(segments, parameters), atol=1e-9)
    np.testing.assert_allclose(rows.mel[:4], mel_spectrograms(segments, parameters), atol=1e-3)


def test_segments_that_cannot_be_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^hop must be a whole number from 50 to 400 \(samples"):
        build_dataset(tmp_path / "none", "mine", hop=500)


def test_workers_do_not_change_the_content(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 4, "rock": 4})
    alone, _ = _build(folder, tmp_path / "1.h5")
    shared, _ = _build(folder, tmp_path / "2.h5", workers=2)
    assert alone.content_sha256 == shared.content_sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.h5", "2.h5", "music"]


def test_sub_folders_suffixes_and_hidden_files(recordings: Recordings) -> None:
    folder = recordings({"blues": 3, "rock": 3})
    (folder / "rock" / "live").mkdir()
    write_sound(folder / "rock" / "live" / "00.flac", tone(2, 8000, 999), 8000)
    for ignored in ("cover.jpg", ".hidden.wav", "._00.wav"):
        (folder / "rock" / ignored).touch()
    (folder / "notes.txt").touch()
    names = [recording.name for recording in find_recordings(folder).recordings]
    assert names == [
        "blues/00",
        "blues/01",
        "blues/02",
        "rock/00",
        "rock/01",
        "rock/02",
        "rock/live/00",
    ]


def test_links_that_lead_back_end(recordings: Recordings) -> None:
    folder = recordings({"blues": 3, "rock": 3})
    (folder / "rock" / "loop").symlink_to(folder / "rock")
    assert len(find_recordings(folder).recordings) == 6


def test_merged_folders_make_one_class(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 3, "metal": 3, "rock": 3})
    dataset, _ = _build(folder, tmp_path / "x.h5", merge={"rock_metal": ["rock", "metal"]})
    assert dataset.genres == ("blues", "rock_metal")
    assert sum(int((rows.label == 1).sum()) for _, rows in dataset.splits()) == 12


def test_splits_csv_is_followed(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"a": 3, "b": 3})
    lines = [
        f"{genre}/{i:02d},{split}"
        for genre in "ab"
        for i, split in enumerate(["test", "train", "val"])
    ]
    (tmp_path / "splits.csv").write_text("\n".join(["track,split", *lines]))
    dataset, _ = _build(folder, tmp_path / "x.h5", splits=tmp_path / "splits.csv")
    assert {dataset.track_names[i] for i in dataset.test.track} == {"a/00", "b/00"}
    assert {dataset.track_names[i] for i in dataset.train.track} == {"a/01", "b/01"}


def _break(folder: Path) -> None:
    (folder / "blues" / "00.wav").write_text("no audio")


def test_a_broken_recording_is_left_out_with_its_reason(
    recordings: Recordings, tmp_path: Path
) -> None:
    folder = recordings({"blues": 4, "rock": 4})
    _break(folder)
    dataset, skipped = _build(folder, tmp_path / "x.h5")
    assert len(dataset.track_names) == 7
    assert list(skipped) == ["blues/00"]
    assert "no audio" in skipped["blues/00"]


def test_strict_makes_it_fatal(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 4, "rock": 4})
    _break(folder)
    with pytest.raises(DataError, match=r"no audio.*no dataset was written"):
        _build(folder, tmp_path / "x.h5", strict=True)
    assert not (tmp_path / "x.h5").exists()


def test_a_genre_of_which_nothing_can_be_used_says_why(
    recordings: Recordings, tmp_path: Path
) -> None:
    folder = recordings({"blues": 3, "rock": 4})
    _break(folder)
    words = r"the genre blues has 2 usable tracks.* Left out of blues: 1, the first: .*no audio"
    with pytest.raises(DataError, match=words):
        _build(folder, tmp_path / "x.h5")


def test_silence_is_left_out(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 4, "rock": 4})
    write_sound(folder / "rock" / "silent.wav", np.zeros(24000), 8000)
    _, skipped = _build(folder, tmp_path / "x.h5")
    (reason,) = skipped.values()
    assert reason.endswith("silent.wav is silent from beginning to end.")


def test_copies_of_a_recording_are_left_out(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 4, "rock": 4})
    (folder / "rock" / "copy.wav").write_bytes((folder / "blues" / "01.wav").read_bytes())
    dataset, skipped = _build(folder, tmp_path / "x.h5")
    assert "rock/copy" not in dataset.track_names
    assert "sounds exactly like" in skipped["rock/copy"]


def _refused(folder: Path, target: Path, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        _build(folder, target, **options)
    assert not target.exists()
    return str(caught.value)


def test_no_folder(tmp_path: Path) -> None:
    assert "is no folder" in _refused(tmp_path / "none", tmp_path / "x.h5")


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    assert "has no recordings" in _refused(tmp_path / "music", tmp_path / "x.h5")


def test_one_genre(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 5})
    assert "Received: 1 (blues)" in _refused(folder, tmp_path / "x.h5")


def test_too_few_tracks(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 5, "rock": 2})
    assert "genre rock has 2 usable tracks" in _refused(folder, tmp_path / "x.h5")


def test_too_few_tracks_that_are_whole(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 3, "rock": 3})
    _break(folder)
    assert "genre blues has 2 usable tracks" in _refused(folder, tmp_path / "x.h5")


def test_a_name_that_is_not_utf_8_is_left_out(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 4, "rock": 3})
    os.rename(folder / "blues" / "00.wav", os.fsencode(folder / "blues") + b"/\xff.wav")
    dataset, skipped = _build(folder, tmp_path / "x.h5")
    assert len(dataset.track_names) == 6
    assert "not UTF-8" in next(iter(skipped.values()))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_not_passed_over(
    recordings: Recordings, tmp_path: Path
) -> None:
    folder = recordings({"blues": 3, "jazz": 3, "rock": 3})
    (folder / "jazz").chmod(0)
    try:
        assert "cannot be read" in _refused(folder, tmp_path / "x.h5")
    finally:
        (folder / "jazz").chmod(0o700)


@pytest.mark.parametrize("with_splits", [False, True])
def test_a_genre_without_a_usable_recording_does_not_vanish(
    recordings: Recordings, tmp_path: Path, with_splits: bool
) -> None:
    folder = recordings({"blues": 3, "jazz": 3, "rock": 3})
    for path in (folder / "jazz").iterdir():
        path.write_text("no audio")
    splits = tmp_path / "splits.csv" if with_splits else None
    if splits:
        names = [recording.name for recording in find_recordings(folder).recordings]
        parts = ["train", "validation", "test"] * 3
        lines = [f"{name},{part}" for name, part in zip(names, parts, strict=True)]
        splits.write_text("\n".join(["track,split", *lines]))
    labels = Labels(splits=[splits] if splits else [])
    report = build(folder, tmp_path / "x.h5", labels, workers=1)
    assert hdf5.load(tmp_path / "x.h5").genres == ("blues", "rock")
    assert any("the genre jazz has 0 usable tracks" in remark for remark in report.remarks)


def test_nothing_usable(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 3, "rock": 3}, seconds=0.5)
    assert "none of the 6 recordings can be used" in _refused(folder, tmp_path / "x.h5")


def test_two_recordings_of_one_name(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"blues": 3, "rock": 3})
    write_sound(folder / "rock" / "00.flac", tone(2, 8000), 8000)
    assert "same track name" in _refused(folder, tmp_path / "x.h5")


@pytest.mark.parametrize(
    ("merge", "words"),
    [
        ({"x": ["rock", "punk"]}, "no genre 'punk'"),
        ({"x": ["rock"], "y": ["rock"]}, "into one class only. Received 'rock' for x and y."),
        ({"blues": ["rock"]}, "the merged class 'blues' has the name of a genre"),
    ],
)
def test_merges_that_cannot_be(
    recordings: Recordings, tmp_path: Path, merge: dict[str, list[str]], words: str
) -> None:
    folder = recordings({"blues": 3, "rock": 3})
    assert words in _refused(folder, tmp_path / "x.h5", merge=merge)


def test_a_table_of_labels_from_python(recordings: Recordings, tmp_path: Path) -> None:
    folder = recordings({"a": 5, "b": 5})
    names = [f"{top}/{number:02d}" for top in "ab" for number in range(5)]
    lines = [f"{name},{number % 3},{'xyz'[number % 3]}" for number, name in enumerate(names)]
    table = tmp_path / "moods.csv"
    table.write_text("\n".join(["file,mood,genre", *lines]))
    with pytest.warns(UserWarning, match="label = mood") as caught:
        made = build_dataset(
            folder, "x", labels=table, columns={"label": "mood"}, exclude=["1"], workers=1
        )
    assert len(caught) == 1
    assert made.genres == ("0", "2")
    assert sorted(made.track_names) == sorted(names[0::3] + names[2::3])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"folder": 5}, "folder must be a path, as a text or a Path. Received: 5."),
        ({"name": 5}, "a dataset's name must be 1 to 64 lower-case letters"),
        ({"name": ""}, "Received: ''."),
        (
            {"merge": ["a"]},
            "merge must be like {'rock_metal': ['rock', 'metal']}. Received: ['a'].",
        ),
        ({"merge": {"a": "low"}}, "Received: {'a': 'low'}."),
        ({"merge": {"a": [5]}}, "Received: {'a': [5]}."),
        ({"splits": 5}, "splits must be a path"),
        ({"splits": [5]}, "splits must be a path"),
        ({"labels": 5}, "labels must be a path"),
        ({"columns": "label"}, "columns must be like {'label': 'genre'}. Received: 'label'."),
        ({"only": "rock"}, "only must be like ['blues', 'rock']. Received: 'rock'."),
        ({"exclude": [5]}, "exclude must be like ['blues', 'rock']. Received: [5]."),
        ({"shares": 5}, "shares must be three positive numbers"),
        ({"shares": "abc"}, "Received: 'abc'."),
        ({"seed": "a"}, "seed must be a whole number, at least 0, or None. Received: 'a'."),
        ({"seed": -1}, "Received: -1."),
        ({"workers": 0}, "workers must be a whole number, at least 1, or None. Received: 0."),
        ({"workers": True}, "Received: True."),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_read(
    recordings: Recordings, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], words: str
) -> None:
    folder = recordings({"blues": 3, "rock": 3})
    monkeypatch.setattr(audio_folder, "features_of", None)
    with pytest.raises(DataError, match=re.escape(words)):
        build_dataset(**{"folder": folder, "name": "x"} | options)
    assert catalogue.names() == []


def test_a_taken_name_is_refused_in_words_of_both_interfaces(recordings: Recordings) -> None:
    catalogue.add(small_dataset(), replace=False)
    with pytest.raises(DataError, match=r"replace=True \(--replace on the command line\)"):
        build_dataset(recordings({"blues": 3, "rock": 3}), "small")
