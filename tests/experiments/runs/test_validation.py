"""Checks of values from records."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.runs.validation import MALFORMED, seconds_list


def test_times_of_epochs_are_numbers_that_are_not_negative() -> None:
    assert seconds_list([0.5, 0.0, 1e9]) == (0.5, 0.0, 1e9)
    assert seconds_list([]) == ()
    whole = seconds_list([1, 0.5])
    assert (whole, {*map(type, whole)}) == ((1.0, 0.5), {float})


@pytest.mark.parametrize("bad", [-1.0, 1e11, float("nan"), float("inf"), True, None, "1", 10**400])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_other_times_are_refused(bad: Any, place: int) -> None:
    values: list[Any] = [0.5, 0.5]
    values.insert(place, bad)
    with pytest.raises(MALFORMED):
        seconds_list(values)
