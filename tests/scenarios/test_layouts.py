"""Folders as they are downloaded or sorted, each built with the one command that docs name."""

import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from data.cli.main import main
from data.datasets.dataset import Dataset
from data.storage import catalogue, hdf5
from tests.conftest import tone
from tests.support.fma import write_tracks_csv
from tests.support.recordings import write_sound

pytestmark = pytest.mark.usefixtures("forked_workers")

GENRES = ("blues", "rock")
SPLITS = ("train", "validation", "test")


def _sound(path: Path, number: int, rate: int = 22050) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_sound(path, tone(2.2, rate, 150.0 + 37 * number), rate)


def _command(line: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, shlex.split(line)[3:])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def _build(line: str) -> tuple[Dataset, str]:
    status, output = _command(f"{line} --name built --workers 1")
    assert status == 0, output
    return hdf5.load(catalogue.path_of("built")), output


def _tracks(dataset: Dataset) -> dict[str, tuple[str, str]]:
    """Genre and split of each track."""
    return {
        dataset.track_names[track]: (dataset.genres[label], split)
        for split, rows in dataset.splits()
        for track, label in zip(rows.track, rows.label, strict=True)
    }


def test_fma(tmp_path: Path) -> None:
    small = tmp_path / "fma_small"
    rows = {}
    for number in range(12):
        track = 2 + 1003 * number
        _sound(small / f"{track // 1000:03d}" / f"{track:06d}.mp3", number, 44100)
        rows[track] = {
            "track.genre_top": ("Hip-Hop", "Rock")[number % 2],
            "set.split": ("training", "validation", "test")[number // 2 % 3],
            "artist.name": f"Artist {number // 2}",
        }
    (small / "checksums").write_text("0" * 40 + "  000/000002.mp3\n")
    (small / "README.txt").write_text("FMA\n")
    write_tracks_csv(tmp_path / "elsewhere" / "tracks.csv", rows | {155320: rows[2]})
    status, output = _command(f"python -m data build {small}")
    assert status == 2
    assert f"python -m data build {small} --labels fma_metadata/tracks.csv" in output
    dataset, output = _build(
        f"python -m data build {small} --labels {tmp_path}/elsewhere/tracks.csv"
    )
    assert dataset.genres == ("Hip-Hop", "Rock")
    assert dataset.track_counts() == {"train": 4, "validation": 4, "test": 4}
    assert "1 track has no recording here, such as '155320'" in output
    assert "12 recordings in fma_small, labels of tracks.csv, 0 left out; split by" in output
    assert "passed over: 1 .txt, 1 without suffix" in output
    (tmp_path / "elsewhere").rename(tmp_path / "fma_metadata")
    again, _ = _build(f"python -m data build {small} --replace")
    assert again.content_sha256 == dataset.content_sha256


def _gtzan(folder: Path, tracks: int = 6, suffix: str = "wav") -> None:
    for place, genre in enumerate(GENRES):
        for number in range(tracks):
            _sound(folder / genre / f"{genre}.{number:05d}.{suffix}", 10 * place + number)


def test_kaggle(tmp_path: Path) -> None:
    original = tmp_path / "archive" / "Data" / "genres_original"
    _gtzan(original)
    (original / "rock" / "rock.00005.wav").write_bytes(np.random.default_rng(0).bytes(5000))
    for genre in GENRES:
        image = original.parent / "images_original" / genre / f"{genre}00000.png"
        image.parent.mkdir(parents=True)
        image.write_bytes(b"\x89PNG")
    for seconds in (3, 30):
        (original.parent / f"features_{seconds}_sec.csv").write_text(
            "filename,length,chroma_stft_mean,label\nblues.00000.wav,661794,0.35,blues\n"
        )
    dataset, output = _build(f"python -m data build {tmp_path / 'archive'}")
    assert dataset.genres == GENRES
    assert len(dataset.track_names) == 11
    assert f"The genres are the folders of {original}." in output.replace("\n", "")
    assert "rock.00005" in output
    again, _ = _build(f"python -m data build {original} --replace")
    assert again.content_sha256 == dataset.content_sha256


def test_gtzan_with_filtered_lists(tmp_path: Path) -> None:
    _gtzan(tmp_path / "genres", suffix="au")
    (tmp_path / "filtered").mkdir()
    for place, name in enumerate(("train", "valid", "test")):
        lines = [f"{g}/{g}.{number:05d}.wav" for g in GENRES for number in (place, place + 3)]
        text = "\n".join(lines[: -1 if name == "train" else None])
        (tmp_path / "filtered" / f"{name}_filtered.txt").write_text(text + "\n")
    dataset, output = _build(f"python -m data build {tmp_path}/genres --splits {tmp_path}/filtered")
    assert _tracks(dataset)["blues/blues.00004"] == ("blues", "validation")
    assert dataset.track_counts() == {"train": 3, "validation": 4, "test": 4}
    assert "left out, such as rock/rock.00003.au" in output.replace("\n", " ")


def test_genre_artist_album(tmp_path: Path) -> None:
    for number in range(12):
        place = Path(GENRES[number % 2], f"Artist {number // 4}", "Album")
        _sound(tmp_path / "music" / place / f"{number}.flac", number)
        (tmp_path / "music" / place / "cover.jpg").touch()
    dataset, output = _build(f"python -m data build {tmp_path}/music")
    assert dataset.genres == GENRES
    assert len(dataset.track_names) == 12
    assert "passed over: 6 .jpg" in output


def test_folders_of_splits(tmp_path: Path) -> None:
    for place, split in enumerate(("train", "val", "test")):
        for number in range(4):
            _sound(
                tmp_path / "music" / split / GENRES[number % 2] / f"{number}.wav",
                4 * place + number,
            )
    dataset, output = _build(f"python -m data build {tmp_path}/music")
    assert dataset.genres == GENRES
    assert _tracks(dataset)["val/rock/1"] == ("rock", "validation")
    status, output = _command(f"python -m data build {tmp_path}/music --name x --seed 3")
    assert status == 2
    assert "splits are those of the names of the folders" in output


def test_folders_of_train_and_test_only(tmp_path: Path) -> None:
    for number in range(24):
        split = "test" if number % 3 == 0 else "train"
        _sound(tmp_path / "music" / GENRES[number % 2] / split / f"{number}.wav", number)
    dataset, output = _build(f"python -m data build {tmp_path}/music")
    assert dataset.track_counts() == {"train": 13, "validation": 3, "test": 8}
    assert all(
        ("/test/" in name) == (split == "test") for name, (_, split) in _tracks(dataset).items()
    )
    assert "No validation split is stated" in output


def test_a_flat_folder_and_a_table(tmp_path: Path, recordings: Callable[..., Path]) -> None:
    for number in range(8):
        _sound(tmp_path / "flat" / f"track {number}.wav", number)
    lines = [f"track {n}.wav;{GENRES[n % 2]};x, y" for n in range(8)]
    (tmp_path / "labels.csv").write_text("\n".join(["Filename;Genre;Notes", *lines]))
    status, output = _command(f"python -m data build {tmp_path}/flat")
    assert status == 2
    assert f"python -m data build {tmp_path}/flat --labels labels.csv" in output
    dataset, _ = _build(f"python -m data build {tmp_path}/flat --labels {tmp_path}/labels.csv")
    assert dataset.genres == GENRES
    assert _tracks(dataset)["track 3"][0] == "rock"
    (tmp_path / "labels.csv").rename(tmp_path / "flat" / "labels.csv")
    again, _ = _build(f"python -m data build {tmp_path}/flat --replace")
    assert again.content_sha256 == dataset.content_sha256


def test_genres_with_too_few_tracks_are_left_out_and_listed(
    recordings: Callable[..., Path],
) -> None:
    folder = recordings({"blues": 4, "rock": 4, "soul": 2, "jazz": 3})
    (folder / "jazz" / "00.wav").write_bytes(b"no audio")
    dataset, output = _build(f"python -m data build {folder}")
    assert dataset.genres == GENRES
    output = output.replace("\n", " ")
    for genre in ("soul", "jazz"):
        assert f"the genre {genre} has 2 usable tracks; train, validation and test" in output
    status, output = _command(f"python -m data build {folder} --name x --only jazz,blues,soul")
    assert status == 2
    assert "fewer than two genres are left: the genre jazz has 2 usable tracks" in output
