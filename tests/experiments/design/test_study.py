"""Studies and variants that scripts make: what cannot be is refused in a sentence."""

from collections.abc import Callable
from typing import Any

import pytest

from experiments.design.request import Computing
from experiments.design.study import BUDGET, Budget, Study, Variant
from experiments.errors import RunError
from networks.models.config import FFNConfig, TrainingConfig

TRAINING = TrainingConfig("adam", 1e-3)
PLAIN = Variant("plain", FFNConfig(), TRAINING)


def study(
    name: Any = "mine", variants: Any = (PLAIN,), budget: Any = BUDGET, about: str = ""
) -> Study:
    return Study(name, "Which is best?", about, variants, budget)


def test_what_can_be_is_taken() -> None:
    assert study("a.b_c-9", (PLAIN, Variant("wide, 2", FFNConfig((512,)), TRAINING))).name
    assert study(budget=Budget(3, (1e-3,))).features == ("mfcc",)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: study("../evil"), "a study's name must be 1 to 64 lower-case letters"),
        (lambda: study("My Study"), "Received: 'My Study'"),
        (lambda: study(5), "Received: 5"),
        (lambda: study(variants="x"), "variants must be a tuple of Variants. Received: 'x'"),
        (lambda: study(variants=()), "a study needs at least one variant"),
        (lambda: study(variants=(5,)), "each of variants must be a Variant. Received: 5"),
        (lambda: study(variants=(PLAIN, PLAIN)), "names that differ. Received: ['plain', 'plain']"),
        (lambda: study(budget=None), "budget must be a Budget. Received: None"),
        (lambda: Variant("", FFNConfig(), TRAINING), "1 to 400 printable characters"),
        (lambda: Variant("a\x1b", FFNConfig(), TRAINING), "printable characters"),
        (lambda: Variant(5, FFNConfig(), TRAINING), "Received: 5"),  # type: ignore[arg-type]
        (lambda: Variant("a", "ffn", TRAINING), "Received: 'ffn'"),  # type: ignore[arg-type]
        (lambda: Variant("a", FFNConfig(), None), "must be a TrainingConfig"),  # type: ignore[arg-type]
        (lambda: Variant("a", FFNConfig(), TRAINING, 3), "controlled of the variant a"),  # type: ignore[arg-type]
        (
            lambda: Computing(checkpoint_seconds=-1),
            "checkpoint_seconds must be a number from 0 to 86,400",
        ),
        (lambda: Computing(checkpoint_seconds="a"), "Received: 'a'"),  # type: ignore[arg-type]
        (lambda: Computing(checkpoint_seconds=float("nan")), "Received: nan"),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(RunError) as refused:
        make()
    assert sentence in str(refused.value)
