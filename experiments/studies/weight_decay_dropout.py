__doc__ = """Do weight decay and dropout help each other?

Cost: 100 epochs of the pooled CNN in the documented protocol; controlled, 4 variants x
4 learning rates x 5 seeds x 20 epochs.

What the source found: 71.7 % with both, L2 1e-5 and dropout 0.1, Adam 1e-4 and 50
epochs, the winner of a random search of 7 trials. The learning rate that its search
drew was never used: while searching it was always 1e-5.

What to look for: is both together more than the better of the two alone?
"""

from dataclasses import replace

from experiments.studies.common import CNN, adam, controlled_only, source_variant, study

_FINAL = adam(1e-4, 50)
_L2 = 1e-5
_DROPS = replace(CNN, dropout=0.1)

STUDY = study(
    "weight-decay-dropout",
    __doc__,
    variants=(
        source_variant("none", _FINAL),
        controlled_only("l2", l2=_L2),
        controlled_only("dropout", _DROPS),
        source_variant(
            "both",
            _FINAL,
            ("Adam 1e-4, L2 1e-5, dropout 0.1, 50 epochs", 71.66, 38.01),
            _DROPS,
            l2=_L2,
            note="the source chose it by a search whose learning rate was always 1e-5, not 1e-4.",
        ),
    ),
)
