"""Features on disk: what an ended process has left is used where it is whole."""

import dataclasses
from pathlib import Path
from zlib import crc32

import pytest

from data.audio import feature_store
from data.audio.feature_store import FeatureStore
from data.audio.parameters import DOCUMENTED
from data.audio.tracks import Extracted, row_dtype

ROW = row_dtype(DOCUMENTED).itemsize
NOT_ITS_END = KeyboardInterrupt()


def _add(store: FeatureStore, key: str, segments: int = 2) -> Extracted:
    file = store.new_file()
    rows = key.encode()[:1] * (ROW * segments)
    file.write_bytes(b"other rows" + rows)
    made = Extracted(file, 10, segments, crc32(rows), "0" * 64, ("odd",), {"artist": "x"})
    store.add(key, made)
    return made


def _ended(folder: Path, keys: str = "ab") -> list[Extracted]:
    """What a process adds that is then ended."""
    store = FeatureStore(folder, DOCUMENTED).__enter__()
    made = [_add(store, key) for key in keys]
    store.__exit__(NOT_ITS_END)
    return made


def test_the_next_process_finds_it(tmp_path: Path) -> None:
    made = _ended(tmp_path / "store")
    with FeatureStore(tmp_path / "store", DOCUMENTED) as store:
        assert len(store) == 2
        assert [store.find("a"), store.find("b"), store.find("c")] == [*made, None]
    assert not (tmp_path / "store").exists()


def test_it_may_be_ended_again_and_again(tmp_path: Path) -> None:
    for key in "abc":
        _ended(tmp_path / "store", key)
    with FeatureStore(tmp_path / "store", DOCUMENTED) as store:
        assert len(store) == 3
        assert all(store.find(key) for key in "abc")


def test_nothing_is_left_where_nothing_was_added(tmp_path: Path) -> None:
    _ended(tmp_path / "store", "")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("damage", ["cut short", "changed", "gone"])
def test_rows_that_are_not_whole_are_not_used(tmp_path: Path, damage: str) -> None:
    damaged, _ = _ended(tmp_path / "store")
    content = damaged.file.read_bytes()
    if damage == "gone":
        damaged.file.unlink()
    else:
        rest = b"" if damage == "cut short" else b"\0"
        damaged.file.write_bytes(content[:-1] + rest)
    with FeatureStore(tmp_path / "store", DOCUMENTED) as store:
        assert store.find("a") is None
        assert store.find("b") is not None


@pytest.mark.parametrize("lost", range(1, 120, 7))
def test_an_index_that_was_being_written(tmp_path: Path, lost: int) -> None:
    _ended(tmp_path / "store")
    index = tmp_path / "store" / "index.jsonl"
    index.write_bytes(index.read_bytes()[:-lost])
    _ended(tmp_path / "store", "c")
    with FeatureStore(tmp_path / "store", DOCUMENTED) as store:
        assert store.find("a") is not None
        assert store.find("b") is None
        assert store.find("c") is not None


def test_rows_of_tracks_that_were_not_done_are_removed(tmp_path: Path) -> None:
    first, second = _ended(tmp_path / "store")
    whole = first.file.read_bytes()
    first.file.write_bytes(whole + bytes(5000))
    useless = first.file.with_stem("useless")
    useless.write_bytes(bytes(5000))
    with FeatureStore(tmp_path / "store", DOCUMENTED) as store:
        assert first.file.read_bytes() == whole
        assert not useless.exists()
        assert [store.find("a"), store.find("b")] == [first, second]


@pytest.mark.parametrize("content", [b"", b"\0" * 500, b"[]", b"{}", b"\xff"])
def test_an_index_that_is_none(tmp_path: Path, content: bytes) -> None:
    _ended(tmp_path / "store")
    (tmp_path / "store" / "index.jsonl").write_bytes(content)
    with FeatureStore(tmp_path / "store", DOCUMENTED) as store:
        assert len(store) == 0
        assert len(list((tmp_path / "store").iterdir())) == 1


def test_other_parameters_begin_anew(tmp_path: Path) -> None:
    _ended(tmp_path / "store")
    other = dataclasses.replace(DOCUMENTED, segment_samples=16000)
    with FeatureStore(tmp_path / "store", other) as store:
        assert len(store) == 0


def test_other_versions_begin_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _ended(tmp_path / "store")
    monkeypatch.setattr(feature_store, "version", lambda package: "another")
    with FeatureStore(tmp_path / "store", DOCUMENTED) as store:
        assert len(store) == 0
