"""Test segments behind a matrix: which they are, their features, how they are drawn."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import h5py
import numpy as np
import pytest
from rich.cells import cell_len

from data.audio.parameters import DOCUMENTED, FeatureParameters
from data.storage import catalogue
from experiments.errors import RunError
from genre_tui.confusion.segment_dialog import mfcc_lines
from genre_tui.confusion.segments import (
    SegmentSources,
    at_row,
    features_of,
    in_cell,
    neighbours,
    open_sources,
    segments_csv,
)
from genre_tui.confusion.spectrogram_widget import edges, frequency, level, pooled, times
from genre_tui.model.run_model import RunModel
from tests.genre_tui.support.known_run import GENRES, known_dataset, known_run, trials_of


def _sources(runs: Path, seeds: int = 2, **about: bool) -> SegmentSources:
    run = known_run(runs, **about)
    return open_sources(run, RunModel(run), trials_of(run)[:seeds])


def test_segments_in_a_cell_surest_first(tmp_path: Path) -> None:
    segments = in_cell(_sources(tmp_path), 0, 1)
    assert [(one.row, one.trials) for one in segments] == [(2, 2), (1, 2), (0, 1)]
    assert [round(one.probability[1], 6) for one in segments] == [0.85, 0.55, 0.9]
    assert [one.start for one in segments] == [1.0, 0.0, 3.0]
    assert {one.track for one in segments} == {"blue [b]\x1b[31mnote"}
    assert all(sum(one.probability) == pytest.approx(1) for one in segments)
    alone = in_cell(_sources(tmp_path, seeds=1), 0, 1)
    assert [one.row for one in alone] == [0, 2, 1]
    assert in_cell(_sources(tmp_path), 1, 0) == ()
    unknown = in_cell(_sources(tmp_path), 2, 2)
    assert [one.track for one in unknown] == [""] * 4


def test_a_segment_as_all_trials_see_it(tmp_path: Path) -> None:
    sources = _sources(tmp_path)
    one = at_row(sources, 0)
    assert (one.true, one.predicted, one.trials) == (0, 0, 1)  # of two that say unlike things
    assert one.probability == pytest.approx((0.375, 0.525, 0.1))
    assert (at_row(sources, 1).predicted, at_row(sources, 1).trials) == (1, 2)


def test_neighbours_are_next_in_the_track(tmp_path: Path) -> None:
    sources = _sources(tmp_path)
    # By their seconds, the rows of the first track are 1, 2, 3, 0.
    assert [neighbours(sources, row) for row in (1, 2, 3, 0)] == [
        (None, 2),
        (1, 3),
        (2, 0),
        (3, None),
    ]
    assert neighbours(sources, 4) == (None, 5)
    # Where tracks are not known, rows are neighbours as they are stored.
    assert [neighbours(sources, row) for row in (8, 9, 11)] == [(None, 9), (8, 10), (10, None)]


def test_features_are_those_of_the_dataset(tmp_path: Path) -> None:
    dataset = known_dataset()
    features = features_of(_sources(tmp_path), 7)
    assert np.array_equal(features.mfcc, dataset.test.mfcc[7:8])
    assert features.mel is not None
    assert np.array_equal(features.mel, dataset.test.mel[7:8])
    assert features_of(_sources(tmp_path / "plain", mel=False), 7).mel is None


def test_a_dataset_that_is_gone_is_told(tmp_path: Path) -> None:
    sources = _sources(tmp_path, there=False)
    assert "none of your datasets" in sources.lacking
    assert in_cell(sources, 0, 1)[0].track == "track 2"
    with pytest.raises(RunError, match="none of your datasets"):
        features_of(sources, 0)


def test_a_dataset_that_has_changed_is_told(tmp_path: Path) -> None:
    sources = _sources(tmp_path)
    with h5py.File(catalogue.path_of("tiny"), "r+") as file:
        file["test/label"][0] = 2
    with pytest.raises(RunError, match="another genre"):
        features_of(sources, 0)


def test_predictions_that_are_gone_or_damaged_are_told(tmp_path: Path) -> None:
    run = known_run(tmp_path)
    first, second = trials_of(run)
    model = RunModel(run)
    (run.trial_path(first) / "predictions.h5").unlink()
    assert len(open_sources(run, model, (first, second)).predictions) == 1
    (run.trial_path(second) / "predictions.h5").write_bytes(b"x")
    with pytest.raises(RunError, match="damaged"):
        open_sources(run, model, (first, second))
    (run.trial_path(second) / "predictions.h5").unlink()
    with pytest.raises(RunError, match="not in"):
        open_sources(run, model, (first, second))


def test_the_list_as_csv(tmp_path: Path) -> None:
    text = segments_csv(GENRES, in_cell(_sources(tmp_path), 0, 1))
    rows = [*csv.DictReader(io.StringIO(text))]
    assert [row["row"] for row in rows] == ["2", "1", "0"]
    assert (rows[0]["true"], rows[0]["predicted"], rows[0]["second"]) == ("blues", "jazz", "1.0")
    assert float(rows[0]["p jazz"]) == pytest.approx(0.85)
    assert "\x1b" not in text


def test_bands_and_frames_share_out_the_room() -> None:
    frame = [-80.0] * 128
    frame[0] = 0.0
    assert [level(frame, row, 32) for row in range(3)] == [1.0, 0.0, 0.0]
    frame[5] = -40.0
    assert level(frame, 1, 32) == 0.5  # the loudest of bands 4 to 7
    assert level(frame, 5, 128) == 0.5
    assert level(frame, 200, 256) == 0.0  # more rows than bands
    assert edges(63, 21) == [3 * place for place in range(22)]
    assert edges(1000, 21)[-1] == 126
    assert edges(5, 21)[-1] == 21
    assert edges(50, 21)[-1] == 50
    label = times(edges(63, 21), 7, 1.0, 20)
    assert label.split() == ["0", "250", "500", "750", "1000", "ms"]
    assert label.index("500") + 1 == 7 + 10 * 3 + 1  # below the middle of frame 10


def test_more_frames_than_columns_are_drawn_as_the_loudest() -> None:
    mel = [[-float(frame), -80.0] for frame in range(130)]
    assert pooled(mel, 130) is mel
    few = pooled(mel, 60)
    assert len(few) == 60
    assert few[0] == [0.0, -80.0]
    assert few[-1] == [-127.0, -80.0], "of frames 127 to 129"
    label = times(edges(60, 60), 7, 3.0, 60 / 130 * 129)
    assert label.split() == ["0", "0.75", "1.5", "2.25", "3", "s"]


def test_frequencies_stand_beside_their_bands() -> None:
    names = [frequency(line, 16, 128, 4000) for line in range(16)]
    assert names[0] == "4 kHz"
    there = [name for name in names if name]
    assert there[:4] == ["4 kHz", "2 kHz", "1 kHz", "500 Hz"]
    # 1000 Hz is mel 15 of 35.16: band 54 of 128, so line 9 of 16 from above.
    assert names.index("1 kHz") == 9
    high = [frequency(line, 16, 64, 11_025) for line in range(16)]
    assert [name for name in high if name][:2] == ["8 kHz", "4 kHz"]


def test_mfcc_statistics_are_drawn() -> None:
    mfcc = [-20.0, 1.0, -2.0, *[0.0] * 10, 5.0, 0.5, 1.0, *[0.25] * 10]
    lines = mfcc_lines(mfcc, DOCUMENTED).plain.splitlines()
    assert len(lines) == 3 + 13
    assert lines[3].split()[:3] == ["0", "-20.00", "5.00"]
    plots = [line[25:] for line in lines[4:6]]
    assert all(plot.count("●") == 1 and "├" in plot for plot in plots)
    assert plots[0].index("●") > 20 > plots[1].index("●")  # right and left of zero
    assert plots[1].index("├") == 0  # -2 - 1 is what the axis reaches to
    assert max(cell_len(line) for line in lines) <= 70
    many = FeatureParameters.of(mfcc=40)
    assert mfcc_lines([0.0] * 80, many).plain.splitlines()[-1] == "and 20 more"
    unknown = mfcc_lines([0.5, 1e6, -3], None).plain
    assert unknown.splitlines()[2:] == ["   0         0.5", "   1       1e+06", "   2          -3"]
