"""How good predictions are: pooled over all rows, and as the source reported it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

SOURCE_BATCH_SIZE = 16  # of the batches that the source averaged its F1 over


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall and F1 of each class; 0 where nothing was predicted or present.

    Args:
        precision, recall, f1: shares. [shape=(classes,)]
        support: rows that truly are of the class. [shape=(classes,)]
    """

    precision: Float64
    recall: Float64
    f1: Float64
    support: Int64


def confusion_matrix(label: Int64, predicted: Int64, classes: int) -> Int64:
    """Rows by true class (first axis) and predicted class (second axis).

    Args:
        label: true classes. [shape=(n,)]
        predicted: predicted classes. [shape=(n,)]
        classes: number of classes.

    Returns:
        Counts. [shape=(classes, classes)]

    Raises:
        ValueError: the shapes differ, or a class is not below `classes`.
    """
    label, predicted = np.asarray(label), np.asarray(predicted)
    if label.shape != predicted.shape or label.ndim != 1:
        raise ValueError(
            "label and predicted must have the same shape (n,). Received: "
            f"{label.shape} and {predicted.shape}."
        )
    if len(label) and not (
        min(label.min(), predicted.min()) >= 0 and max(label.max(), predicted.max()) < classes
    ):
        raise ValueError(f"classes must lie in 0 to {classes - 1}.")
    counts = np.bincount(label * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def accuracy(confusion: Int64) -> float:
    """Share of the rows on the diagonal. `confusion`: [shape=(classes, classes)]"""
    return float(np.trace(confusion) / confusion.sum())


def class_scores(confusion: Int64) -> ClassScores:
    """Precision, recall and F1 of each class. `confusion`: [shape=(classes, classes)]"""
    hits = np.diag(confusion).astype(np.float64)
    predicted, present = confusion.sum(axis=0), confusion.sum(axis=1)
    return ClassScores(
        precision=_share(hits, predicted),
        recall=_share(hits, present),
        f1=_share(2.0 * hits, predicted + present),
        support=present,
    )


def macro_f1(confusion: Int64) -> float:
    """Mean F1 of the classes that are present or predicted, pooled over all rows.

    A class that is neither has no F1 and is left out, as in scikit-learn.
    `confusion`: [shape=(classes, classes)]
    """
    seen = (confusion.sum(axis=0) + confusion.sum(axis=1)) > 0
    return float(class_scores(confusion).f1[seen].mean())


def batch_mean_f1(label: Int64, predicted: Int64, batch_size: int = SOURCE_BATCH_SIZE) -> float:
    """The F1 that the source printed: the mean of each batch's macro-F1, in stored order.

    It depends on the order of the rows and on the batch size (sorted rows halve
    it), so it serves for comparison with the source's figures only.

    Args:
        label: true classes, in stored order. [shape=(n,)]
        predicted: predicted classes. [shape=(n,)]
        batch_size: rows a batch; the last may be smaller.
    """
    classes = int(max(label.max(), predicted.max())) + 1
    return float(
        np.mean(
            [
                macro_f1(
                    confusion_matrix(
                        label[i : i + batch_size], predicted[i : i + batch_size], classes
                    )
                )
                for i in range(0, len(label), batch_size)
            ]
        )
    )


def _share(part: Float64, whole: Int64) -> Float64:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
