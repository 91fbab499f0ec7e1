"""Features of many tracks: what is kept, said and forecast on the way."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from data.audio.decoding import Damage, NotAudio
from data.audio.tracks import Extracted
from data.errors import DataError, NoSpaceError
from data.sources import building
from data.sources.building import Forecast, features_of, grouped
from data.storage import catalogue
from data.terminal.progress import ProgressBar

pytestmark = pytest.mark.usefixtures("forked_workers")


@dataclass(frozen=True)
class Made:
    """A track of noise, with notes; the first is raised where it is an error."""

    name: str
    notes: tuple[str | Exception, ...] = ()
    weight: int = 1
    kind: str = ".wav"
    sound: str = ""
    seconds: int = 2

    @property
    def key(self) -> str:
        return f"{self.name} {self.sound}"

    def tags(self) -> dict[str, str]:
        return {}

    def segments(self, _: object, note: Callable[[str], None]) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(list((self.sound or self.name).encode()))
        yield rng.integers(-9999, 9999, (self.seconds, 8000)).astype(np.int16)
        for said in self.notes:
            if isinstance(said, Exception):
                raise said
            note(said)


def _read(tracks: list[Made], target: Path, *, strict: bool = False) -> list[str]:
    """Names of the tracks that are used."""
    with features_of(tracks, target, "reading", workers=2, strict=strict) as features:
        return [track.name for track, _ in features.used]


TRACKS = [Made(name) for name in "abcdef"]


def test_what_is_done_when_it_ends_is_kept_and_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "x.h5"

    def end(tracks: list[Made]) -> list[Extracted]:
        with features_of(tracks, target, "reading", workers=2) as features:
            found = [extracted for _, extracted in features.used]
            raise KeyboardInterrupt
        return found

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            end(TRACKS[:4])
    assert catalogue.unfinished_folder(target).is_dir()
    capsys.readouterr()
    assert _read([*TRACKS, Made("a ", sound="other")], target) == [*"abcdef", "a "]
    assert "Going on: 4 of 7 tracks are there already." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_has_changed_since_is_read_again(tmp_path: Path) -> None:
    target = tmp_path / "x.h5"
    hashes = []
    for sound in ("before", "after"):
        tracks = [*TRACKS, Made("changing", sound=sound)]
        try:
            with features_of(tracks, target, "reading", workers=2) as features:
                hashes.append(features.used[-1][1].samples_sha256)
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
    assert hashes[0] != hashes[1]


def test_why_tracks_are_left_out_and_what_is_odd_about_others(tmp_path: Path) -> None:
    tracks = [
        Made("odd", ("It is odd.",)),
        Made("damaged", ("It is odd.", Damage("It breaks off."))),
        Made("useless", (DataError("It is useless."),)),
        Made("text", (NotAudio("It is text."),)),
        Made("same", sound="odd"),
    ]
    with features_of(tracks, tmp_path / "x.h5", "reading", workers=2) as features:
        assert [track.name for track, _ in features.used] == ["odd", "damaged"]
    assert features.notes == {
        "odd": ("It is odd.",),
        "damaged": ("It is odd.", "It breaks off."),
    }
    assert features.not_audio == {"text": "It is text."}
    assert features.skipped == {
        "useless": "It is useless.",
        "same": "same sounds exactly like odd: a copy would leak between splits.",
    }


@pytest.mark.parametrize(
    ("track", "words"),
    [
        (Made("x", ("It is odd.", Damage("It breaks off."))), "It breaks off. (strict:"),
        (Made("x", (DataError("It is useless."),)), "It is useless. (strict:"),
        (Made("x", sound="a"), "x sounds exactly like a"),
        (Made("x", ("It is odd.",)), ""),
        (Made("x", (NotAudio("It is text."),)), ""),
    ],
)
def test_strict(tmp_path: Path, track: Made, words: str) -> None:
    if not words:
        assert set(_read([*TRACKS, track], tmp_path / "x.h5", strict=True)) >= set("abcdef")
        return
    for _ in range(2):  # and so it does when it goes on
        with pytest.raises(DataError, match=re.escape(words)):
            _read([*TRACKS, track], tmp_path / "x.h5", strict=True)
    _read([*TRACKS, track], tmp_path / "x.h5")


def test_damage_that_was_read_before_is_refused_too(tmp_path: Path) -> None:
    tracks = [*TRACKS, Made("x", (Damage("It breaks off."),))]
    with (
        pytest.raises(KeyboardInterrupt),
        features_of(tracks, tmp_path / "x.h5", "reading", workers=2),
    ):
        raise KeyboardInterrupt
    with pytest.raises(DataError, match="It breaks off"):
        _read(tracks, tmp_path / "x.h5", strict=True)


def test_sentences_of_a_kind_are_shown_three_times() -> None:
    notes = {f"a/{n:03d}": [f"/m/a/{n:03d}.mp3 breaks off after {n / 7:.1f} s."] for n in range(9)}
    notes["b"] = ["/m/b.wav is very quiet."]
    assert grouped(notes) == [
        "/m/a/000.mp3 breaks off after 0.0 s.",
        "/m/a/001.mp3 breaks off after 0.1 s.",
        "/m/a/002.mp3 breaks off after 0.3 s. And 6 more like this.",
        "/m/b.wav is very quiet.",
    ]


def test_too_little_space_is_noticed_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(path: Path, size: int) -> None:
        raise NoSpaceError(f"{size} bytes")

    monkeypatch.setattr(building, "check_space", check)
    tracks = [Made(str(number)) for number in range(50)]
    with pytest.raises(NoSpaceError) as caught:
        _read(tracks, tmp_path / "x.h5")
    row = 26 * 8 + 21 * 128 * 4
    assert int(str(caught.value).split()[0]) == row * 2 * (50 + 50 - 2)  # 2 tracks were there


def test_the_time_left_is_shown_when_it_can_be_estimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[float] = []

    def advance(bar: ProgressBar, work: float, count: int, *, left: float) -> None:
        shown.append(left)

    monkeypatch.setattr(ProgressBar, "advance", advance)
    _read([Made(str(number)) for number in range(50)], tmp_path / "x.h5")
    assert len(shown) == 1 + 50
    assert np.isnan(shown).tolist() == [True] * 2 + [False] * 49  # 2 of 50 are over 3 %


@pytest.mark.parametrize("seed", range(5))
def test_a_forecast_of_unlike_recordings(seed: int) -> None:
    """MP3 of 20 kB and WAV of 180 kB a second, in any order, of which 3 % are done."""
    rng = np.random.default_rng(seed)
    tracks = []
    for number in range(1000):
        seconds = rng.uniform(20, 400)
        kind, rate = ((".mp3", 20_000), (".wav", 180_000))[rng.random() < 0.3]
        tracks.append((Made(str(number), (), int(seconds * rate), kind), seconds / 500))
    forecast = Forecast([track for track, _ in tracks])
    rng.shuffle(tracks)
    done = 0
    for done, (track, seconds) in enumerate(tracks):  # noqa: B007
        if forecast.is_reliable:
            break
        forecast.add(track, seconds * rng.uniform(0.7, 1.4), 10)
    left = sum(seconds for _, seconds in tracks[done:])
    assert left / 1.25 < forecast.seconds_left < left * 1.25
    assert forecast.segments_left == pytest.approx(10 * (1000 - done), rel=0.25)


@pytest.mark.parametrize("is_foreseen", [True, False])
def test_a_real_disk_that_is_full(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, is_foreseen: bool
) -> None:
    target = small_disk / "x.h5"
    tracks = [Made(str(number), seconds=100) for number in range(40)]  # 44 MB
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(14_000_000))
    if not is_foreseen:
        monkeypatch.setattr(building, "check_space", lambda *_: None)
    with pytest.raises(NoSpaceError, match="no space left to write"):
        _read(tracks, target)
    kept = catalogue.unfinished_folder(target)
    assert kept.is_dir()
    ballast.unlink()
    monkeypatch.setattr(building, "check_space", lambda *_: None)  # no dataset is written of them
    assert len(_read(tracks[:16], target)) == 16
    assert not kept.exists()
