"""The built-in music: its plan, its reproducibility, its levels and its musical facts."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from data.sources.demo import GENRES, demo_tracks
from data.synthesis import synthesise
from data.synthesis.blues import SHUFFLE_GROOVE
from data.synthesis.classical import MAJOR_PERIODS
from data.synthesis.drums import drum_kit, play_drums, read_tab
from data.synthesis.harmony import TWELVE_BAR_BLUES, progression, scale_pitch, voicings
from data.synthesis.instruments import Voice, bass, harmonica, piano, rolloff, sing, strike, strings
from data.synthesis.oscillators import CEILING_HZ, SAMPLE_RATE, Reader, midi_to_hz, wavetables
from data.synthesis.performance import Tempo, Tone
from data.synthesis.session import read_rhythm

ROOT = Path(__file__).resolve().parents[3]
Float64 = npt.NDArray[np.float64]
SHUFFLE = 2 / 3  # the off-beat is the third note of a triplet


def digest(samples: npt.NDArray[np.int16]) -> str:
    return hashlib.sha256(samples.tobytes()).hexdigest()


def tone(voice: Voice, pitch: float, sung: bool) -> Float64:
    rng = np.random.default_rng(0)
    tempo = Tempo(60.0, 2, rng)
    part = tempo.perform([Tone(0.0, 1.9, pitch)], rng, looseness=0.0)
    return (sing if sung else strike)(voice, part, 2 * SAMPLE_RATE)


def beat_strength(sound: Float64) -> float:
    """Highest autocorrelation of the onset envelope at lags of 0.2 to 1.5 seconds."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, 256)[::80]
    spectrum = np.log(np.abs(np.fft.rfft(frames * np.hanning(256))) + 1e-3)
    onsets = np.clip(np.diff(spectrum, axis=0), 0.0, None).mean(axis=1)
    onsets -= onsets.mean()
    correlation = np.correlate(onsets, onsets, "full")[len(onsets) - 1 :]
    return float(correlation[20:150].max() / correlation[0])


# The plan


def test_plan_has_the_documented_totals() -> None:
    seconds: Counter[tuple[str, str]] = Counter()
    for track in demo_tracks():
        seconds[track.split, track.genre] += track.seconds
    for genre in GENRES:
        assert seconds["train", genre] == 800
        assert seconds["validation", genre] == 200
        assert seconds["test", genre] == 344


def test_no_track_is_in_two_splits() -> None:
    names = [track.name for track in demo_tracks()]
    assert len(set(names)) == len(names) == 268
    assert names[0] == "blues-001"
    assert {16 <= track.seconds <= 24 for track in demo_tracks()} == {True}


# Reproducibility


def test_same_arguments_give_the_same_bytes_in_every_process() -> None:
    here = [digest(synthesise(genre, 7, 3)) for genre in GENRES]
    assert [digest(synthesise(genre, 7, 3)) for genre in GENRES] == here
    program = (
        "import hashlib, sys; from data.synthesis import synthesise;"
        "print(*(hashlib.sha256(synthesise(g, 7, 3).tobytes()).hexdigest() for g in sys.argv[1:]))"
    )
    there = subprocess.run(
        [sys.executable, "-c", program, *GENRES],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.split() == here


def test_every_number_is_another_piece() -> None:
    assert len({digest(synthesise(genre, n, 2)) for genre in GENRES for n in range(6)}) == 24


@pytest.mark.parametrize(
    ("genre", "number", "seconds"), [("jazz", 1, 5), ("pop", -1, 5), ("pop", 1, 0)]
)
def test_bad_arguments_are_named(genre: str, number: int, seconds: int) -> None:
    with pytest.raises(ValueError, match="Received"):
        synthesise(genre, number, seconds)


def test_synthesis_needs_no_network_library() -> None:
    program = (
        "import sys; import data.synthesis, data.sources.demo;"
        "print([m for m in ('torch', 'keras', 'networks', 'experiments') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


# Levels


@pytest.mark.parametrize("genre", GENRES)
def test_levels_are_those_of_a_recording(genre: str) -> None:
    for number in range(1, 7):
        samples = synthesise(genre, number, 12)
        assert samples.dtype == np.int16
        assert samples.shape == (12, SAMPLE_RATE)
        loudness = np.sqrt(np.mean((samples / 32768.0) ** 2, axis=1))
        assert loudness.min() > 0.005, "a second of silence"
        peak = np.abs(samples.astype(int)).max()
        assert 0.3 < peak / 32768 < 1.0
        assert np.mean(np.abs(samples.astype(int)) > 0.995 * peak) < 0.01, "clipped"
        assert abs(samples.mean()) / 32768 < 0.01, "direct current"


# Tones


@pytest.mark.parametrize("pitch", [33.0, 61.3, 84.0, 99.7])
def test_wavetables_have_no_aliases(pitch: float) -> None:
    hz = midi_to_hz(np.array([pitch]))
    n = 4 * SAMPLE_RATE
    cycles = np.arange(n) / SAMPLE_RATE * hz[0]
    sawtooth = Reader(np.zeros(n, dtype=np.intp), cycles).read(wavetables(hz, rolloff(1.0)))
    spectrum = np.abs(np.fft.rfft(sawtooth * np.blackman(n))) ** 2
    frequency = np.fft.rfftfreq(n, 1.0 / SAMPLE_RATE)
    harmonic = np.round(frequency / hz[0]) * hz[0]
    of_tone = (np.abs(frequency - harmonic) < 2.0) & (harmonic > 0) & (harmonic <= CEILING_HZ)
    assert spectrum[~of_tone].sum() / spectrum.sum() < 1e-5  # -50 dB


@pytest.mark.parametrize(
    ("name", "pitch", "sung"),
    [("piano", 69, False), ("bass", 40, True), ("strings", 57, True), ("harmonica", 74, True)],
)
def test_instruments_are_in_tune(name: str, pitch: int, sung: bool) -> None:
    make = {"piano": piano, "bass": bass, "strings": strings, "harmonica": harmonica}[name]
    sound = tone(make(np.random.default_rng(3)), pitch, sung)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8 * len(sound)))
    frequency = np.arange(len(spectrum)) / 16.0
    wanted = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    near = np.abs(frequency / wanted - 1.0) < 0.05
    # The centre of the fundamental's energy: vibrato spreads it evenly to both sides.
    power = spectrum[near] ** 2
    cents = 1200.0 * np.log2(np.sum(power * frequency[near]) / np.sum(power) / wanted)
    assert abs(cents) < 10.0


def test_a_bent_note_arrives_at_its_pitch() -> None:
    rng = np.random.default_rng(0)
    voice = Voice(rolloff(3.0), rolloff(3.0), sustain=1.0, glide=0.06)
    part = Tempo(60.0, 2, rng).perform([Tone(0.0, 2.0, 57.0, 0.8, 2.0)], rng, looseness=0.0)
    sound = sing(voice, part, 2 * SAMPLE_RATE)
    rising = np.flatnonzero(np.diff(np.signbit(sound).astype(int)) == -1)
    hz = SAMPLE_RATE / np.diff(rising)
    assert hz[0] < 205.0
    assert abs(hz[-30:].mean() - 220.0) < 1.5


def test_no_note_is_longer_than_the_track() -> None:
    rng = np.random.default_rng(0)
    part = Tempo(120.0, 1, rng).perform([Tone(1.5, 8.0, 60.0), Tone(9.0, 1.0, 64.0)], rng)
    for render in (sing, strike):
        assert render(piano(rng), part, SAMPLE_RATE).shape == (SAMPLE_RATE,)


# Rhythm


def test_shuffle_places_the_off_beat_on_the_triplet() -> None:
    rng = np.random.default_rng(0)
    straight, shuffled = (Tempo(60.0, 4, rng, swing=swing) for swing in (0.5, SHUFFLE))
    eighths = np.array([0.0, 0.5, 1.0, 1.5])
    np.testing.assert_allclose(straight.seconds(eighths), [0.0, 0.5, 1.0, 1.5])
    np.testing.assert_allclose(shuffled.seconds(eighths), [0.0, 2 / 3, 1.0, 5 / 3])


def test_the_blues_drummer_shuffles() -> None:
    rng = np.random.default_rng(0)
    tempo = Tempo(60.0, 4, rng, swing=SHUFFLE)
    ride = {"ride": SHUFFLE_GROOVE["ride"]}
    stem = play_drums(drum_kit(rng), [(0, ride)], tempo, 4 * SAMPLE_RATE, rng, looseness=0.0)
    for second in (1, 3):  # beats with an off-beat
        beat = np.abs(stem[second * SAMPLE_RATE : (second + 1) * SAMPLE_RATE])
        straight = beat[int(0.47 * SAMPLE_RATE) : int(0.53 * SAMPLE_RATE)].max()
        triplet = beat[int(0.66 * SAMPLE_RATE) : int(0.72 * SAMPLE_RATE)].max()
        assert triplet > 2.0 * straight


def test_rubato_bends_time_but_never_backwards() -> None:
    rng = np.random.default_rng(1)
    seconds = Tempo(90.0, 20, rng, rubato=0.2).seconds(np.arange(30.0))
    assert np.diff(seconds).min() > 0.0
    assert np.ptp(np.diff(seconds)) > 0.05


def test_drums_beat_in_rock_and_pop_but_not_in_classical_music() -> None:
    strength = {
        genre: np.median(
            [beat_strength(synthesise(genre, n, 12).ravel() / 32768.0) for n in range(1, 9)]
        )
        for genre in ("classical", "pop", "rock")
    }
    assert min(strength["pop"], strength["rock"]) > strength["classical"] + 0.1, strength


def test_tabs_are_read_as_written() -> None:
    assert read_tab("X..o", bar=2) == [(8.0, 1.0), (11.0, 0.3)]
    assert read_rhythm("x-.xx---") == [(0.0, 1.0), (1.5, 0.5), (2.0, 2.0)]


# Harmony


def test_numerals_name_their_chords() -> None:
    dominant, relative, flat, diminished = progression("V7 vi bVII iio")
    assert [tone % 12 for tone in dominant.tones(60)] == [7, 11, 2, 5]
    assert [tone % 12 for tone in relative.tones(60)] == [9, 0, 4]
    assert [tone % 12 for tone in flat.tones(60)] == [10, 2, 5]
    assert [tone % 12 for tone in diminished.tones(60)] == [2, 5, 8]


def test_the_blues_has_twelve_bars_of_sevenths() -> None:
    for form in TWELVE_BAR_BLUES:
        assert len(form) == 12
        assert {chord.quality for chord in form} == {"seventh"}
        assert {chord.root for chord in form} == {0, 5, 7}
        assert form[4].root == 5
    blue = {scale_pitch(0, "blues", degree) for degree in range(6)}
    assert {3, 6, 10} < blue  # flat third, fifth and seventh


def test_voices_move_little() -> None:
    for period in MAJOR_PERIODS:
        voiced = voicings(period, 60, centre=57.0)
        for chord, tones in zip(period, voiced, strict=True):
            assert {t % 12 for t in tones} == {t % 12 for t in chord.tones(60)}
        means = [np.mean(tones) for tones in voiced]
        assert np.abs(np.diff(means)).max() <= 4.0
