from dataclasses import replace
from pathlib import Path

import pytest

from data.storage import hdf5
from data.storage.summary import describe
from tests.support.tracks import dataset_of_tracks


@pytest.mark.parametrize(
    ("artists", "says"),
    [
        (("A", "B", "C", "D", "E") * 3, "5, none of them in two splits"),
        (("A", "A", "A", "D", "A") * 3, "2, 1 of them in two splits"),
        (("A", "", "", "", "") * 3, "1, none of them in two splits; 12 tracks name none"),
        ((), None),
    ],
)
def test_artists_have_a_line_where_they_are_known(
    tmp_path: Path, artists: tuple[str, ...], says: str | None
) -> None:
    dataset = replace(dataset_of_tracks(tracks=5), track_artists=artists)
    hdf5.save(dataset, tmp_path / "x.h5")
    lines = describe(dataset, hdf5.summarise(tmp_path / "x.h5"), tmp_path / "x.h5")
    assert lines.get("artists") == says
