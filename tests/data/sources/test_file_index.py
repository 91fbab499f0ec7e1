from pathlib import Path

import pytest

from data.errors import DataError
from data.sources.audio_files import AudioFile, audio_files, without_suffix
from data.sources.file_index import FileIndex


def _index(*paths: str) -> FileIndex:
    return FileIndex(AudioFile(Path(path), tuple(path.split("/"))) for path in paths)


@pytest.mark.parametrize(
    ("track", "file"),
    [
        ("blues/blues.00029.wav", "blues/blues.00029.wav"),
        ("blues/blues.00029.au", "blues/blues.00029.wav"),  # converted
        ("blues/blues.00029", "blues/blues.00029.wav"),
        ("blues.00029", "blues/blues.00029.wav"),
        ("./blues/blues.00029.wav", "blues/blues.00029.wav"),
        ("/media/gtzan/genres/blues/blues.00029.wav", "blues/blues.00029.wav"),
        ("C:\\gtzan\\blues\\blues.00029.wav", "blues/blues.00029.wav"),
        ("2", "000/000002.mp3"),
        ("2.0", "000/000002.mp3"),
        ("000002", "000/000002.mp3"),
        ("000/000002.mp3", "000/000002.mp3"),
        ("song", "x/song.mp3"),
        ("song.mp3", "x/song.mp3"),
        ("song.asd", "x/song.asd"),
        ("Cafe\u0301", "x/Café.mp3"),
        ("Mr. Smith", "x/Mr. Smith"),
        ("3", None),
        ("rock/blues.00029.wav", None),  # another folder's
        ("music/top.wav", "top.wav"),
        ("blues/top.wav", None),
        ("blues", None),
        ("blues.00028", None),
        ("..", None),
    ],
)
def test_what_a_track_is_called(track: str, file: str | None) -> None:
    index = _index(
        "blues/blues.00029.wav",
        "000/000002.mp3",
        "x/song.asd",
        "x/song.mp3",
        "x/Café.mp3",
        "x/Mr. Smith",
        "top.wav",
    )
    found = index.find(track)
    assert (found and str(found.path)) == file


def test_a_name_in_two_folders_is_not_guessed() -> None:
    index = _index("a/01.mp3", "b/01.mp3", "02/x.mp3", "2.mp3", "02.mp3")
    for track in ("01", "01.mp3", "1"):
        with pytest.raises(DataError, match=r"may be a/01.mp3 or b/01.mp3: write the path"):
            index.find(track)
    assert str(index.find("b/01")) == str(index.find("b/01.mp3"))
    with pytest.raises(DataError, match=r"'0002' may be 2.mp3 or 02.mp3"):
        index.find("0002")


def test_rows_are_matched_and_counted() -> None:
    index = _index("a/1.mp3", "a/2.mp3")
    values, notes = index.match("x.csv", [("line 2", "1", "p"), ("line 3", "3", "q")])
    assert {str(file.path): value for file, value in values.items()} == {"a/1.mp3": "p"}
    assert notes == ["x.csv: 1 track has no recording here, such as '3'."]
    values, notes = index.match("x", [("l", "1", "p"), ("m", "a/1.mp3", "p"), ("n", "2", "p")])
    assert len(values) == 2
    assert notes == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("line 2", "x9", "p")], "x.csv names none of the 2 recordings: its first track is 'x9'"),
        ([], "x.csv: there is no track in it."),
        ([("line 2", "1", "p"), ("line 3", "1.wav", "q")], "line 3 says something else of '1.wav'"),
    ],
)
def test_rows_that_cannot_be(rows: list[tuple[str, str, str]], words: str) -> None:
    with pytest.raises(DataError) as caught:
        _index("a/1.mp3", "a/2.mp3").match("x.csv", rows)
    assert words in str(caught.value)


def test_suffixes() -> None:
    assert without_suffix("blues.00029.wav") == "blues.00029"
    assert without_suffix("a.3gp") == "a"
    for name in ("blues.00029", "Mr. Smith", "No. 5", "x"):
        assert without_suffix(name) == name


def test_names_on_the_disk_are_composed(tmp_path: Path) -> None:
    (tmp_path / "Fado\u0301").mkdir()
    (tmp_path / "Fado\u0301" / "cafe\u0301.wav").touch()
    (file,), _ = audio_files(tmp_path)
    assert file.parts == ("Fadó", "café.wav")
    assert file.path.exists()
