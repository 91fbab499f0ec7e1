__doc__ = """Does dropout help?

Cost: 120 epochs of the pooled CNN in the documented protocol; controlled, 6 shares x
4 learning rates x 5 seeds x 20 epochs.

What the source found: 71.3 % with a share of 0.1 after the first three convolutions,
Adam 1e-4 and 60 epochs, the winner of a random search of 7 trials over {0.1, 0.3, 0.5,
0.7, 0.9}. The learning rate that its search drew was never used: while searching it
was always 1e-5.

What to look for: the gap between train and validation loss, and the share from which
on the network no longer learns in 20 epochs.
"""

from dataclasses import replace

from experiments.studies.common import CNN, adam, controlled_only, source_variant, study

_FINAL = adam(1e-4, 60)
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)  # that the source searched

STUDY = study(
    "dropout",
    __doc__,
    variants=(
        source_variant("none", _FINAL),
        source_variant(
            f"dropout-{SHARES[0]:g}",
            _FINAL,
            ("Adam 1e-4, dropout 0.1, 60 epochs", 71.29, 37.08),
            replace(CNN, dropout=SHARES[0]),
            "the source chose it by a search whose learning rate was always 1e-5, not 1e-4.",
        ),
        *(controlled_only(f"dropout-{s:g}", replace(CNN, dropout=s)) for s in SHARES[1:]),
    ),
)
