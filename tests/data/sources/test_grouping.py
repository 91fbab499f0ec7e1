"""Datasets that keep all tracks of an artist in one split, however the artists are known."""

import csv
import unicodedata
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from data.datasets.dataset import Dataset
from data.errors import DataError
from data.sources.audio_folder import BuildReport, build, build_dataset
from data.sources.recordings import Labels
from data.storage import catalogue, hdf5
from data.storage.summary import describe
from tests.conftest import tone
from tests.support.fma import write_tracks_csv

pytestmark = pytest.mark.usefixtures("forked_workers")

PARTS = ("blues", "rock")


def write_flac(path: Path, hertz: float, **tags: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        container.metadata.update(tags)
        stream = container.add_stream("flac", rate=8000, layout="mono")
        samples = (tone(2, 8000, hertz) * 2**15).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 8000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def write_music(folder: Path, place: str, *, tagged: bool = False, artists: int = 5) -> list[Path]:
    """Three tracks of each of some artists a genre.

    Args:
        folder: of it all.
        place: of a track, such as "{genre}/{artist}/album/{number}.flac".
        tagged: whether the files name their artists.
        artists: of each genre.
    """
    paths = []
    for k, genre in enumerate(PARTS):
        for artist in range(artists):
            for number in range(3):
                name = f"{genre} band {artist}"
                path = folder / place.format(genre=genre, artist=name, number=number)
                tags = {"artist": name} if tagged else {}
                write_flac(path, 200.0 + 900 * k + 40 * artist + 10 * number, **tags)
                paths.append(path)
    return paths


def built(
    folder: Path, labels: Labels | None = None, **options: Any
) -> tuple[Dataset, BuildReport]:
    target = folder.parent / f"{folder.name}.h5"
    report = build(folder, target, labels, **({"workers": 1} | options))
    return hdf5.load(target), report


def check_together(dataset: Dataset, artists: int = 10) -> None:
    splits = dataset.artist_splits()
    assert len(splits) == artists
    assert {len(of) for of in splits.values()} == {1}
    for label, genre in enumerate(dataset.genres):
        for split, rows in dataset.splits():
            assert (rows.label == label).any(), (genre, split)


@pytest.mark.parametrize(
    "place",
    [
        "{genre}/{artist}/{number}.flac",
        "{genre}/{artist}/album {number}/track.flac",
        "genres/{genre}/{artist}/cd 1/{number}.flac",
    ],
)
def test_artists_are_folders_between_genre_and_track(tmp_path: Path, place: str) -> None:
    write_music(tmp_path / "music", place)
    dataset, _ = built(tmp_path / "music", group="artist")
    check_together(dataset)
    assert "blues band 0" in dataset.track_artists
    assert dataset.provenance["group"] == "artist"
    path = tmp_path / "music.h5"
    lines = describe(dataset, hdf5.summarise(path), path)
    assert lines["artists"] == "10, none of them in two splits"
    assert "artists kept together" in lines["from"]


def test_folders_are_no_artists_where_tracks_are_split(tmp_path: Path) -> None:
    write_music(tmp_path / "music", "{genre}/{artist}/{number}.flac")
    dataset, _ = built(tmp_path / "music")
    assert dataset.track_artists == ()
    assert "group" not in dataset.provenance


def test_artists_are_in_the_files_tags(tmp_path: Path) -> None:
    write_music(tmp_path / "music", "{genre}/{artist} {number}.flac", tagged=True)
    check_together(built(tmp_path / "music", group="tag:artist")[0])
    by_tracks, _ = built(tmp_path / "music")
    assert by_tracks.track_artists == ()


def test_tracks_without_tag_go_alone_and_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    write_music(folder, "{genre}/{artist} {number}.flac", tagged=True)
    for number in range(3):
        write_flac(folder / "rock" / f"x{number}.flac", 2000 + 100 * number)
        write_flac(
            folder / "rock" / f"v{number}.flac", 2300 + 100 * number, artist="Various Artists"
        )
    dataset, report = built(folder, group="tag:artist")
    check_together(dataset)
    assert dataset.track_artists.count("") == 6
    assert any("6 of 36 tracks name no artist" in remark for remark in report.remarks)


def test_one_artist_in_many_spellings(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    write_music(folder, "{genre}/{artist} {number}.flac", tagged=True)
    name = "Beyonc\u00e9"
    spellings = (name, unicodedata.normalize("NFD", name), name.upper(), f" {name} ", name)
    for number, spelling in enumerate(spellings):
        write_flac(folder / "rock" / f"x{number}.flac", 2000 + 100 * number, artist=spelling)
    dataset, _ = built(folder, group="tag:artist")
    check_together(dataset, artists=11)
    assert dataset.track_artists.count(name) == 5


def test_album_artists_come_first_where_they_are_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    for k, genre in enumerate(PARTS):
        for number in range(12):
            tags = {"artist": f"{genre} feat. {number}", "album_artist": f"{genre} {number // 3}"}
            write_flac(folder / genre / f"{number:02d}.flac", 200 + 800 * k + 40 * number, **tags)
    check_together(built(folder, group="tag:album_artist")[0], artists=8)
    check_together(built(folder, group="tag:artist")[0], artists=24)


def write_table(path: Path, tracks: list[Path], artist: Any) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "genre", "artist"])
        for track in tracks:
            genre = track.name.partition(" ")[0]
            writer.writerow([track.name, genre, artist(track.stem)])
    return path


def _named(stem: str) -> str:
    return stem.rpartition(" ")[0]


@pytest.mark.parametrize("group", ["track", "artist"])
def test_artists_of_a_table_are_kept_with_either_group(tmp_path: Path, group: str) -> None:
    tracks = write_music(tmp_path / "music", "{artist} {number}.flac")
    table = write_table(tmp_path / "labels.csv", tracks, _named)
    dataset, _ = built(tmp_path / "music", Labels(table=table), group=group)
    assert len(set(dataset.track_artists)) == 10
    if group == "artist":
        check_together(dataset)
    else:
        assert any(len(of) > 1 for of in dataset.artist_splits().values())


def test_splits_of_a_table_part_an_artist_until_they_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "fma_small"
    rows = {}
    for track in range(24):
        genre, artist, split = track // 12, track // 3, ("training", "validation", "test")
        write_flac(folder / "000" / f"{track:06d}.flac", 200.0 + 40 * track)
        rows[track] = {
            "set.split": split[track % 3],
            "artist.name": f"band {artist}",
            "track.genre_top": PARTS[genre],
        }
    write_tracks_csv(tmp_path / "fma_metadata" / "tracks.csv", rows)
    by_tracks, _ = built(folder)
    assert {len(of) for of in by_tracks.artist_splits().values()} == {3}
    with pytest.raises(DataError, match=r"band 0 is in two splits of tracks.csv: .*split="):
        built(folder, group="artist")
    table = Labels(tmp_path / "fma_metadata" / "tracks.csv", columns={"split": ""})
    check_together(built(folder, table, group="artist")[0], artists=8)


def test_given_splits_that_part_an_artist(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    tracks = write_music(folder, "{genre}/{artist}/{number}.flac")
    splits = ["train", "validation", "test"]
    with (folder / "splits.csv").open("w") as file:
        file.write("track,split\n")
        for track in tracks:
            name = track.relative_to(folder).with_suffix("").as_posix()
            split = splits[max(0, int(track.parent.name[-1]) - 2)]
            file.write(f"{name},{split}\n")
    dataset, _ = built(folder, group="artist")
    check_together(dataset)
    text = (folder / "splits.csv").read_text()
    changed = text.replace("rock/rock band 3/1,validation", "rock/rock band 3/1,test")
    assert changed != text
    (folder / "splits.csv").write_text(changed)
    with pytest.raises(DataError) as caught:
        built(folder, group="artist")
    assert "rock band 3 is in two splits of splits.csv: rock/rock band 3/0 is in" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("artist", "--group artist: no recording's artist is known. Expected folders such as"),
        ("tag:artist", "none of 30 recordings has the tag artist or album_artist: tag them"),
        ("album", "must be one of track, artist, tag:artist, tag:album_artist. Received: 'album'"),
        (["artist"], "group must be one of"),
    ],
)
def test_artists_that_are_not_known(tmp_path: Path, group: Any, words: str) -> None:
    write_music(tmp_path / "music", "{genre}/{artist} {number}.flac")
    with pytest.raises(DataError) as caught:
        build_dataset(tmp_path / "music", group=group, workers=1)
    assert words in str(caught.value)
    assert catalogue.names() == []


def test_a_genre_of_one_artist_is_left_out_with_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    write_music(folder, "{genre}/{artist} {number}.flac", tagged=True)
    for number in range(5):
        write_flac(folder / "jazz" / f"{number}.flac", 3000 + 50 * number, artist="Solo")
    dataset, report = built(folder, group="tag:artist")
    assert dataset.genres == PARTS
    assert any("jazz has 5 usable tracks by one artist" in remark for remark in report.remarks)
    assert "jazz" in built(folder)[0].genres
