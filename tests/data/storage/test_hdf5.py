import contextlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from data.audio.parameters import DOCUMENTED, FeatureParameters
from data.datasets.dataset import Dataset, Split
from data.errors import DataError
from data.files.user_folders import data_folder
from data.storage import hdf5
from data.storage.summary import to_json
from tests.conftest import small_dataset


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "small.h5"
    hdf5.save(small_dataset(), target)
    return target


def test_what_is_saved_is_loaded(path: Path) -> None:
    saved, loaded = small_dataset(), hdf5.load(path)
    assert loaded.genres == saved.genres
    assert loaded.track_names == saved.track_names
    assert loaded.provenance == saved.provenance
    assert loaded.content_sha256 == saved.content_sha256
    for split, rows in saved.splits():
        for name, value in rows.arrays():
            found = getattr(getattr(loaded, split), name)
            np.testing.assert_array_equal(found, value)
            assert found.dtype == value.dtype


def test_artists_are_saved_and_loaded(tmp_path: Path) -> None:
    saved = replace(small_dataset(), track_artists=("Beyonc\u00e9", "", "\u5d14\u5065"))
    hdf5.save(saved, tmp_path / "x.h5")
    loaded = hdf5.load(tmp_path / "x.h5")
    assert loaded.track_artists == saved.track_artists
    assert loaded.content_sha256 == saved.content_sha256
    assert hdf5.summarise(tmp_path / "x.h5").artists == 2
    assert to_json(hdf5.summarise(tmp_path / "x.h5"))["artists"] == 2


@pytest.mark.parametrize(
    ("artists", "words"),
    [
        (["A", "a", ""], "in one way"),
        (["A"], "an artist a track, 3. Received: 1"),
        (["A", "b", ""], "do not match their hash"),
    ],
)
def test_artists_that_were_changed_are_refused(path: Path, artists: list[str], words: str) -> None:
    with h5py.File(path, "a") as file:
        file["track_artists"] = np.array(artists, "S1")
    assert words in _refused(path)


def test_outside_programs_find_what_they_expect(path: Path) -> None:
    with h5py.File(path) as file:
        assert set(file) == {"train", "validation", "test", "track_names"}
        assert list(file.attrs["genres"]) == ["blues", "jazz", "rock"]
        assert file.attrs["schema_version"] == 1
        assert file.attrs["content_sha256"] == small_dataset().content_sha256
        assert file["test/mfcc"].shape == (24, 26)
        assert file["test/mel"].shape == (24, 21, 128)
        assert file["test/start"].attrs["units"] == "seconds"


def test_rows_that_float32_does_not_hold_are_refused_with_file_row_and_value(path: Path) -> None:
    dataset = small_dataset()
    arrays = {split: dict(rows.arrays()) for split, rows in dataset.splits()}
    arrays["test"]["mfcc"][7, 3] = 1e300
    shapes = {s: {name: values.shape for name, values in of.items()} for s, of in arrays.items()}
    hdf5.write(path, dataset.genres, dataset.track_names, {}, shapes, arrays.items(), None)
    message = _refused(path)
    assert message.startswith(
        f"{path} cannot be used: the test split of small: mfcc must be finite"
    )
    assert "Row 7 (counted from 0) holds 1e+300" in message


def test_without_mel(tmp_path: Path) -> None:
    hdf5.save(small_dataset(mel=False), tmp_path / "a.h5")
    assert not hdf5.load(tmp_path / "a.h5").has_mel


def _of_shapes(mfcc: int | None, mel: tuple[int, int] | None) -> Dataset:
    """A dataset with features of other shapes."""
    rng = np.random.default_rng(0)

    def changed(rows: Split) -> Split:
        n = len(rows)
        return replace(
            rows,
            mfcc=None if mfcc is None else rng.standard_normal((n, mfcc)),
            mel=None if mel is None else rng.uniform(-80, 0, (n, *mel)).astype(np.float32),
        )

    dataset = small_dataset()
    splits = {split: changed(rows) for split, rows in dataset.splits()}
    return replace(dataset, parameters=None, **splits)


@pytest.mark.parametrize(
    ("mfcc", "mel", "version"),
    [(26, (21, 128), 1), (26, None, 1), (40, None, 2), (26, (60, 64), 2), (None, (21, 128), 2)],
)
def test_features_of_any_shape_are_loaded(
    tmp_path: Path, mfcc: int | None, mel: tuple[int, int] | None, version: int
) -> None:
    path, saved = tmp_path / "a.h5", _of_shapes(mfcc, mel)
    hdf5.save(saved, path)
    loaded, summary = hdf5.load(path), hdf5.summarise(path)
    assert loaded.content_sha256 == summary.content_sha256 == saved.content_sha256
    assert loaded.shapes == summary.shapes == saved.shapes
    assert loaded.parameters is None, "they are not known"
    rows = hdf5.RowReader.of(path).read("test", 3, 5)
    assert rows.shapes == saved.shapes
    assert hdf5.load(path, with_mel=False).shapes.keys() == ({"mfcc"} if mfcc else {"mel"})
    with h5py.File(path) as file:
        assert file.attrs["schema_version"] == version, "the lowest whose programs read it"


def test_parameters_are_kept(tmp_path: Path) -> None:
    parameters = FeatureParameters.of(seconds=3, mels=64, mfcc=20)
    saved = _of_shapes(*parameters.mfcc_shape, parameters.mel_shape)
    hdf5.save(replace(saved, parameters=parameters), tmp_path / "a.h5")
    assert hdf5.load(tmp_path / "a.h5").parameters == parameters
    with pytest.raises(DataError, match=r"parameters give: mfcc \(26,\), mel \(21, 128\)"):
        replace(saved, parameters=DOCUMENTED)


@pytest.mark.parametrize("text", [None, DOCUMENTED.to_json()])
def test_older_files_have_the_documented_parameters(path: Path, text: str | None) -> None:
    with h5py.File(path, "a") as file:
        del file.attrs["features"]
        if text is not None:
            file.attrs["features"] = text
    assert hdf5.load(path).parameters == DOCUMENTED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("words", "'words' says nothing of its features"),
        ("[1]", "says nothing of its features"),
        ('{"sample_rate_hz": 16000}', "says nothing of its features"),
        (DOCUMENTED.to_json().replace('_hz": 8000', '_hz": "8000"'), "rate must be"),
        (DOCUMENTED.to_json().replace('frame_samples": 400', 'frame_samples": 0'), "frame must be"),
        (FeatureParameters.of(mels=64).to_json(), "the shapes that their parameters give"),
    ],
)
def test_parameters_that_cannot_be(path: Path, text: str, words: str) -> None:
    with h5py.File(path, "a") as file:
        file.attrs["features"] = text
    assert words in _refused(path)


def _refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        hdf5.load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    assert "there is no dataset file" in _refused(tmp_path / "none.h5")


def test_no_hdf5_file(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_text("words")
    assert "no HDF5 dataset file" in _refused(tmp_path / "a.h5")


def test_another_programs_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = [1]
    assert "no dataset of ours" in _refused(tmp_path / "a.h5")


def test_a_newer_schema(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file.attrs["schema_version"] = 3
    assert "schema version 3" in _refused(path)


def test_a_cut_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100_000])
    assert "damaged" in _refused(path)


def test_a_flipped_bit(path: Path) -> None:
    with h5py.File(path) as file:
        offset = file["train/mfcc"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[offset + 3] ^= 1
    path.write_bytes(content)
    assert "do not match their hash" in _refused(path)


def test_bytes_flipped_anywhere_are_noticed_or_harmless(path: Path) -> None:
    original = path.read_bytes()
    expected = small_dataset().content_sha256
    for place in np.random.default_rng(0).integers(0, 20_000, 150).tolist():
        content = bytearray(original)
        content[place] ^= 0xFF
        path.write_bytes(content)
        with contextlib.suppress(DataError):  # anything else would be a traceback for the user
            assert hdf5.load(path).content_sha256 == expected


def _replace(path: Path, name: str) -> h5py.File:
    file = h5py.File(path, "a")
    del file[name]
    return file


def test_an_external_link(path: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.zeros((24, 26))
    with _replace(path, "test/mfcc") as file:
        file["test/mfcc"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
    assert "links are not followed" in _refused(path)


def test_a_soft_link(path: Path) -> None:
    with _replace(path, "test/mfcc") as file:
        file["test/mfcc"] = h5py.SoftLink("/validation/mfcc")
    assert "links are not followed" in _refused(path)


def test_external_storage(path: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(24 * 26 * 8))
    with _replace(path, "test/mfcc") as file:
        file.create_dataset(
            "test/mfcc", (24, 26), "<f8", external=[(str(tmp_path / "raw"), 0, h5py.h5f.UNLIMITED)]
        )
    assert "in other files" in _refused(path)


def test_a_virtual_dataset(path: Path) -> None:
    layout = h5py.VirtualLayout((24, 26), "<f8")
    layout[:] = h5py.VirtualSource(str(path), "validation/mfcc", (24, 26))
    with _replace(path, "test/mfcc") as file:
        file.create_virtual_dataset("test/mfcc", layout)
    assert "in other files" in _refused(path)


def test_a_shape_that_does_not_fit_the_file(path: Path) -> None:
    with _replace(path, "test/mfcc") as file:
        file.create_dataset("test/mfcc", (10**12, 26), "<f8", chunks=(1000, 26))
    assert "announces 208000000000000 bytes" in _refused(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("test/mfcc", np.zeros((24, 26), np.float32)),
        ("test/mel", np.zeros((24, 128, 21), np.float32)),
        ("test/label", np.zeros((24, 1), np.int64)),
        ("test/label", np.full(24, 7)),
        ("test/track", np.array([b"x"] * 24)),
        ("test/extra", np.zeros(3)),
    ],
)
def test_arrays_that_are_not_ours(path: Path, name: str, value: np.ndarray) -> None:
    with h5py.File(path, "a") as file:
        if name in file:
            del file[name]
        file[name] = value
    assert name.split("/")[1] in _refused(path)


def test_a_missing_split(path: Path) -> None:
    with _replace(path, "validation"):
        pass
    assert "lacks 'validation'" in _refused(path)


def test_files_follow_the_users_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        hdf5.save(small_dataset(), tmp_path / "a.h5")
    finally:
        os.umask(before)
    assert (tmp_path / "a.h5").stat().st_mode & 0o777 == 0o600


def test_a_sparse_file_of_absurd_size(path: Path) -> None:
    with _replace(path, "test/mfcc") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.CONTIGUOUS)
        plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple((10**10, 26))
        h5py.h5d.create(file["test"].id, b"mfcc", h5py.h5t.IEEE_F64LE, space, plist)
    assert "damaged" in _refused(path)


def test_summary_says_what_there_is(path: Path) -> None:
    summary = hdf5.summarise(path)
    assert summary.rows == {"train": 48, "validation": 24, "test": 24}
    assert (summary.tracks, summary.has_mel) == (3, True)
    json.dumps(dict(summary.provenance))


def test_a_disk_that_fills_while_writing_leaves_nothing(tmp_path: Path) -> None:
    script = f"""
import resource, signal, sys
from dataclasses import replace
from pathlib import Path
from data.storage import hdf5
from data.audio.parameters import DOCUMENTED, FeatureParameters
from data.datasets.dataset import Dataset, Split
from data.errors import DataError
from tests.conftest import small_dataset
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    hdf5.save(small_dataset(), Path({str(tmp_path / "x.h5")!r}))
except DataError as error:
    print(error)
    sys.exit(2)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "no space left" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_replacing_keeps_the_old_file_when_writing_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()
    monkeypatch.setattr(
        hdf5,
        "content_hash",
        lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    with pytest.raises(DataError, match="no space left"):
        hdf5.save(small_dataset(), path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["small.h5"]


def test_a_folder_of_a_user_that_is_unknown_is_a_path_like_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GENRE_TUI_DATA", "~nobody-at-all/datasets")
    assert data_folder() == Path("~nobody-at-all/datasets")


# Single rows.


@pytest.mark.parametrize("mel", [True, False])
def test_rows_are_those_of_the_dataset(tmp_path: Path, mel: bool) -> None:
    dataset, path = small_dataset(mel=mel), tmp_path / "small.h5"
    hdf5.save(dataset, path)
    reader = hdf5.RowReader.of(path)
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
    reader = hdf5.RowReader.of(path)
    for begin, end in ((23, 25), (-1, 1), (5, 3)):
        with pytest.raises(DataError, match="has no test rows"):
            reader.read("test", begin, end)
    path.unlink()
    with pytest.raises(DataError, match="there is no dataset file"):
        reader.read("test", 0, 1)


def test_a_file_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.h5"
    hdf5.save(small_dataset(), path)
    reader = hdf5.RowReader.of(path)
    with h5py.File(path, "r+") as file:
        del file["test/label"]
        file["test/label"] = h5py.SoftLink("/train/label")
    with pytest.raises(DataError, match="links are not followed"):
        reader.read("test", 0, 1)
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="no HDF5 dataset file"):
        hdf5.RowReader.of(path)
