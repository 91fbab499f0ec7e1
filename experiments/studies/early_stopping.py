__doc__ = """How patient should early stopping be?

Cost: at most 50 epochs of the pooled CNN a variant; controlled, 5 variants x 4 learning
rates x 5 seeds x at most 50 epochs.

What the source found: patience 3 stopped after 7 epochs at 47.8 %, 5 after 18 at 61.9,
7 after 49 at 71.8, and 10 trained all 50 for 72.2 %. At a learning rate of 1e-5 nothing
had converged by then, and what it watched, the mean F1 of validation batches, is
noisier than the pooled macro-F1: it measured how soon noise looks like the end.

What to look for: in the controlled protocol, what patience saves (epochs) and costs
(macro-F1) where the best epoch is kept.
"""

from dataclasses import replace

from experiments.design.study import BUDGET, Variant
from experiments.studies.common import adam, controlled, controlled_only, source_variant, study
from networks.models.config import EarlyStoppingConfig

_EPOCHS = 50
# Epochs trained, accuracy, mean F1 of batches, seconds.
_A = {
    3: (7, 47.82, 31.55, 12.4),
    5: (18, 61.92, 36.85, 31.1),
    7: (49, 71.80, 39.32, 89.2),
    10: (50, 72.24, 40.04, 86.7),
}


def _variant(patience: int) -> Variant:
    epochs, accuracy, f1, seconds = _A[patience]
    watched = EarlyStoppingConfig(patience, "val_batch_mean_f1")
    pooled = EarlyStoppingConfig(patience, "val_macro_f1")
    return source_variant(
        f"patience-{patience}",
        replace(adam(1e-5, _EPOCHS), early_stopping=watched),
        (f"Adam 1e-5, {epochs} of at most {_EPOCHS} epochs", accuracy, f1, seconds),
        controlled_training=replace(controlled(), early_stopping=pooled),
    )


STUDY = study(
    "early-stopping",
    __doc__,
    (*map(_variant, _A), controlled_only("never")),
    replace(BUDGET, epochs=_EPOCHS),
)
