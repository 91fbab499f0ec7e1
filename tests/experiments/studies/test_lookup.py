"""Studies by name, changed by options of the wrong type: refused in a sentence."""

from typing import Any

import pytest

from experiments.errors import RunError
from experiments.studies.lookup import study_from_options


def test_options_change_a_study() -> None:
    study, options = study_from_options(
        "ffn-baseline", variants=["last-epoch"], grid={"training.batch_size": [8, 16]}, seeds=2
    )
    assert [variant.network for variant in study.variants] == [study.variants[0].network] * 2
    assert [variant.training.batch_size for variant in study.variants] == [8, 16]
    assert options.seeds == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"variants": "last-epoch"}, "variants must be a list of names. Received: 'last-epoch'."),
        ({"variants": 5}, "Received: 5."),
        ({"grid": ["training.batch_size=8"]}, "vary must be a dict of lists of values"),
        (
            {"grid": {"training.batch_size": 16}},
            "vary: training.batch_size must be a list of values. Received: 16.",
        ),
        ({"grid": {"training.batch_size": "16"}}, "must be a list of values. Received: '16'."),
    ],
)
def test_options_of_another_type(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RunError) as refused:
        study_from_options("ffn-baseline", **options)
    assert sentence in str(refused.value)
