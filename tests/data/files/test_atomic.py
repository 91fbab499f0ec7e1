"""Files that are there whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from data.errors import DataError
from data.files.atomic import commit


def test_what_is_no_plain_file_is_not_replaced(tmp_path: Path) -> None:
    pipe, folder, link = tmp_path / "pipe", tmp_path / "folder", tmp_path / "link"
    os.mkfifo(pipe)
    folder.mkdir()
    link.symlink_to("/dev/null")
    for path in (pipe, folder, link):
        refused = pytest.raises(DataError, match=f"^{path} is no plain file.* Name another file")
        with refused, commit(path) as temporary:
            temporary.write_text("text")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [folder, link, pipe]
    with commit(tmp_path / "file") as temporary:
        temporary.write_text("first")
    with commit(tmp_path / "file") as temporary:
        temporary.write_text("second")
    assert (tmp_path / "file").read_text() == "second"
