"""Which recordings a folder has, in every layout, and what their genres and splits are."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from data.errors import DataError
from data.sources.recordings import FoundRecordings, Labels, find_recordings
from tests.support.fma import write_tracks_csv


def _folder(tmp_path: Path, *files: str) -> Path:
    for file in files:
        path = tmp_path / "music" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "music"


def _facts(found: FoundRecordings) -> dict[str, str]:
    return {r.name: "/".join(filter(None, (r.genre, r.split, r.artist))) for r in found.recordings}


def _refused(folder: Path, labels: Labels | None = None) -> str:
    with pytest.raises(DataError) as caught:
        find_recordings(folder, labels)
    return str(caught.value)


def test_genre_artist_album(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        "blues/A/x/01.mp3",
        "blues/A/x/cover.jpg",
        "rock/B/y/01.m4a",
        "rock/B/y/01.jpg",
        "rock/02",
        "rock/.03.mp3",
        "04.mp3",
        "jazz/list.txt",
        "checksums",
    )
    found = find_recordings(folder)
    assert _facts(found) == {"blues/A/x/01": "blues", "rock/B/y/01": "rock", "rock/02": "rock"}
    assert found.splits is None
    assert found.passed_over == ["cover.jpg", "list.txt", "01.jpg", "checksums"]
    assert found.notes == [
        "1 recording is in no genre's folder and left out, such as 04.mp3.",
        "jazz has no recordings, so it is no genre.",
    ]


@pytest.mark.parametrize("words", [("train", "val", "test"), ("Training", "valid", "TEST")])
def test_folders_of_splits_above_and_below_genres(tmp_path: Path, words: tuple[str, ...]) -> None:
    splits = ("train", "validation", "test")
    above = [f"{word}/{genre}/1.wav" for word in words for genre in ("blues", "rock")]
    found = find_recordings(_folder(tmp_path, *above))
    assert list(_facts(found).values()) == [
        f"{genre}/{split}"
        for _, split in sorted(zip(words, splits, strict=True))
        for genre in ("blues", "rock")
    ]
    assert found.splits == "the names of the folders"
    below = [f"{genre}/{word}/1.wav" for word in words for genre in ("blues", "rock")]
    found = find_recordings(_folder(tmp_path / "below", *below))
    assert {r.name: (r.genre, r.split) for r in found.recordings} == {
        f"{genre}/{word}/1": (genre, split)
        for word, split in zip(words, splits, strict=True)
        for genre in ("blues", "rock")
    }


def test_folders_of_splits_beside_others_are_not_guessed(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "train/a/1.wav", "test/a/1.wav", "extra/a/1.wav")
    assert "has the splits test, train beside extra" in _refused(folder)
    folder = _folder(tmp_path / "2", "a/train/1.wav", "a/test/1.wav", "b/1.wav")
    assert "has splits in the folder a, and in b it has not" in _refused(folder)


def test_folders_of_splits_with_a_table(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "train/1.wav", "train/2.wav", "test/3.wav", "test/4.wav")
    (folder / "genres.csv").write_text("id,genre\n1,a\n2,b\n3,a\n4,b\n")
    assert _facts(find_recordings(folder)) == {
        "train/1": "a/train",
        "train/2": "b/train",
        "test/3": "a/test",
        "test/4": "b/test",
    }


def test_kaggles_root(tmp_path: Path) -> None:
    names = [f"{genre}/{genre}.0000{n}" for genre in ("blues", "rock") for n in range(3)]
    folder = _folder(
        tmp_path,
        *(f"Data/genres_original/{name}.wav" for name in names),
        *(f"Data/images_original/{name.replace('.', '')}.png" for name in names),
    )
    (folder / "Data" / "features_30_sec.csv").write_text(
        "filename,length,chroma_stft_mean,label\nblues.00000.wav,661794,0.35,blues\n"
    )
    for level in (folder, folder / "Data", folder / "Data" / "genres_original"):
        found = find_recordings(level)
        assert [r.name for r in found.recordings] == names
        assert {r.genre for r in found.recordings} == {"blues", "rock"}
    assert find_recordings(folder).notes == [
        f"The genres are the folders of {folder}/Data/genres_original."
    ]


def test_the_folder_above_is_named_with_the_command(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "my stuff/a/1.wav", "my stuff/b/1.wav")
    assert _refused(folder) == (
        f"{folder} has recordings in one folder only, my stuff, and a dataset needs two genres. If "
        f"the folders in it are the genres: python -m data build '{folder}/my stuff'"
    )
    message = _refused(folder / "my stuff" / "a")
    assert "holds recordings itself" in message
    assert f"python -m data build '{folder}/my stuff/a' --labels labels.csv" in message


def _fma(tmp_path: Path, *tracks: int) -> Path:
    _folder(tmp_path, *(f"fma_small/{n // 1000:03d}/{n:06d}.mp3" for n in tracks))
    return _folder(tmp_path, "fma_small/checksums", "fma_small/README.txt")


FMA = {
    2: {"track.genre_top": "Hip-Hop", "set.split": "training", "artist.name": "AWOL"},
    5: {"track.genre_top": "Rock", "set.split": "test", "artist.name": "Kurt"},
    1999: {"track.genre_top": "", "set.split": "training"},
    99999: {"track.genre_top": "Rock", "set.split": "validation"},
}


def test_fma_beside_its_metadata(tmp_path: Path) -> None:
    folder = _fma(tmp_path, 2, 5, 1999, 2001)
    table = folder / "fma_metadata" / "tracks.csv"
    write_tracks_csv(table, FMA)
    for place in (folder, folder / "fma_small"):
        found = find_recordings(place)
        assert _facts(found) == {"000/000002": "Hip-Hop/train/AWOL", "000/000005": "Rock/test/Kurt"}
        assert found.splits == "tracks.csv"
        inside = "fma_small/" if place == folder else ""
        assert found.notes == [
            f"Labels are read from {table}: path = track_id, label = track.genre_top, "
            "split = set.split, artist = artist.name.",
            f"{table}: 1 track has no recording here, such as '99999'.",
            f"1 recording is in no row of {table} and left out, such as {inside}002/002001.mp3.",
            f"1 recording is without a label in {table} and left out, such as "
            f"{inside}001/001999.mp3.",
        ]


def test_fma_without_its_metadata_names_the_command(tmp_path: Path) -> None:
    folder = _fma(tmp_path, 2, 5) / "fma_small"
    assert f"python -m data build {folder} --labels fma_metadata/tracks.csv" in _refused(folder)
    write_tracks_csv(tmp_path / "tracks.csv", FMA)
    assert len(find_recordings(folder, Labels(tmp_path / "tracks.csv")).recordings) == 2


def test_years_are_genres_as_any_other_names(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "1980/1.wav", "1990/1.wav", "200/000001.mp3")
    assert {r.genre for r in find_recordings(folder).recordings} == {"1980", "1990", "200"}


@pytest.mark.parametrize(
    "files",
    [
        ("fold1/a.wav", "fold2/b.wav", "fold10/c.wav"),
        ("CD 1/a.wav", "CD 2/b.wav"),
        ("14/214.mp3", "00/1000.mp3"),
        ("000/000002.mp3", "001/001999.mp3", "sample.mp3"),
    ],
)
def test_numbered_folders_are_no_genres(tmp_path: Path, files: tuple[str, ...]) -> None:
    folder = _folder(tmp_path, *files)
    message = _refused(folder)
    assert f"the folders of {folder} are numbered, as FMA's, and no genres" in message
    assert f"python -m data build {folder} --labels fma_metadata/tracks.csv" in message
    lines = [f"{Path(file).stem},{'xy'[place % 2]}" for place, file in enumerate(files)]
    (folder / "labels.csv").write_text("\n".join(["id,genre", *lines]))
    assert len(find_recordings(folder).recordings) == len(files)


def test_a_flat_folder_with_its_table(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "audio/1.wav", "audio/2.wav", "audio/3.wav")
    (folder / "meta").mkdir()
    (folder / "meta" / "labels.csv").write_text("filename;category\n1.wav;a\n2.wav;b\n")
    (folder / "meta" / "weather.csv").write_text("id,class\nx,y\n")
    found = find_recordings(folder)
    assert _facts(found) == {"1": "a", "2": "b"}
    (folder / "more.csv").write_text("file,label\n1.wav,c\n")
    message = _refused(folder)
    assert f"--labels {folder}/more.csv or {folder}/meta/labels.csv" in message


def test_labels_go_before_folders(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "a/1.wav", "a/2.wav", "b/3.wav", "b/x")
    table = tmp_path / "labels.csv"
    table.write_text("path,genre,artist\na/1.wav,x,P\na/2.wav,y,Q\nb/3.wav,x,P\nc/4.wav,x,P\n")
    found = find_recordings(folder, Labels(table))
    assert _facts(found) == {"a/1": "x/P", "a/2": "y/Q", "b/3": "x/P"}
    assert found.notes[0] == (
        f"Labels are read from {table}: path = path, label = genre, artist = artist."
    )
    assert found.notes[1:] == [f"{table}: 1 track has no recording here, such as 'c/4.wav'."]
    table.write_text("path,genre\na/1.wav,x\nz,y\n")
    assert "needs 2 to 1000 genres" in _refused(folder, Labels(table))
    table.write_text("path,genre\nq/1.wav,x\nz,y\n")
    assert "names none of the 4 recordings: its first track is 'q/1.wav', the first recording " in (
        message := _refused(folder, Labels(table))
    )
    assert "'a/1.wav'" in message
    table.write_text("path,genre\na/1.wav,x\n1,y\n")
    assert "labels.csv, line 3 says something else of '1' than" in _refused(folder, Labels(table))
    assert "name its file" in _refused(folder, Labels(columns={"path": "x"}))


GTZAN_LISTS = {
    "train_filtered.txt": ["a/a.00000.wav", "b/b.00000.wav", "b/b.00009.wav"],
    "valid_filtered.txt": ["a/a.00001.wav", "b/b.00001.wav"],
    "test_filtered.txt": ["a/a.00002.wav", "b/b.00002.wav"],
}


def _lists(folder: Path, lists: Mapping[str, list[str]]) -> list[Path]:
    folder.mkdir()
    for name, tracks in lists.items():
        (folder / name).write_text("\n".join(tracks) + "\n")
    return [folder / name for name in lists]


@pytest.mark.parametrize("suffix", ["wav", "au"])
def test_gtzan_with_filtered_lists(tmp_path: Path, suffix: str) -> None:
    folder = _folder(tmp_path, *(f"{g}/{g}.0000{n}.{suffix}" for g in "ab" for n in range(4)))
    lists = _lists(tmp_path / "lists", GTZAN_LISTS)
    expected = {
        f"{genre}/{genre}.0000{n}": f"{genre}/{split}"
        for genre in "ab"
        for n, split in enumerate(("train", "validation", "test"))
    }
    for splits in ([tmp_path / "lists"], lists, lists[::-1]):
        found = find_recordings(folder, Labels(splits=splits))
        assert _facts(found) == expected
        assert "1 track has no recording here, such as 'b/b.00009.wav'" in found.notes[0]
        assert "2 recordings are in no split of" in found.notes[1]
    (tmp_path / "lists" / "train_all.txt").write_text("a/a.00003.wav\n")
    message = _refused(folder, Labels(splits=[tmp_path / "lists"]))
    assert "may both be the train split: name the three lists, each with --splits" in message
    message = _refused(folder, Labels(splits=lists[:2]))
    assert "expected three lists of files" in message
    assert message.endswith("Received: train_filtered.txt, valid_filtered.txt.")
    lists[0].write_text("a/a.00001.wav\n")
    message = _refused(folder, Labels(splits=lists))
    assert "valid_filtered.txt, line 1 says something else of 'a/a.00001.wav' than" in message


def test_a_table_of_splits(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "a/1.wav", "a/x.y.wav", "b/1.wav", "b/2.wav")
    table = folder / "splits.csv"
    table.write_text("split,track\ntrain,a/1.wav\nTEST,a/x.y\nval,b/1\n")
    found = find_recordings(folder)
    assert _facts(found) == {"a/1": "a/train", "a/x.y": "a/test", "b/1": "b/validation"}
    assert found.splits == "splits.csv"
    assert "1 recording is in no split of splits.csv and left out, such as b/2.wav." in found.notes
    labels = tmp_path / "labels.csv"
    labels.write_text("path,genre,split\na/1,x,train\nb/1,y,test\n")
    assert "splits.csv state splits: leave one out" in _refused(folder, Labels(labels))
    found = find_recordings(folder, Labels(labels, columns={"split": ""}))
    assert _facts(found) == {"a/1": "x/train", "b/1": "y/validation"}
    for text, words in (
        ("a,b\n1,2\n", "needs a column for path"),
        ("track,split\nx/9,train\n", "names none of the 4 recordings"),
        ("track,split\na/1,spare\n", "line 2: split must be train, validation or test"),
        ("track,split\na/1,train\n\na/1.wav,test\n", "line 4 says something else of 'a/1.wav'"),
    ):
        table.write_text(text)
        assert words in _refused(folder)


def test_names_have_one_spelling(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path, "Fado\u0301/1.wav", "Fad\xf3/2.wav", "hip  hop /3.wav", " hip hop/4.wav"
    )
    found = find_recordings(folder, Labels(exclude=[], merge={" all": ["Fado\u0301 "]}))
    assert {r.genre for r in found.recordings} == {"all", "hip hop"}
    found = find_recordings(folder, Labels(only=["Fad\xf3", "hip\thop"]))
    assert {r.genre for r in found.recordings} == {"Fad\xf3", "hip hop"}
    table = tmp_path / "splits.csv"
    table.write_text("track,split\nFado\u0301/1.wav,train\nFad\xf3/2,test\nhip  hop /3.wav,train\n")
    assert len(find_recordings(folder, Labels(splits=[table])).recordings) == 3


def test_files_that_differ_in_unicode_form_only_are_two(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "Fado\u0301/1.wav", "Fad\xf3/1.wav", "rock/1.wav")
    names = [r.name for r in find_recordings(folder).recordings]
    assert names == ["Fad\xf3/1", "Fad\xf3/1 (2)", "rock/1"]


def test_genres_that_look_alike_are_named(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "hip hop/1.wav", "Hip-Hop/1.wav", "!/1.wav", "?/1.wav")
    assert find_recordings(folder).notes == [
        "The genres 'Hip-Hop' and 'hip hop' look alike: --merge makes one class of them."
    ]


def test_names_that_differ_in_case_only(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "Blues/1.wav", "blues/2.wav", "rock/3.wav")
    assert _refused(folder) == (
        "the genres 'Blues' and 'blues' differ in case only: give them one name, or make one class "
        "of them (--merge blues=Blues,blues on the command line)."
    )
    found = find_recordings(folder, Labels(merge={"blues": ["Blues", "blues"]}))
    assert {r.genre for r in found.recordings} == {"blues", "rock"}
    assert len(find_recordings(folder, Labels(exclude=["Blues"])).recordings) == 2


def test_which_genres(tmp_path: Path) -> None:
    folder = _folder(tmp_path, *(f"{genre}/{n}.wav" for genre in "abcd" for n in range(2)))

    def genres(**options: object) -> set[str]:
        found = find_recordings(folder, Labels(**options))  # type: ignore[arg-type]
        return {recording.genre for recording in found.recordings}

    assert genres(only=["a", "b"]) == {"a", "b"}
    assert genres(exclude=["a"]) == {"b", "c", "d"}
    assert genres(merge={"x": ["a", "b"]}, only=["x", "c", "d"], exclude=["d"]) == {"x", "c"}
    assert "needs 2 to 1000 genres to tell apart. Received: 1 (a)" in _refused(
        folder, Labels(only=["a"])
    )
    message = _refused(folder, Labels(exclude=["A"]))
    assert message == "there is no genre 'A'. Did you mean 'a'? There are: a, b, c, d."


def test_one_name_twice(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "a/1.mp3", "a/1.flac", "a/1.jpg", "a/1.asd", "b/1.mp3")
    assert "two recordings have the same track name" in _refused(folder)
    (folder / "a" / "1.flac").unlink()
    assert [r.name for r in find_recordings(folder).recordings] == ["a/1", "a/1.asd", "b/1"]
