"""Datasets in a line each, their cards and audits, as threads read them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data import import_dataset
from data.audio.parameters import DOCUMENTED
from data.errors import DataError
from data.storage import catalogue, hdf5
from genre_tui.datasets import audits
from genre_tui.model import dataset_rows
from tests.conftest import small_dataset
from tests.genre_tui.datasets.test_screen import FOUND


@pytest.fixture(autouse=True)
def stored() -> None:
    """Two datasets and a damaged one."""
    hdf5.save(small_dataset("mine"), catalogue.path_of("mine"))
    hdf5.save(small_dataset("plain", mel=False), catalogue.path_of("plain"))
    content = catalogue.path_of("mine").read_bytes()
    catalogue.path_of("torn").write_bytes(content[: len(content) // 2])


def test_datasets_in_a_line_each() -> None:
    found = dataset_rows.read_datasets()
    assert [line.name for line in found.lines] == ["demo", "mine", "plain", "torn"]
    assert found.default == "demo"
    demo, mine, plain, torn = found.lines
    assert (demo.is_made, demo.rows, demo.shapes) == (False, (3200, 800, 1376), DOCUMENTED.shapes)
    assert (mine.rows, mine.tracks, mine.shapes) == ((48, 24, 24), 3, DOCUMENTED.shapes)
    assert mine.genres == ("blues", "jazz", "rock")
    assert mine.size == mine.path.stat().st_size
    assert plain.summary == "96 rows, MFCC only"
    assert mine.key != plain.key
    assert "damaged" in torn.problem
    assert torn.summary == "cannot be used"


def test_imported_features_are_not_called_ours(tmp_path: Path) -> None:
    np.savez(tmp_path / "theirs.npz", X=np.eye(24), y=np.array(["a", "b"] * 12), track=range(24))
    import_dataset(tmp_path / "theirs.npz")
    line = dataset_rows.read_datasets().line("theirs")
    assert line is not None
    assert (line.kind, line.summary) == ("arrays", "24 rows, imported columns only")
    assert dataset_rows.card(line).about["features"] == "imported columns (24)"


def test_a_file_that_is_none_of_the_catalogues_is_a_line_too(tmp_path: Path) -> None:
    path = tmp_path / "else.h5"
    hdf5.save(small_dataset(), path)
    line = dataset_rows.read_datasets(str(path)).line(str(path))
    assert line is not None
    assert line.rows == (48, 24, 24)
    gone = dataset_rows.read_datasets(str(tmp_path / "gone.h5")).lines[-1]
    assert gone.problem.startswith("there is no file ")
    assert len(dataset_rows.read_datasets("mine").lines) == 4


def test_a_dataset_that_changes_is_read_again() -> None:
    before = dataset_rows.read_datasets().line("mine")
    hdf5.save(small_dataset("mine", rows=60), catalogue.path_of("mine"))
    after = dataset_rows.read_datasets().line("mine")
    assert before is not None
    assert after is not None
    assert (before.rows[0], after.rows[0]) == (48, 60)
    assert before.key != after.key


def test_a_demo_of_another_version_counts_as_not_made() -> None:
    for version, is_made in ((0, False), (1, True)):
        dataset = replace(small_dataset(), provenance={"kind": "demo", "version": version})
        hdf5.save(dataset, catalogue.path_of("demo"))
        line = dataset_rows.read_datasets().line("demo")
        assert line is not None
        assert line.is_made is is_made


def test_a_card_counts_without_reading_spectrograms(monkeypatch: pytest.MonkeyPatch) -> None:
    line = dataset_rows.read_datasets().line("mine")
    assert line is not None
    read: list[Any] = []
    load = hdf5.load

    def recording(*arguments: Any, **options: Any) -> Any:
        read.append(load(*arguments, **options))
        return read[-1]

    monkeypatch.setattr(hdf5, "load", recording)
    card = dataset_rows.card(line)
    assert not read[0].has_mel
    assert card.counts[0] == ("blues", "16", "8", "8", "32")
    assert card.counts[-2:] == (
        ("segments", "48", "24", "24", "96"),
        ("tracks", "1", "1", "1", "3"),
    )
    assert card.about["features"] == "MFCC statistics (26), mel-spectrograms (21 x 128)"
    assert line.sha256[:16] in card.about["content"]


def test_a_file_that_goes_before_its_card_is_read_is_a_sentence() -> None:
    line = dataset_rows.read_datasets().line("mine")
    assert line is not None
    line.path.unlink()
    with pytest.raises(DataError, match="there is no dataset file"):
        dataset_rows.card(line)


def test_an_audit_is_read_with_the_worst_first_and_made_harmless() -> None:
    audit = audits.parse_audit(json.dumps(FOUND))
    assert [found.severity for found in audit] == ["leak", "warning", "fine"]
    assert audit[1].sentence == "One \x1b[2Jrow."
    assert audits.verdict(audit) == "1 leak, 1 warning."
    assert audits.verdict(audits.parse_audit('{"findings": []}')) == "no leaks, no warnings."
    for text in ("", "{}", "[]", '{"findings": [3]}'):
        with pytest.raises(ValueError, match=r"."):
            audits.parse_audit(text)
