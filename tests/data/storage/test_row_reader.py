"""Single rows of a dataset's file."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from data.errors import DataError
from data.storage import hdf5
from data.storage.row_reader import RowReader
from tests.conftest import small_dataset


@pytest.mark.parametrize("mel", [True, False])
def test_rows_are_those_of_the_dataset(tmp_path: Path, mel: bool) -> None:
    dataset, path = small_dataset(mel=mel), tmp_path / "small.h5"
    hdf5.save(dataset, path)
    reader = RowReader.of(path)
    assert reader.track_names == ("a", "b", "c")
    assert reader.content_sha256 == dataset.content_sha256
    rows = reader.read("test", 5, 8)
    for name, value in rows.arrays():
        assert np.array_equal(value, getattr(dataset.test, name)[5:8])
    assert (rows.mel is None) == (not mel)
    assert len(reader.read("validation", 0, 0)) == 0


def test_rows_that_are_not_there_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.h5"
    hdf5.save(small_dataset(), path)
    reader = RowReader.of(path)
    for begin, end in ((23, 25), (-1, 1), (5, 3)):
        with pytest.raises(DataError, match="has no test rows"):
            reader.read("test", begin, end)
    path.unlink()
    with pytest.raises(DataError, match="there is no dataset file"):
        reader.read("test", 0, 1)


def test_a_file_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.h5"
    hdf5.save(small_dataset(), path)
    reader = RowReader.of(path)
    with h5py.File(path, "r+") as file:
        del file["test/label"]
        file["test/label"] = h5py.SoftLink("/train/label")
    with pytest.raises(DataError, match="links are not followed"):
        reader.read("test", 0, 1)
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="no HDF5 dataset file"):
        RowReader.of(path)
