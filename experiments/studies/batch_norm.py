__doc__ = """Does batch normalisation help?

Cost: 12 epochs of the pooled CNN in the documented protocol; controlled, 2 variants
x 4 learning rates x 5 seeds x 20 epochs.

What the source found: 70.0 % after 6 epochs at a learning rate of 1e-5, batch norm on
all hidden layers, the dense ones too. Without it, 5 epochs at that rate had given
57.3 %, so at small rates it learns much faster.

What to look for: is anything left of that where each has its own best learning rate
and 20 epochs?
"""

from dataclasses import replace

from experiments.studies.common import CNN, adam, source_variant, study

STUDY = study(
    "batch-norm",
    __doc__,
    variants=(
        source_variant("none", adam(1e-5, 6)),
        source_variant(
            "batch-norm",
            adam(1e-5, 6),
            ("ReLU, Adam 1e-5, 6 epochs", 69.99, 40.26),
            replace(CNN, batch_norm=True),
        ),
    ),
)
