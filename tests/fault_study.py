"""A study that takes a second and has all that makes going on hard."""

from experiments.study import Budget, Study, Variant
from networks.config import (
    EarlyStoppingConfig,
    FFNConfig,
    ScheduleConfig,
    TrainingConfig,
)

_STOPS = TrainingConfig(
    optimizer="adam",
    learning_rate=0.01,
    epochs=40,
    batch_size=8,
    keep="best",
    early_stopping=EarlyStoppingConfig(patience=4, monitor="val_loss"),
    schedule=ScheduleConfig(kind="reduce_on_plateau", patience=2, monitor="val_loss"),
)
_RUNS_ON = TrainingConfig(optimizer="sgd", learning_rate=0.05, epochs=30, batch_size=8)

STUDY = Study(
    name="faults",
    question="Does it go on?",
    about="",
    variants=(
        Variant("stops", FFNConfig(hidden=(12,), dropout=0.2), _STOPS),
        Variant("normalised", FFNConfig(hidden=(12, 6), batch_norm=True), _STOPS),
        Variant("runs-on", FFNConfig(hidden=(8,)), _RUNS_ON),
        Variant(
            "diverges",
            FFNConfig(hidden=(8,)),
            TrainingConfig(optimizer="sgd", learning_rate=1e30, epochs=30, batch_size=8),
        ),
    ),
    budget=Budget(epochs=25, learning_rates=(1e-3, 1e-2)),
)
