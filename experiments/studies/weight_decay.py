__doc__ = """Does weight decay help?

Cost: 120 epochs of the pooled CNN in the documented protocol; controlled, 6 strengths
x 4 learning rates x 5 seeds x 20 epochs.

What the source found: 65.7 % with L2 1e-5, Adam 1e-3 and 60 epochs, the winner of a
random search of 7 trials over {1e-5 ... 1e-1}. The learning rate that its search drew
was never used: while searching it was always 1e-5. What was trained at the end had
1e-3, which no trial of the search had seen.

What to look for: the gap between train and validation loss, and at which strength
the network stops learning at all.
"""

from experiments.studies.common import adam, controlled_only, source_variant, study

_FINAL = adam(1e-3, 60)
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # that the source searched

STUDY = study(
    "weight-decay",
    __doc__,
    variants=(
        source_variant("none", _FINAL),
        source_variant(
            f"l2-{STRENGTHS[0]:g}",
            _FINAL,
            ("Adam 1e-3, L2 1e-5, 60 epochs", 65.70, 35.21),
            l2=STRENGTHS[0],
            note="the source chose it by a search whose learning rate was always 1e-5, not 1e-3.",
        ),
        *(controlled_only(f"l2-{strength:g}", l2=strength) for strength in STRENGTHS[1:]),
    ),
)
