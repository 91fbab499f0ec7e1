"""Where things lie in a report's plots and tables, worked out by hand."""

from itertools import pairwise

import numpy as np
import pytest

from experiments.report import curves, scale
from experiments.report.curves import Histories
from experiments.report.dot_plot import DotPlotEntry, lay_out
from experiments.statistics.intervals import Interval


def test_a_linear_axis_names_round_numbers_within_its_values() -> None:
    axis = scale.linear([0.62, 0.91], 3, percent=True, margin=0.0)
    assert [tick.label for tick in axis.ticks] == ["70", "80", "90"]
    assert axis.at(0.62) == 0
    assert axis.at(0.91) == 100
    assert axis.ticks[0].at == pytest.approx(100 * 0.08 / 0.29, abs=0.01)


def test_an_axis_leaves_room_but_passes_no_bound() -> None:
    axis = scale.linear([0.0, 1.0], 4, floor=0.0, ceiling=1.0)
    assert (axis.low, axis.high) == (0.0, 1.0)
    free = scale.linear([0.25, 0.75], 4, margin=0.1)
    assert (free.low, free.high) == pytest.approx((0.2, 0.8))


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5]])
def test_an_axis_of_one_value_or_none_has_a_range(values: list[float]) -> None:
    axis = scale.linear(values)
    assert axis.high > axis.low
    assert len(axis.ticks) >= 2


def test_what_lies_outside_an_axis_goes_to_its_ends() -> None:
    axis = scale.Axis(0.0, 2.0)
    assert [axis.at(value) for value in (-1, 0.5, 9)] == [0, 25, 100]
    assert not axis.holds(9)


def test_a_logarithmic_axis_goes_by_ratios() -> None:
    axis = scale.logarithmic([0.0002, 0.05])
    assert (axis.low, axis.high) == pytest.approx((1e-4, 0.1))
    assert axis.at(0.001) == pytest.approx(100 / 3, abs=0.01)
    assert [tick.label for tick in axis.ticks] == ["0.0001", "0.001", "0.01", "0.1"]


@pytest.mark.parametrize(
    ("epochs", "labels"),
    [(1, ["1"]), (3, ["1", "2", "3"]), (10, ["1", "5", "10"]), (30, ["1", "10", "20", "30"])],
)
def test_an_axis_of_epochs_names_the_first_and_the_last(epochs: int, labels: list[str]) -> None:
    assert [tick.label for tick in scale.whole(epochs).ticks] == labels


def test_labels_of_epochs_keep_their_distance() -> None:
    for epochs in range(2, 400):
        places = [tick.at for tick in scale.whole(epochs).ticks]
        assert all(after - before > 9 for before, after in pairwise(places))


def _interval(low: float, high: float) -> Interval:
    return Interval(low, high, 0.95, "any", 3)


def test_dots_of_seeds_mean_interval_and_source() -> None:
    entries = [
        DotPlotEntry("a", (0.4, 0.6), 0.5, _interval(0.3, 0.7), ((0.7, "source A"),)),
        DotPlotEntry("b", (0.3,), 0.3),
        DotPlotEntry("svm", (0.65,), 0.65, is_baseline=True),
    ]
    plot = lay_out("accuracy %", entries)
    low, high = 0.3 - 0.4 * 0.04, 0.7 + 0.4 * 0.04
    a, b, svm = plot.rows

    def at(value: float) -> float:
        return pytest.approx(100 * (value - low) / (high - low), abs=0.01)

    assert a.mean == at(0.5)
    assert a.seeds == (at(0.4), at(0.6))
    assert a.interval == (at(0.3), at(0.7))
    assert a.sources == ((at(0.7), "source A"),)
    assert b.interval is None
    # A baseline's line goes through the rows above its own.
    assert a.lines == b.lines == svm.lines == (at(0.65),)


def test_a_baseline_far_away_does_not_squeeze_the_variants() -> None:
    entries = [
        DotPlotEntry("a", (0.8, 0.82), 0.81),
        DotPlotEntry("majority", (0.25,), 0.25, is_baseline=True),
        DotPlotEntry("svm", (0.9,), 0.9, is_baseline=True),
    ]
    plot = lay_out("accuracy %", entries)
    assert plot.axis.low > 0.7
    _, majority, svm = plot.rows
    assert (majority.beyond, majority.mean, majority.seeds) == ("low", None, ())
    assert svm.beyond == ""
    assert len(majority.lines) == 1, "the line of the other baseline passes"


def test_dots_without_any_figure() -> None:
    plot = lay_out("accuracy %", [DotPlotEntry("a", (), None)])
    assert plot.rows[0].mean is None


def _histories(**figures: list[list[float]]) -> Histories:
    arrays = {name: np.array(rows) for name, rows in figures.items()}
    trials, epochs = next(iter(arrays.values())).shape
    return Histories(arrays, np.ones(trials, dtype=bool), np.zeros(trials, dtype=np.int64), epochs)


def test_a_line_is_the_mean_of_seeds_and_its_band_their_range() -> None:
    drawn = curves.draw([_histories(val_macro_f1=[[0.0, 0.5], [0.5, 1.0]])], 4)
    ((loss, f1, accuracy),) = drawn.of_variant
    assert (f1.y.low, f1.y.high) == (0.0, 1.0)
    (line,) = f1.lines
    assert line.mean == "M0 75L100 25"
    assert line.band == "M0 50L100 0L100 50L0 100Z"
    assert loss.lines == accuracy.lines == ()
    assert drawn.constant_rate


def test_seeds_that_ended_count_no_more() -> None:
    drawn = curves.draw([_histories(val_macro_f1=[[0.0, np.nan], [1.0, 1.0]])], 4)
    assert drawn.of_variant[0][1].lines[0].mean == "M0 50L100 0"


def test_one_epoch_is_a_dot_and_one_seed_has_no_band() -> None:
    drawn = curves.draw([_histories(val_macro_f1=[[0.5]])], 4)
    (line,) = drawn.of_variant[0][1].lines
    assert line.mean.endswith("h.01")
    assert line.band == ""


def test_long_trainings_are_drawn_with_few_points_from_first_to_last() -> None:
    drawn = curves.draw([_histories(loss=[np.linspace(2, 1, 5000).tolist()])], 4)
    path = drawn.of_variant[0][0].lines[0].mean
    assert path.count("L") < 250
    assert path.startswith("M0 ")
    assert "L100 " in path


def test_hopeless_losses_do_not_flatten_the_others() -> None:
    drawn = curves.draw([_histories(loss=[[1.0, 0.5]]), _histories(loss=[[1e6, 1e9]])], 4)
    guess = np.log(4)
    assert drawn.clipped_loss == pytest.approx(4 * guess)
    assert drawn.of_variant[0][0].y.high < 4.5 * guess
    assert curves.draw([_histories(loss=[[1.0, 0.5]])], 4).clipped_loss is None


def test_learning_rates_are_drawn_where_one_moves() -> None:
    moving = _histories(learning_rate=[[0.1, 0.01]], loss=[[1.0, 0.5]])
    drawn = curves.draw([moving, _histories(learning_rate=[[0.1, 0.1]])], 4)
    assert [panel.title for panel in drawn.of_variant[0]][-1] == "learning rate"
    assert drawn.of_variant[0][-1].lines[0].mean == "M0 0L100 100"
    assert not drawn.constant_rate


def test_diverged_trials_are_lines_of_their_own() -> None:
    history = Histories(
        {"loss": np.array([[1.0, 0.5], [1.0, np.nan]])},
        np.array([True, False]),
        np.zeros(2, int),
        2,
    )
    panel = curves.draw([history], 4).of_variant[0][0]
    assert panel.lines[0].band == "", "one seed finished"
    assert len(panel.diverged) == 1
