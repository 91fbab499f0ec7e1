"""Tables of labels as people have them: delimiters, encodings, columns, and what cannot be."""

from pathlib import Path

import pytest

from data.errors import DataError
from data.sources.label_table import LabelTable, Row, read_table
from tests.support.fma import write_tracks_csv


def _read(tmp_path: Path, text: str | bytes, **columns: str) -> LabelTable:
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, columns)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_any_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = (
        ("Path", "Genre", "Note"),
        ("a/1.wav", " hip  hop ", "x"),
        ("", "", ""),
        ("b.mp3", "é", ""),
    )
    text = "\r\n".join(delimiter.join(cells) for cells in rows)
    table = _read(tmp_path, text.encode(encoding))
    assert table.rows == [Row(2, "a/1.wav", "hip hop", None, ""), Row(4, "b.mp3", "é", None, "")]
    assert dict(table.columns) == {"path": "Path", "label": "Genre"}
    assert table.notes == ()


def test_a_delimiter_in_quotes_is_none(tmp_path: Path) -> None:
    table = _read(tmp_path, 'file;label;tempo\n"a;1.wav";"x ""y""";120,5\n"a\nb.wav";z;1\n')
    assert [row[:3] for row in table.rows] == [(2, "a;1.wav", 'x "y"'), (4, "a\nb.wav", "z")]


def test_the_delimiter_that_excel_states_is_no_header(tmp_path: Path) -> None:
    assert _read(tmp_path, "sep=;\npath;genre\n1;a\n").rows[0].label == "a"


def test_windows_1252_is_read_and_said(tmp_path: Path) -> None:
    table = _read(
        tmp_path, "path;genre\n1.wav;Schlager\n2.wav;Chanson fran\xe7aise\n".encode("cp1252")
    )
    assert [row.label for row in table.rows] == ["Schlager", "Chanson française"]
    assert "was read as Windows-1252 (Latin-1): '2.wav;Chanson française'" in table.notes[0]


def test_composed_and_decomposed_labels_are_one(tmp_path: Path) -> None:
    table = _read(tmp_path, "path,genre\n1,Fado\u0301\n2,Fad\xf3\n")
    assert {row.label for row in table.rows} == {"Fadó"}


def test_splits_and_artists_are_read(tmp_path: Path) -> None:
    table = _read(tmp_path, "id,class,set,artist_name\n1,a,Training,X  Y\n2,a,VAL,nan\n3,b,test,\n")
    assert [row[1:] for row in table.rows] == [
        ("1", "a", "train", "X Y"),
        ("2", "a", "validation", ""),
        ("3", "b", "test", ""),
    ]


def test_empty_labels_are_empty_and_an_empty_split_column_is_none(tmp_path: Path) -> None:
    table = _read(tmp_path, "path,genre,split\n1,,\n2,nan,\n3,N/A,\n4,a,\n")
    assert [row.label for row in table.rows] == ["", "", "", "a"]
    assert "split" not in table.columns


def test_columns_are_chosen_by_hand(tmp_path: Path) -> None:
    text = "file,Genre Top,genre,mood,subset\n1.wav,a,b,c,small\n"
    columns = {"label": "genre_top", "split": ""}
    assert _read(tmp_path, text, **columns).rows == [Row(2, "1.wav", "a", None, "")]
    text = "x|y\n1.wav|a\n"
    assert _read(tmp_path, text, path="x", label="Y").rows == [Row(2, "1.wav", "a", None, "")]


def test_fma_as_it_is_downloaded(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    facts = {
        "artist.name": "AWOL",
        "artist.bio": 'A "long" text,\nof two lines',
        "set.split": "training",
        "set.subset": "small",
        "track.genre_top": "Hip-Hop",
        "track.genres": "[21]",
        "track.title": "Food",
    }
    write_tracks_csv(path, {2: facts})
    assert path.read_text().splitlines()[2] == "track_id" + 52 * ","
    table = read_table(path, {})
    assert table.rows == [Row(5, "2", "Hip-Hop", "train", "AWOL")]
    assert dict(table.columns) == {
        "path": "track_id",
        "label": "track.genre_top",
        "split": "set.split",
        "artist": "artist.name",
    }
    with pytest.raises(DataError, match=r"expected one genre a track. Received: '\[21\]'"):
        read_table(path, {"label": "genres"})


def test_an_unnamed_index_column_is_no_header_row(tmp_path: Path) -> None:
    assert _read(tmp_path, ",path,label\n0,1.wav,a\n1,2.wav,b\n").rows == [
        Row(2, "1.wav", "a", None, ""),
        Row(3, "2.wav", "b", None, ""),
    ]


@pytest.mark.parametrize(
    ("text", "columns", "words"),
    [
        ("", {}, "needs a column for path (path, filepath, file_path, filename) and label"),
        ("a,b\n1,2\n", {}, "choose it, --columns path=NAME,label=NAME. It has: a, b."),
        ("path,x\n1,2\n", {}, "needs a column for label (label, genre, "),
        ("path,genre\n", {}, "has no rows below its header"),
        ("path,genre,label\n1,a,0\n", {}, "has the columns label and genre: choose which"),
        ("path,genre\n1,a\n", {"label": "mood"}, "has no column 'mood'. It has: path, genre."),
        ("path,genre\n1,a\n", {"mood": "x"}, "can be chosen for path, label, split, artist."),
        ("path,genre\n1,a,b\n", {}, "line 2: a row must have 2 cells, as the header. Received: 3."),
        ("path,genre\n,a\n", {}, "line 2 names no file"),
        ("path,genre,split\n1,a,spare\n", {}, "line 2: split must be train, validation or test"),
        ("path;genre\n1;['a', 'b']\n", {}, "expected one genre a track"),
        ('path,genre\n1,"a\n2,b\n', {}, "line 3 cannot be read as a row of a CSV file"),
        (b"path,genre\n1,\x81\n", {}, "cannot be read as text"),
        (b"\xff\xfe\x00", {}, "cannot be read as text"),
        (b"PK\x03\x04rest", {}, "is an Excel workbook or an archive: save it as a CSV file"),
        ("path,genre,genre\n1,a,b\n", {}, "has two columns 'genre': rename one"),
    ],
)
def test_tables_that_cannot_be(
    tmp_path: Path, text: str | bytes, columns: dict[str, str], words: str
) -> None:
    with pytest.raises(DataError) as caught:
        _read(tmp_path, text, **columns)
    assert words in str(caught.value)


def test_a_table_that_is_no_file(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.csv", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(DataError, match=f"cannot be read: {words}"):
            read_table(path, {})
