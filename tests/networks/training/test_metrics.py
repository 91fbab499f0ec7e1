import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as reference_confusion
from sklearn.metrics import f1_score, precision_recall_fscore_support

from networks.training import metrics


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    label = np.sort(rng.integers(0, 4, 1376))
    predicted = np.where(rng.random(1376) < 0.6, label, rng.integers(0, 4, 1376))
    return label, predicted


def test_pooled_metrics_equal_scikit_learns(rows: tuple[np.ndarray, np.ndarray]) -> None:
    label, predicted = rows
    confusion = metrics.confusion_matrix(label, predicted, 4)
    np.testing.assert_array_equal(confusion, reference_confusion(label, predicted))
    assert metrics.accuracy(confusion) == pytest.approx((label == predicted).mean())
    assert metrics.macro_f1(confusion) == pytest.approx(f1_score(label, predicted, average="macro"))
    scores = metrics.class_scores(confusion)
    expected = precision_recall_fscore_support(label, predicted)
    for found, reference in zip(
        (scores.precision, scores.recall, scores.f1, scores.support), expected, strict=True
    ):
        np.testing.assert_allclose(found, reference)


def test_batch_mean_is_the_mean_of_the_batches(rows: tuple[np.ndarray, np.ndarray]) -> None:
    label, predicted = rows
    batches = [slice(i, i + 16) for i in range(0, 1376, 16)]
    expected = np.mean([f1_score(label[b], predicted[b], average="macro") for b in batches])
    assert metrics.batch_mean_f1(label, predicted) == pytest.approx(expected)


def test_batch_mean_of_single_rows_is_the_accuracy(rows: tuple[np.ndarray, np.ndarray]) -> None:
    label, predicted = rows
    assert metrics.batch_mean_f1(label, predicted, 1) == pytest.approx((label == predicted).mean())


def test_a_last_batch_that_is_smaller_counts_as_one() -> None:
    label, predicted = np.array([0, 0, 1]), np.array([0, 0, 0])
    assert metrics.batch_mean_f1(label, predicted, 2) == pytest.approx((1.0 + 0.0) / 2)


def test_classes_that_are_neither_present_nor_predicted_are_left_out() -> None:
    confusion = metrics.confusion_matrix(np.array([0, 1]), np.array([0, 1]), 5)
    assert metrics.macro_f1(confusion) == 1.0
    assert metrics.class_scores(confusion).f1.tolist() == [1, 1, 0, 0, 0]


def test_by_hand() -> None:
    confusion = metrics.confusion_matrix(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), 2)
    assert confusion.tolist() == [[2, 1], [0, 1]]
    assert metrics.accuracy(confusion) == 0.75
    assert metrics.macro_f1(confusion) == pytest.approx((0.8 + 2 / 3) / 2)


@pytest.mark.parametrize(
    ("label", "predicted"), [([0, 1], [0]), ([0, 4], [0, 0]), ([0, 0], [0, -1]), ([[0]], [[0]])]
)
def test_what_cannot_be_is_refused(label: list[int], predicted: list[int]) -> None:
    with pytest.raises(ValueError, match=r"must have the shape|must lie in"):
        metrics.confusion_matrix(np.array(label), np.array(predicted), 4)
