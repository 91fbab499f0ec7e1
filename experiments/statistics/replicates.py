"""Replicates: trainings that differ in their seeds, in cross-validation also in their folds.

Trainings that are tested on one fold share its rows and their train rows: they are no independent
sample, however many seeds there are. So the unit of all statistics is the fold: each counts once,
with its mean over seeds. Folds share train rows, too, which makes their spread too small for the
error of their mean: `effective_count` corrects for that.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping

# A seed; in cross-validation a fold (its number from 1, how many there are, what it keeps
# together) and a seed.
Unit = int | tuple[int, int, str]
Replicate = int | tuple[tuple[int, int, str], int]


def independent(values: Mapping[Replicate, float]) -> list[float]:
    """The values of seeds; in cross-validation the mean over the seeds of each fold."""
    units: dict[Unit, list[float]] = {}
    for replicate, value in values.items():
        units.setdefault(unit_of(replicate), []).append(value)
    return [statistics.fmean(unit) for unit in units.values()]


def unit_of(replicate: Replicate) -> Unit:
    """What a replicate counts as: its fold in cross-validation, else its seed."""
    return replicate[0] if isinstance(replicate, tuple) else replicate


def fold_count(replicates: Iterable[Replicate]) -> int:
    """Number of folds of the cross-validation; 0 where there is none."""
    return next((one[0][1] for one in replicates if isinstance(one, tuple)), 0)


def effective_count(n: int, folds: int = 0) -> float:
    """How many independent values have a mean that is as sure as that of `n` seeds or folds.

    A mean over folds has (1/n + n_test/n_train) times the variance between them: the corrected
    resampled t-test (Nadeau and Bengio 2003, "Inference for the Generalization Error", Mach.
    Learn. 52, 239-281), which keeps its level where the plain one, with 1/n, finds differences
    that are not there (Bouckaert and Frank 2004, PAKDD, LNCS 3056, 3-12). No estimate is unbiased
    (Bengio and Grandvalet 2004, J. Mach. Learn. Res. 5, 1089-1105). Of K folds one is tested and
    K - 2 train; the one that selects does not count as training, to err on the side of caution.

    Args:
        n: number of values.
        folds: of the cross-validation, also those without a value; 0 without.
    """
    return 1 / (1 / n + 1 / (folds - 2)) if folds else n
