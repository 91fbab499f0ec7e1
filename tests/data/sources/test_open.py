"""Names and files of datasets: what `load_dataset` takes, and `python -m data show`."""

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from data import DataError, load_dataset
from data.cli.main import main
from data.storage import hdf5
from tests.conftest import small_dataset


@pytest.mark.parametrize("name", [5, b"source", ["source"]])
def test_a_name_is_a_text_or_a_path(name: Any) -> None:
    words = f"expected the name of a dataset or the path of its .h5 file.*{re.escape(repr(name))}"
    with pytest.raises(DataError, match=words):
        load_dataset(name)


def test_the_path_of_a_file_may_begin_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    hdf5.save(small_dataset(), tmp_path / "mine.h5")
    assert load_dataset("~/mine.h5").name == "mine"
    assert load_dataset(Path("~/mine.h5")).name == "mine"


def test_a_file_is_shown_as_a_dataset_is(tmp_path: Path) -> None:
    hdf5.save(small_dataset(), tmp_path / "mine.h5")
    result = CliRunner().invoke(main, ["show", str(tmp_path / "mine.h5")])
    assert result.exit_code == 0, result.output
    assert "mine: one-second segments" in result.stdout
    result = CliRunner().invoke(main, ["show", str(tmp_path / "none.h5")])
    assert result.exit_code == 2
    assert "there is no dataset file" in result.output
