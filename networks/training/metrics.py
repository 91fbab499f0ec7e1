"""Scores of predictions: pooled over all rows, and as the source reported them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

SOURCE_BATCH_SIZE = 16  # of the batches that the source averaged its F1 over


@dataclass(frozen=True)
class PerClassScores:
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
        predicted: predicted classes; leading axes for several predictors.
            [shape=(..., n)]
        classes: number of classes.

    Returns:
        Counts. [shape=(..., classes, classes)]

    Raises:
        ValueError: the shapes differ, or a class is not below `classes`.
    """
    label, predicted = np.asarray(label), np.asarray(predicted)
    if label.ndim != 1 or label.shape != predicted.shape[-1:]:
        raise ValueError(
            "label must have the shape (n,), predicted (..., n). Received: "
            f"{label.shape} and {predicted.shape}."
        )
    if predicted.size and not (
        min(label.min(), predicted.min()) >= 0 and max(label.max(), predicted.max()) < classes
    ):
        raise ValueError(f"classes must lie in 0 to {classes - 1}.")
    predictors = predicted.reshape(-1, len(label)) if len(label) else predicted.reshape(1, 0)
    return _counts(
        label, predictors, np.arange(len(predictors))[:, None], len(predictors), classes
    ).reshape(*predicted.shape[:-1], classes, classes)


def accuracy(confusion: Int64) -> float:
    """Share of the rows on the diagonal. `confusion`: [shape=(classes, classes)]"""
    return float(accuracies(confusion))


def accuracies(confusion: Int64) -> Float64:
    """`accuracy` of several predictors. `confusion`: [shape=(..., classes, classes)]"""
    return np.asarray(np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum(axis=(-2, -1)))


def class_scores(confusion: Int64) -> PerClassScores:
    """Precision, recall and F1 of each class. `confusion`: [shape=(classes, classes)]"""
    hits = np.diag(confusion).astype(np.float64)
    predicted, present = confusion.sum(axis=0), confusion.sum(axis=1)
    return PerClassScores(
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
    return float(macro_f1s(confusion))


def macro_f1s(confusion: Int64) -> Float64:
    """`macro_f1` of several predictors. `confusion`: [shape=(..., classes, classes)]"""
    total = confusion.sum(axis=-2) + confusion.sum(axis=-1)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    return mean_f1(hits, total)


def mean_f1(hits: Float64, total: Int64 | Float64) -> Float64:
    """`macro_f1` from the margins of confusion matrices, which may be weighted.

    Args:
        hits: the diagonal. [shape=(..., classes)]
        total: sums of rows plus sums of columns. [shape=(..., classes)]
    """
    f1 = _share(2.0 * hits, total)
    return np.asarray(f1.sum(axis=-1) / (total > 0).sum(axis=-1))


def batch_mean_f1(label: Int64, predicted: Int64, batch_size: int = SOURCE_BATCH_SIZE) -> float:
    """The F1 that the source printed: the mean of each batch's macro-F1, in stored order.

    It depends on the order of the rows and on the batch size (sorted rows halve
    it), so it serves for comparison with the source's figures only.

    Args:
        label: true classes, in stored order. [shape=(n,)]
        predicted: predicted classes. [shape=(n,)]
        batch_size: rows a batch; the last may be smaller.
    """
    return float(batch_mean_f1s(label, predicted, batch_size))


def batch_mean_f1s(label: Int64, predicted: Int64, batch_size: int = SOURCE_BATCH_SIZE) -> Float64:
    """`batch_mean_f1` of several predictors. `predicted`: [shape=(..., n)]"""
    classes = int(max(label.max(), predicted.max())) + 1
    predictors = predicted.reshape(-1, len(label))
    batches = -(-len(label) // batch_size)
    index = np.arange(len(predictors))[:, None] * batches + np.arange(len(label)) // batch_size
    confusion = _counts(label, predictors, index, len(predictors) * batches, classes)
    means = macro_f1s(confusion.reshape(-1, batches, classes, classes)).mean(axis=-1)
    return np.asarray(means.reshape(predicted.shape[:-1]))


def cross_entropy(logits: npt.NDArray[np.float32], label: Int64) -> Float64:
    """Mean cross-entropy in nats; not finite where the logits are not.

    Args:
        logits: [shape=(..., n, classes)]
        label: [shape=(n,)]

    Returns:
        [shape=(...)]
    """
    with np.errstate(invalid="ignore", over="ignore"):
        shifted = logits - logits.max(axis=-1, keepdims=True)
        log_total = np.log(np.exp(shifted).sum(axis=-1))
    of_label = np.take_along_axis(shifted, np.broadcast_to(label, log_total.shape)[..., None], -1)
    return np.asarray((log_total - of_label[..., 0]).mean(axis=-1, dtype=np.float64))


def _counts(label: Int64, predictors: Int64, index: Int64, matrices: int, classes: int) -> Int64:
    """Confusion matrices. [shape=(matrices, classes, classes)]

    Args:
        label: [shape=(n,)]
        predictors: predicted classes. [shape=(predictors, n)]
        index: of the matrix that a row counts in. [broadcasts to shape (predictors, n)]
        matrices: number of matrices.
        classes: number of classes.
    """
    cell = (index * classes + label) * classes + predictors
    counts = np.bincount(cell.ravel(), minlength=matrices * classes * classes)
    return counts.reshape(matrices, classes, classes).astype(np.int64)


def _share(part: Float64, whole: Int64 | Float64) -> Float64:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
