"""Only plain files are opened for reading: a pipe would wait for ever."""

import os
from pathlib import Path

import pytest

from data.audio.decoding import stream_segments
from data.errors import DataError
from data.files.plain import plain_file
from data.sources.label_table import read_table
from experiments.design.study_file import read_study
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def test_pipes_devices_and_folders_are_refused_and_links_followed(
    pipe: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(pipe)
    for path in (pipe, link, Path("/dev/zero")):
        with pytest.raises(OSError, match=r"no plain file"):
            open(path, "rb", opener=plain_file).close()
    with pytest.raises(IsADirectoryError):
        open(tmp_path, "rb", opener=plain_file).close()
    link.unlink()
    link.symlink_to(__file__)
    with open(link, encoding="utf-8", opener=plain_file) as file:
        assert file.read(3) == '"""'


def test_a_pipe_in_a_users_folder_is_refused_in_a_sentence(pipe: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"pipe cannot be read: it is no plain file\.$"):
        read_table(pipe, {})
    with pytest.raises(DataError, match=r"pipe cannot be read: it is no plain file\.$"):
        next(stream_segments(pipe))
    with pytest.raises(RunError, match=r"the study .* cannot be read: it is no plain file\.$"):
        read_study(pipe)
    pipe.rename(tmp_path / "run.json")
    with pytest.raises(RunError, match=r"run\.json cannot be read: it is no plain file\.$"):
        RunDirectory(tmp_path).read_manifest()
