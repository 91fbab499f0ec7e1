import unicodedata
from dataclasses import replace

import pytest

from data.datasets.artists import artist_key, clean_artist, in_one_spelling
from data.errors import DataError
from tests.conftest import small_dataset

BEYONCE = "Beyonc\u00e9"


@pytest.mark.parametrize(
    "other",
    [
        unicodedata.normalize("NFD", BEYONCE),
        BEYONCE.upper(),
        f"  {BEYONCE}\t",
        f"{BEYONCE}\x00",
        unicodedata.normalize("NFD", BEYONCE.upper()) + "\n",
    ],
)
def test_names_of_one_artist(other: str) -> None:
    assert artist_key(other) == artist_key(BEYONCE)


@pytest.mark.parametrize(("one", "other"), [("A B", "AB"), ("Miles", "Mile"), ("AC/DC", "ACDC")])
def test_names_of_two_artists(one: str, other: str) -> None:
    assert artist_key(one) != artist_key(other)


@pytest.mark.parametrize(
    "name", [None, "", "  ", "\x00\x1b", "Various Artists", "various  artists", "[unknown]", "VA"]
)
def test_names_of_nobody(name: str | None) -> None:
    assert clean_artist(name) == ""


def test_names_are_printable_and_not_endless() -> None:
    assert clean_artist("a\x1b[2Jb\ud800") == "a [2Jb"
    assert clean_artist("x" * 10**6) == "x" * 200
    for name in ("\u0345" * 300, "\u1e9e" * 300, "a " * 300):
        assert clean_artist(clean_artist(name)) == clean_artist(name)


def test_the_spelling_of_most_tracks_is_kept() -> None:
    names = ["the band", "The Band", "The Band ", "THE BAND", None, "Various Artists", "x", "X"]
    assert in_one_spelling(names) == (*["The Band"] * 4, "", "", "X", "X")
    assert in_one_spelling(in_one_spelling(names)) == in_one_spelling(names)


@pytest.mark.parametrize(
    ("artists", "words"),
    [
        (("A", "B"), "an artist a track, 3. Received: 2."),
        (("A", "a", ""), "spell each artist in one way. Received: 'A' and 'a'"),
        (("", "", ""), "name no artist: leave them out"),
        (("A", "", "VA"), "must be empty where no artist is known. Received: 'VA'"),
    ],
)
def test_artists_that_cannot_be(artists: tuple[str, ...], words: str) -> None:
    with pytest.raises(DataError) as caught:
        replace(small_dataset(), track_artists=artists)
    assert words in str(caught.value)


def test_artists_are_content_and_their_absence_is_none() -> None:
    plain = small_dataset()
    named = replace(plain, track_artists=("A", "B", ""))
    assert named.content_sha256 != plain.content_sha256
    assert replace(named, track_artists=("A", "A", "")).content_sha256 != named.content_sha256
    assert replace(named, track_artists=()).content_sha256 == plain.content_sha256
