"""Curves as dots and text."""

from __future__ import annotations

import math
from typing import Any

import pytest
from rich.style import Style

from experiments.report.scale import Scale
from experiments.runs.events import EpochEnded
from experiments.runs.progress import TrialProgress
from genre_tui.model.trial_groups import Group, VariantGroups
from genre_tui.plots.axis import numbers, roomy, scale_of, ticks_of
from genre_tui.plots.braille import Raster
from genre_tui.plots.curve import Curve, Frame
from genre_tui.plots.plot_drawing import draw
from genre_tui.runs.runs_table import sparkline

NAN = math.nan


def _rows(cells: dict[int, int], raster: Raster) -> list[str]:
    text = [chr(cells.get(place, 0x20)) for place in range(raster.width * raster.height)]
    return [
        "".join(text[row * raster.width : (row + 1) * raster.width]) for row in range(raster.height)
    ]


def _drawn(curves: list[Curve], width: int = 40, height: int = 9, **frame: object) -> list[str]:
    drawing = draw(curves, Frame(**frame), width, height, lambda series: Style())  # type: ignore[arg-type]
    return ["".join(segment.text for segment in line) for line in drawing.lines]


def test_a_flat_line_is_its_row_of_dots() -> None:
    raster = Raster(3, 1)
    assert _rows(raster.line([0, 5], [0, 0]), raster) == ["⠉⠉⠉"]
    assert _rows(raster.line([0, 5], [3, 3]), raster) == ["⣀⣀⣀"]


def test_a_diagonal_has_no_holes() -> None:
    raster = Raster(2, 1)
    assert _rows(raster.line([0, 3], [0, 3]), raster) == ["⠑⢄"]
    steep = Raster(1, 2)
    cells = steep.line([0, 1], [0, 7])
    assert sum(bin(pattern & 0xFF).count("1") for pattern in cells.values()) == 8


def test_gaps_stay_gaps_and_what_is_out_of_reach_is_at_the_edge() -> None:
    raster = Raster(4, 1)
    assert _rows(raster.line([0, 1, 4, 7], [0, NAN, 0, 99]), raster)[0].startswith("⠁ ")
    assert raster.line([2], [NAN]) == {}
    assert list(raster.line([0], [-50])) == [0]


def test_many_points_in_a_column_are_all_seen() -> None:
    raster = Raster(1, 1)
    cells = raster.line([0, 0, 0, 1], [0, 1, 3, 3])
    assert cells[0] & 0x47 == 0x43  # the first, second and fourth dot of the left column


def test_a_band_is_sparse_and_a_dotted_line_has_every_third_column() -> None:
    raster = Raster(6, 2)
    band = raster.band([0, 11], [0, 0], [7, 7])
    dots = sum(bin(pattern & 0xFF).count("1") for pattern in band.values())
    assert dots == 12 * 8 // 4
    dotted = raster.line([0, 11], [2, 2], dotted=True)
    assert sum(bin(pattern & 0xFF).count("1") for pattern in dotted.values()) == 4


def test_scales_are_round_and_show_all_values() -> None:
    scale, cut = scale_of([0.1, 0.9, NAN, math.inf])
    assert not cut
    assert scale.place(0.1) > 0
    assert scale.place(0.9) < 1
    assert ticks_of(scale, 4) == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert numbers(ticks_of(scale, 4)) == ["0.2", "0.4", "0.6", "0.8"]
    assert scale_of([]) == (Scale(0.0, 1.0), False)
    flat, _ = scale_of([2.0, 2.0])
    assert flat.place(2.0) == pytest.approx(0.5)


def test_one_value_far_off_does_not_flatten_the_others() -> None:
    scale, cut = scale_of([1.0 + number / 100 for number in range(100)] + [1e9])
    assert cut
    assert scale.high < 3
    assert scale_of([1.0] * 30 + [1e9], log=True)[1] is False


def test_logarithmic_scales_leave_out_what_they_cannot_show() -> None:
    scale, _ = scale_of([0.0, -1.0, 0.001, 10.0], log=True)
    assert scale.log
    assert scale.place(0.1) == pytest.approx(0.5)
    assert math.isnan(scale.place(0.0))
    assert ticks_of(scale, 5) == pytest.approx([0.001, 0.01, 0.1, 1, 10])
    assert numbers(ticks_of(scale, 5))[0] == "0.001"
    assert numbers([1e-5, 1e-4]) == ["1e-5", "1e-4"]


def test_epochs_are_whole_numbers() -> None:
    assert ticks_of(Scale(1, 2), 5, whole=True) == [1, 2]
    assert ticks_of(Scale(1, 2), 5) == pytest.approx([1, 1.5, 2])


def test_sparklines_span_their_values() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([5, 5], 8) == "▄▄"
    assert sparkline([0, 0, 7, 7], 2) == "▁█"
    assert sparkline([1, NAN, 2], 3) == "▁ █"
    assert sparkline([NAN], 3) == sparkline([], 3) == sparkline([1], 0) == ""


def test_a_plot_has_axes_and_names_beside_the_ends() -> None:
    curves = [
        Curve("adam", 0, "●", [1, 2, 3], [0.0, 50.0, 100.0]),
        Curve("sgd", 1, "▲", [1, 2, 3], [0.0, 10.0, 20.0]),
    ]
    lines = _drawn(curves, figure="{:.1f}".format)
    assert len(lines) == 9
    assert all(len(line) == 40 for line in lines)
    assert lines[0].endswith("● adam 100.0")
    assert sum("▲ sgd" in line for line in lines) == 1
    assert any(line.startswith(" 50┤") for line in lines)
    assert lines[-1].strip().startswith("└")
    assert lines[-1].endswith("epoch")
    assert all(str(epoch) in lines[-1] for epoch in (1, 2, 3))


def test_names_that_would_cover_each_other_move_apart() -> None:
    curves = [Curve(f"v{number}", number, str(number), [1, 2], [1, 1]) for number in range(5)]
    lines = _drawn(curves, height=7)
    assert [line.split()[-2] for line in lines[:6] if " v" in line] == [f"v{n}" for n in range(5)]


def test_too_many_names_keep_the_important_ones() -> None:
    curves = [
        Curve(f"v{number}", number, "+", [1, 2], [number, number], is_strong=number == 19)
        for number in range(20)
    ]
    text = "\n".join(_drawn(curves, height=7))
    assert "+15 more" in text
    assert " v19" in text
    assert " v0 " in text
    assert " v12" not in text


def test_a_narrow_plot_has_no_names_but_lines() -> None:
    lines = _drawn([Curve("a-long-name", 0, "●", [1, 2], [1, 2])], width=16, height=5)
    assert all(len(line) == 16 for line in lines)
    assert "long" not in "\n".join(lines)


def test_a_strong_curve_is_over_the_others() -> None:
    flat = [1.0, 1.0]
    under = Curve("", 1, "", [1, 2], [1.02, 1.02], is_strong=False)
    over = Curve("", 0, "", [1, 2], flat, is_strong=True)
    drawing = draw(
        [over, under], Frame(), 30, 5, lambda series: Style(color="red" if series else "blue")
    )
    blue = [s for line in drawing.lines for s in line if s.style and s.style.color]
    assert any(s.style and s.style.bold and s.style.color.name == "blue" for s in blue)  # type: ignore[union-attr]


def _trial(seed: int, f1: list[float], status: Any = "training") -> TrialProgress:
    trial = TrialProgress(f"t{seed}", "adam", seed, 9, 0.1)
    for number, value in enumerate(f1, 1):
        _train(trial, number, value)
    trial.status = status
    return trial


def _train(trial: TrialProgress, epoch: int, f1: float) -> None:
    logs = {"val_macro_f1": f1}
    trial.handle_epoch(EpochEnded(trial.id, "c", epoch, 2.0, 1e3, 10**6, logs, [[1]]), None)


def test_a_band_is_mean_and_range_of_those_that_have_come_so_far() -> None:
    group = Group("adam", 0.1, [_trial(1, [0.2, 0.4, 0.9]), _trial(2, [0.4, NAN]), _trial(3, [])])
    band = group.band("val_macro_f1")
    assert band.mean == pytest.approx([0.3, 0.4, 0.9])
    assert band.low == pytest.approx([0.2, 0.4, 0.9])
    assert band.high == pytest.approx([0.4, 0.4, 0.9])
    assert group.begun == 2
    assert group.band("loss").mean == []
    assert group.band("seconds").mean == [2.0, 4.0, 6.0]


def test_a_band_is_brought_up_to_date_from_the_epoch_that_changed() -> None:
    first, second = _trial(1, [0.2, 0.4]), _trial(2, [0.4])
    group = Group("adam", 0.1, [first, second])
    assert group.band("val_macro_f1").mean == pytest.approx([0.3, 0.4])
    _train(second, 2, 0.8)
    group.changed(2)
    assert group.band("val_macro_f1").mean == pytest.approx([0.3, 0.6])
    assert group.score == pytest.approx((0.4 + 0.8) / 2)


def test_the_best_learning_rate_so_far_counts_those_that_diverged_as_nothing() -> None:
    high = Group("adam", 1.0, [_trial(1, [0.9]), _trial(2, [0.9], "diverged")])
    low = Group("adam", 0.1, [_trial(3, [0.6])])
    none = Group("adam", 0.01, [_trial(4, [])])
    assert (high.score, low.score, none.score) == pytest.approx((0.45, 0.6, -1.0))
    assert VariantGroups("adam", (high, low, none)).best == 1


def test_axes_that_grow_have_room_and_move_seldom() -> None:
    ends = {roomy(float(epoch)) for epoch in range(1, 101)}
    assert len(ends) < 25
    assert all(end <= roomy(end) <= end * 4 / 3 + 1e-9 for end in map(float, range(1, 101)))
    moved = {scale_of([0.1, 0.5 + number / 1000], grows=True)[0] for number in range(100)}
    assert len(moved) < 10
    lines = _drawn([Curve("", 0, "", [1, 2, 3, 26], [0, 1, 2, 3])], grows=True)
    assert "30" in lines[-1]
