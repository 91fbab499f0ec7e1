"""P-values of several comparisons, so that one false alarm among them stays unlikely."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjustment (1979, Scand. J. Statist. 6, 65-70).

    The smallest of m p-values is multiplied by m, the next by m - 1 and so on; none may
    fall below the one before it or pass 1. Claiming what is below alpha afterwards makes
    any false claim with a probability of alpha at most, however the tests depend on each
    other.

    Args:
        p_values: of all comparisons that were made.

    Returns:
        In the same order.

    Raises:
        ValueError: a value that is no probability.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"p-values lie between 0 and 1. Received: {list(p_values)!r:.80}.")
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = least
    return tuple(adjusted)
