"""Tables of features: Kaggle's of GTZAN, and others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from data.sources.labelled_rows import tracks_of
from tests.support.foreign import imported, refused

# The columns of Kaggle's features_3_sec.csv and features_30_sec.csv.
_PAIRS = "chroma_stft rms spectral_centroid spectral_bandwidth rolloff zero_crossing_rate harmony "
_PAIRS += "perceptr"
KAGGLE = [f"{name}_{of}" for name in _PAIRS.split() for of in ("mean", "var")]
KAGGLE += ["tempo", *(f"mfcc{n}_{of}" for n in range(1, 21) for of in ("mean", "var"))]
SCALES = 10.0 ** np.linspace(-5, 6, len(KAGGLE))


def _kaggle(path: Path, *, segments: int | None, tracks: int = 6) -> Path:
    """A table as Kaggle's, of some tracks of three genres."""
    rng = np.random.default_rng(0)
    lines = [",".join(["filename", "length", *KAGGLE, "label"])]
    for genre in ("blues", "hiphop", "rock"):
        for track in range(tracks):
            for segment in range(segments or 1):
                middle = "" if segments is None else f".{segment}"
                values = map(repr, (rng.standard_normal(len(KAGGLE)) * SCALES).tolist())
                length = "661794" if segments is None else "66149"
                name = f"{genre}.{track:05d}{middle}.wav"
                lines.append(",".join([name, length, *values, genre]))
    path.write_text("\n".join(lines))
    return path


def _table(path: Path, header: str, rows: Sequence[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def _plain(path: Path, *, header: str = "file,a,b,genre", n: int = 12) -> Path:
    rows = [f"song{n},{n},{n * n},{'rock' if n % 2 else 'pop'}" for n in range(n)]
    return _table(path, header, rows)


def test_kaggles_segments_are_split_by_their_tracks(tmp_path: Path) -> None:
    report = imported(_kaggle(tmp_path / "features_3_sec.csv", segments=10))
    dataset = report.dataset
    assert dataset.shapes == {"mfcc": (57,)}
    assert dataset.genres == ("blues", "hiphop", "rock")
    assert len(dataset.track_names) == 18
    assert dataset.track_names[:2] == ("blues.00000", "blues.00001")
    assert [len(rows) // 10 for _, rows in dataset.splits()] == [11, 3, 4]
    for _, rows in dataset.splits():
        assert rows.start is not None
        np.testing.assert_allclose(rows.start[:3], [0, 3, 6], atol=0.001)
    assert dataset.provenance["columns"] == KAGGLE
    assert dataset.provenance["features"] == {"mfcc": "57 columns"}
    assert report.notes == (
        "features_3_sec.csv: 57 columns of numbers (chroma_stft_mean, chroma_stft_var, rms_mean "
        "and 54 more); other columns: label label, track filename.",
        "18 tracks: blues.00000.0.wav is segment 0 of blues.00000.",
    )
    assert len(report.warnings) == 1
    assert report.warnings[0].endswith("run studies with --vary network.standardize=true.")


def test_kaggles_tracks_are_rows(tmp_path: Path) -> None:
    dataset = imported(_kaggle(tmp_path / "features_30_sec.csv", segments=None)).dataset
    assert len(dataset.track_names) == 18
    assert dataset.track_names[0] == "blues.00000"
    assert [len(rows) for _, rows in dataset.splits()] == [11, 3, 4]


def test_the_rows_are_those_of_the_table(tmp_path: Path) -> None:
    path = _kaggle(tmp_path / "features_3_sec.csv", segments=2)
    rows = np.genfromtxt(path, delimiter=",", skip_header=1)[:, 2:-1]
    dataset = imported(path).dataset
    of_dataset = [split.mfcc for _, split in dataset.splits() if split.mfcc is not None]
    found = np.concatenate(of_dataset)
    np.testing.assert_array_equal(found[np.lexsort(found.T)], rows[np.lexsort(rows.T)])
    assert dataset.train.mfcc is not None
    np.testing.assert_array_equal(dataset.train.mfcc, [r for r in rows if r in dataset.train.mfcc])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_other_tables(tmp_path: Path, delimiter: str) -> None:
    path = _plain(tmp_path / "x.csv")
    path.write_text("\ufeff" + path.read_text().replace(",", delimiter), encoding="utf-8")
    report = imported(path)
    assert report.dataset.genres == ("pop", "rock")
    assert report.dataset.shapes == {"mfcc": (2,)}
    assert report.dataset.provenance["columns"] == ["a", "b"]
    assert len(report.dataset.track_names) == 12


def test_columns_that_are_no_features(tmp_path: Path) -> None:
    header = ",song,start,length,Unnamed: 0,id,a,b,comment,label"
    rows = [
        f"{n},s{n // 2},{n % 2 * 1.5},3,{n},{n},{n},1,so so,{'rock' if n // 2 % 2 else 'pop'}"
        for n in range(24)
    ]
    report = imported(_table(tmp_path / "x.csv", header, rows))
    assert report.dataset.provenance["columns"] == ["a", "b"]
    assert len(report.dataset.track_names) == 12
    assert report.dataset.train.start is not None
    assert set(report.dataset.train.start.tolist()) == {0.0, 1.5}
    assert "Columns that are no features: (no name), Unnamed: 0, id, comment." in report.notes


def test_columns_that_are_named(tmp_path: Path) -> None:
    path = _plain(tmp_path / "x.csv", header="who,a,b,kind")
    assert "no column of labels, such as label or genre: name it with --columns" in refused(path)
    report = imported(path, columns={"label": "kind", "track": "who"})
    assert len(report.dataset.track_names) == 12
    assert "has no column 'what'" in refused(path, columns={"label": "what"})
    assert imported(path, columns={"label": "kind"}, groups="who").dataset.track_names


def test_without_a_column_of_tracks(tmp_path: Path) -> None:
    path = _plain(tmp_path / "x.csv", header="nothing,a,b,genre")
    report = imported(path)
    assert report.dataset.track_names == ()
    assert "single rows were split by chance" in report.warnings[0]


def test_a_column_that_is_the_label_again(tmp_path: Path) -> None:
    rows = [f"s{n},{n % 3 * 2},{n},{'abc'[n % 3]}" for n in range(24)]
    path = _table(tmp_path / "x.csv", "file,encoded,a,genre", rows)
    assert "encoded has one number for all rows of a class" in refused(path)
    rows = [f"s{n},7,{n},{'abc'[n % 3]}" for n in range(24)]
    path = _table(tmp_path / "x.csv", "file,constant,a,genre", rows)
    assert imported(path).dataset.shapes == {"mfcc": (2,)}


def test_artists_of_a_table(tmp_path: Path) -> None:
    rows = [f"s{n},{'Ww'[n < 4]}ho {n % 4},{n},{'ab'[n % 2]}" for n in range(24)]
    path = _table(tmp_path / "x.csv", "file,artist,a,genre", rows)
    dataset = imported(path).dataset
    assert len(dataset.track_artists) == 24
    track = dataset.track_names.index("s1")
    assert dataset.track_artists[track] == "Who 1"


def test_sizes_of_fma_are_no_splits(tmp_path: Path) -> None:
    rows = [f"{n},small,{n},{'ab'[n % 2]}" for n in range(24)]
    path = _table(tmp_path / "x.csv", "track_id,subset,a,genre", rows)
    assert imported(path).dataset.provenance["split"]["by"] == "tracks"
    assert "must hold train, validation or test" in refused(path, columns={"split": "subset"})
    assert "columns of a table can be named for label" in refused(path, columns={"features": "a"})


def test_a_column_of_splits(tmp_path: Path) -> None:
    splits = ["train", "Train", "val", "test"] * 6
    rows = [f"{'rock' if n // 4 % 2 else 'pop'},{n},{split}" for n, split in enumerate(splits)]
    path = _table(tmp_path / "x.csv", "genre,a,split", rows)
    dataset = imported(path).dataset
    assert [len(split) for _, split in dataset.splits()] == [12, 6, 6]
    assert "are split already" in refused(path, shares=(0.5, 0.25, 0.25))


def test_labels_that_are_numbers(tmp_path: Path) -> None:
    path = _table(tmp_path / "x.csv", "a,target", [f"{n},{n % 2}" for n in range(24)])
    assert "numbers its classes from 0 to 1" in refused(path)
    assert "and the groups are of 25: one a row" in refused(
        path, classes=["rock", "pop"], groups=str(path)
    )
    assert imported(path, classes=["rock", "pop"]).dataset.genres == ("rock", "pop")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",25,", ",,", "line 7: b must be a finite number. Received: ''"),
        (",25,", ",nan,", "line 7: b must be a finite number. Received: 'nan'"),
        (",25,", ",1e999,", "line 7: b must be a finite number. Received: '1e999'"),
        (",25,", ",n/a,", "line 7: b must be a finite number"),
        (",25,", ",1e39,", "within the range of float32"),
        (",25,", ",25,25,", "line 7: a row must have 4 cells, as the header. Received: 5"),
        ("file,a,b", "file,a,a", "has two columns 'a'"),
        (",rock", ",", "must be 1 to 100 printable characters"),
        ("song5", "", "the name of a track must be"),
    ],
)
def test_cells_that_cannot_be(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = _plain(tmp_path / "x.csv")
    path.write_text(path.read_text().replace(old, new))
    assert words in refused(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no column of labels"),
        (b"a,genre\n", "has no rows"),
        (b"a,genre\nx,rock\ny,pop\n", "has no columns of numbers"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b'a,genre\n"1,rock\n' + b"x" * 200_000, "cannot be read"),
    ],
)
def test_files_that_are_no_tables(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    assert words in refused(tmp_path / "x.csv")


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.csv")
    assert "it is no plain file" in refused(tmp_path / "x.csv")


def test_tables_have_no_axes(tmp_path: Path) -> None:
    assert "no axes to transpose" in refused(_plain(tmp_path / "x.csv"), transpose=True)


@pytest.mark.parametrize(
    ("names", "tracks", "segments"),
    [
        (["blues.00000.0.wav", "rock.00012.9.wav"], ["blues.00000", "rock.00012"], [0, 9]),
        (["blues.00000.wav", "rock.00012.au"], ["blues.00000", "rock.00012"], None),
        (["a/b.c.mp3", "1"], ["a/b.c", "1"], None),
        ([f"song {n // 2}_seg{n % 2}.wav" for n in range(12)], None, [0, 1] * 6),
        ([f"song {n // 2} - part {n % 2}.wav" for n in range(12)], None, [0, 1] * 6),
        ([f"{n // 2}-{n % 2}" for n in range(12)], None, [0, 1] * 6),
    ],
)
def test_tracks_of_names(
    names: list[str], tracks: list[str] | None, segments: list[int] | None
) -> None:
    genres = ["rock" if n < len(names) / 2 else "pop" for n in range(len(names))]
    found = tracks_of(names, genres)
    assert found[1] == segments
    if tracks is not None:
        assert found[0] == tracks
    else:
        assert len(set(found[0])) == 6


def test_numbers_of_tracks_are_no_segments() -> None:
    """rock_01, rock_02, ... number the tracks of a genre."""
    names = [f"{genre}_{n:02d}.wav" for genre in ("rock", "pop") for n in range(9)]
    assert tracks_of(names, ["rock"] * 9 + ["pop"] * 9)[1] is None
