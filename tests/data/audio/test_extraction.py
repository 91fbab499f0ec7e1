"""The worker processes that compute features: what crashes, hangs or is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from data.audio import extraction_worker
from data.audio.extraction import extract
from data.audio.feature_store import FeatureStore
from data.audio.features import mel_spectrograms, mfcc_statistics
from data.audio.parameters import DOCUMENTED
from data.audio.tracks import Extracted, Skipped, Track
from data.errors import DataError

ROOT = Path(__file__).parents[3]


@dataclass
class Made:
    """A track of noise that something happens to after its first block."""

    name: str
    happens: Callable[[Path], None] | None = None
    folder: Path = Path()
    blocks: int = 2
    notes: tuple[str, ...] = ()
    weight = 1
    kind = "made"

    @property
    def key(self) -> str:
        return self.name

    def tags(self) -> dict[str, str]:
        return {"artist": f"the {self.name}s"}

    def segments(self, _: object, note: Callable[[str], None]) -> Iterator[np.ndarray]:
        for block in self.sound():
            yield block
            if self.happens:
                self.happens(self.folder)
        for sentence in self.notes:
            note(sentence)

    def sound(self) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(list(self.name.encode()))
        for _ in range(self.blocks):
            yield rng.integers(-9999, 9999, (2, 8000)).astype(np.int16)


def exits(_: Path) -> None:
    os._exit(9)


def crashes(_: Path) -> None:
    os.kill(os.getpid(), signal.SIGTRAP)


def crashes_once(folder: Path) -> None:
    if not (folder / "crashed").exists():
        (folder / "crashed").touch()
        os.kill(os.getpid(), signal.SIGKILL)


def is_killed(_: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def computes_for_ever(_: Path) -> None:
    while True:
        pass


def waits_for_ever(_: Path) -> None:
    time.sleep(3600)


def computes_slowly(_: Path) -> None:
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass


def raises(_: Path) -> None:
    raise ZeroDivisionError("what decoders say")


def is_damaged(_: Path) -> None:
    raise DataError("It is damaged.")


def _extract(
    tracks: list[Made], folder: Path, workers: int = 2
) -> tuple[dict[str, Extracted | Skipped], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Results, and the rows of those that have some."""
    results: dict[str, Extracted | Skipped] = {}
    rows = {}

    def progress(track: Track, result: Extracted | Skipped, seconds: float) -> None:
        assert track.name not in results
        assert seconds >= 0
        results[track.name] = result

    with FeatureStore(folder / "store", DOCUMENTED) as store:
        extract(tracks, store, workers, progress)
        for name, result in results.items():
            if isinstance(result, Extracted):
                (found,) = result.rows(DOCUMENTED, 999)
                rows[name] = found["mfcc"].copy(), found["mel"].copy()
    assert not (folder / "store").exists()
    return results, rows


def _check_rows(tracks: list[Made], rows: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    for track in tracks:
        segments = np.concatenate(list(track.sound()))
        mfcc, mel = rows[track.name]
        np.testing.assert_array_equal(mfcc, mfcc_statistics(segments))
        np.testing.assert_array_equal(mel, mel_spectrograms(segments))


@pytest.mark.usefixtures("forked_workers")
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (exits, "broken crashes its decoder (exit code 9)"),
        (crashes, "broken crashes its decoder (SIGTRAP)"),
        (is_killed, "SIGKILL, often want of memory"),
        (raises, "broken cannot be decoded (ZeroDivisionError('what decoders say'))"),
        (is_damaged, "It is damaged."),
        (computes_for_ever, "broken keeps its decoder busy for ever"),
        (waits_for_ever, "broken keeps its decoder busy for ever"),
    ],
)
def test_it_costs_that_track_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[Path], None],
    words: str,
    workers: int,
) -> None:
    monkeypatch.setattr(extraction_worker, "_CPU_SECONDS", 0.5)
    monkeypatch.setattr(
        extraction_worker, "_WALL_SECONDS", 0.5 if happens is waits_for_ever else 60
    )
    whole = [Made(name) for name in "abcdefgh"]
    results, rows = _extract([*whole[:3], Made("broken", happens), *whole[3:]], tmp_path, workers)
    broken = results.pop("broken")
    assert isinstance(broken, Skipped)
    assert broken.is_audio
    assert words in broken.reason
    assert results.keys() == set("abcdefgh")
    _check_rows(whole, rows)


@pytest.mark.usefixtures("forked_workers")
def test_many_that_crash(tmp_path: Path) -> None:
    whole = [Made(f"whole {number}") for number in range(6)]
    broken = [Made(f"broken {number}", exits) for number in range(6)]
    mixed = [track for pair in zip(broken, whole, strict=True) for track in pair]
    results, rows = _extract(mixed, tmp_path)
    assert results.keys() == {track.name for track in mixed}
    assert rows.keys() == {track.name for track in whole}
    _check_rows(whole, rows)


@pytest.mark.usefixtures("forked_workers")
def test_a_worker_that_was_killed_by_something_else_costs_nothing(tmp_path: Path) -> None:
    tracks = [Made("a", crashes_once, tmp_path), Made("b")]
    _, rows = _extract(tracks, tmp_path)
    _check_rows(tracks, rows)


@pytest.mark.usefixtures("forked_workers")
def test_slow_sound_is_no_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction_worker, "_CPU_SECONDS", 1.0)
    tracks = [Made("a", computes_slowly, blocks=8)]  # 2.4 seconds for 16 seconds of sound
    _, rows = _extract(tracks, tmp_path)
    _check_rows(tracks, rows)


@pytest.mark.usefixtures("forked_workers")
def test_sound_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction_worker, "_LONGEST", 3600)
    results, _ = _extract([Made("a", blocks=10**9), Made("b")], tmp_path)
    assert "a does not end: 1 hours" in results["a"].reason  # type: ignore[union-attr]
    assert isinstance(results["b"], Extracted)


@pytest.mark.usefixtures("forked_workers")
def test_notes_and_tags_arrive(tmp_path: Path) -> None:
    results, _ = _extract([Made("a", notes=("It is odd.",))], tmp_path)
    assert isinstance(results["a"], Extracted)
    assert results["a"].notes == ("It is odd.",)
    assert results["a"].tags == {"artist": "the as"}


@pytest.mark.usefixtures("forked_workers")
def test_a_folder_that_cannot_be_written_ends_it(tmp_path: Path) -> None:
    class Full(FeatureStore):
        def new_file(self) -> Path:
            return tmp_path / "none" / "x.rows"

    with (
        Full(tmp_path / "store", DOCUMENTED) as store,
        pytest.raises(DataError, match=r"x\.rows cannot be written"),
    ):
        extract([Made("a")], store, 2, lambda *_: None)


SCRIPT = """
import sys
from pathlib import Path
from data.audio.extraction import extract
from data.audio.feature_store import FeatureStore
from data.audio.parameters import DOCUMENTED
from tests.data.audio.test_extraction import Made, writes_down

folder = Path(sys.argv[1])
with FeatureStore(folder / "store", DOCUMENTED) as store:
    extract([Made(name, writes_down, folder) for name in "ab"], store, 2, print)
"""


def writes_down(folder: Path) -> None:
    """The process, and never ends."""
    (folder / f"{os.getpid()}.pid").touch()
    time.sleep(3600)


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT) as parent:
        try:
            _wait_until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
        finally:
            parent.kill()
    workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
    try:
        _wait_until(lambda: not any(map(_lives, workers)))
    finally:
        for pid in filter(_lives, workers):
            os.kill(pid, 9)
