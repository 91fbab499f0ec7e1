"""Shares, scores and mistakes of a confusion matrix."""

import numpy as np
import pytest

from experiments.results.confusion_matrix import ConfusionMatrix


def test_shares_of_rows_and_scores_of_classes() -> None:
    matrix = ConfusionMatrix([[6, 2, 0], [1, 3, 0], [0, 0, 0]])
    assert [matrix.value(0, j, "rows") for j in range(3)] == [0.75, 0.25, 0.0]
    assert [matrix.value(2, j, "rows") for j in range(3)] == [None] * 3
    x = matrix.scores(0)
    assert (x.precision, x.recall, x.support) == (6 / 7, 0.75, 8)
    assert matrix.scores(2).precision is None
    assert x.f1 == pytest.approx(12 / 15)


def test_mistakes_are_listed_by_their_frequency() -> None:
    counts = np.diag(np.full(9, 5))
    counts[1, 2], counts[3, 7], counts[4, 1] = 2, 5, 2
    assert ConfusionMatrix(counts.tolist()).mistakes() == [(5, 3, 7), (2, 1, 2), (2, 4, 1)]
