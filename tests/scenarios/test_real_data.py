"""The whole way on the real recordings and arrays, where they are at hand."""

import csv
import json
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import soxr
from click.testing import CliRunner

from data import load_dataset
from data.audio.features import mfcc_statistics
from data.cli.main import main as data_main
from experiments.cli.main import main as experiments_main
from tests.conftest import REAL_DATA, needs_real_data
from tests.support.recordings import read_segments, read_wav, write_sound

pytestmark = needs_real_data
RECORDINGS = REAL_DATA / "gtzan_excerpt"
ARRAYS = REAL_DATA / "music_genre_data"


def _call(main: object, *arguments: object) -> str:
    result = CliRunner().invoke(main, [str(a) for a in arguments])  # type: ignore[arg-type]
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    ("recording", "start", "row"),
    [("blues/blues.00000.wav", 19600, 214), ("pop_hiphop/hiphop.00003.wav", 96800, 945)],
)
def test_a_recording_gives_its_row_of_the_dataset(
    tmp_path: Path, recording: str, start: int, row: int
) -> None:
    # The dataset's segments do not begin at whole seconds: cut the recording there.
    sound, rate = read_wav(RECORDINGS / recording)
    at_8_khz = soxr.resample(sound / 32768, rate, 8000, quality="VHQ")[start:]
    write_sound(tmp_path / "a.wav", at_8_khz, 8000, "pcm_f64le")
    values = mfcc_statistics(read_segments(tmp_path / "a.wav")[:1])[0]
    expected = np.load(ARRAYS / "test" / "mfccs" / "X.npy")[row]
    np.testing.assert_allclose(values, expected, rtol=0, atol=0.02)


def test_every_recording_gives_its_seconds() -> None:
    with (RECORDINGS / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            segments = read_segments(RECORDINGS / row["path"])
            assert len(segments) == int(row["full_1s_segments"]), row["path"]


def test_the_recordings_become_a_dataset() -> None:
    _call(data_main, "build", RECORDINGS, "--name", "gtzan", "--workers", 1)
    dataset = load_dataset("gtzan")
    assert dataset.genres == ("blues", "classical", "pop_hiphop", "rock_metal")
    assert sum(len(rows) for _, rows in dataset.splits()) == 1014
    tracks = [set(rows.track.tolist()) for _, rows in dataset.splits()]
    assert sum(map(len, tracks)) == len(set.union(*tracks)) == 60


def test_the_arrays_are_known_as_the_sources_and_stand_beside_its_figures() -> None:
    _call(data_main, "import", ARRAYS, "--name", "source")
    dataset = load_dataset("source")
    assert [len(rows) for _, rows in dataset.splits()] == [3200, 800, 1376]
    assert dataset.provenance["is_source"] is True
    printed = _call(
        experiments_main, "run", "ffn-baseline", "--data", "source", "--epochs", 1, "--json"
    )
    documented = json.loads(printed.splitlines()[-1])["variants"][0]["documented"]
    assert documented[0]["accuracy"] == 0.5887


def test_the_documented_ffn_reaches_the_documented_range() -> None:
    _call(data_main, "import", ARRAYS, "--name", "source")
    printed = _call(
        experiments_main, "run", "ffn-baseline", "--data", "source", "--seeds", 5, "--json"
    )
    variant = json.loads(printed.splitlines()[-1])["variants"][0]
    assert variant["n"] == 5
    assert 0.55 <= variant["accuracy"]["mean"] <= 0.64
    # The source's own way to average F1, on its own protocol.
    assert variant["batch_mean_f1"]["mean"] == pytest.approx(0.3133, abs=0.03)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def home() -> Iterator[str]:
    """The arrays behind a local server; its address."""
    handler = partial(_Quiet, directory=str(ARRAYS))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_fetch_verifies_and_imports_the_source_dataset(home: str, own_places: Path) -> None:
    printed = _call(data_main, "fetch", "--without-mel", "--url", home)
    assert "the source dataset's own arrays" in printed
    dataset = load_dataset("source")
    assert dataset.provenance["is_source"] is True
    assert not dataset.has_mel
    assert [path.name for path in (own_places / "datasets").iterdir()] == ["source.h5"]


def test_fetch_says_what_its_home_lacks(home: str) -> None:
    result = CliRunner().invoke(data_main, ["fetch", "--url", home])
    assert result.exit_code == 2
    assert "melgrams" in result.output
    assert "404" in result.output
