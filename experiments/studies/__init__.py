"""All studies, one file each, in the order in which the source asks its questions."""

from experiments.design.study import Study
from experiments.studies import (
    activations,
    batch_norm,
    batch_size,
    device,
    dropout,
    early_stopping,
    ffn_baseline,
    optimizers,
    pooling_padding,
    schedulers,
    weight_decay,
    weight_decay_dropout,
)

STUDIES: dict[str, Study] = {
    module.STUDY.name: module.STUDY
    for module in (
        ffn_baseline,
        pooling_padding,
        optimizers,
        activations,
        schedulers,
        batch_norm,
        weight_decay,
        dropout,
        weight_decay_dropout,
        batch_size,
        early_stopping,
        device,
    )
}
