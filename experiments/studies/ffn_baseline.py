__doc__ = """How far does a small feed-forward network get on MFCC statistics?

Cost: seconds a seed on one CPU core (30 epochs of 3200 rows).

What the source found: about 59 % accuracy after the last epoch; its "best
validation F1" model, 61 %, was no better by design: the code kept a reference
to the model instead of a copy, so its best model is its last one.

What to look for: does keeping the best epoch help (controlled protocol)? How
far do seeds alone move the figures? Do classic models on the same rows, which
stand below the table, do better? Which genres does it mix up?
"""

from dataclasses import replace

from experiments.design.published_figure import PublishedFigure
from experiments.design.study import Variant
from experiments.studies.common import FFN, FFN_BUDGET, FFN_TRAINING, study

_PROTOCOL = "SGD 0.002, 30 epochs"

STUDY = study(
    "ffn-baseline",
    __doc__,
    variants=(
        Variant(
            "last-epoch",
            FFN,
            FFN_TRAINING,
            published=(
                PublishedFigure("A", _PROTOCOL, 58.87, 31.33, 16.6),
                PublishedFigure("B", f"{_PROTOCOL}, on a CPU", 62.14, 61.1, 9.0),
                PublishedFigure("B", f"{_PROTOCOL}, on a GPU", 56.40, 55.4, 13.2),
            ),
        ),
        Variant(
            "best-validation-f1",
            FFN,
            FFN_TRAINING,
            controlled=replace(FFN_TRAINING, keep="best"),
            published=(
                PublishedFigure("A", _PROTOCOL, 60.90, 28.96),
                PublishedFigure("B", f"{_PROTOCOL} more, true copy of the best", 60.97, 58.97),
            ),
            note=(
                "the source kept a reference to its best model, not a copy: the documented "
                "protocol repeats that, so this is the last epoch again. The controlled protocol "
                "keeps a true copy."
            ),
        ),
    ),
    budget=FFN_BUDGET,
)
