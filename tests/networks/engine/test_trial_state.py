"""The Keras side of one trial."""

import sys
import tracemalloc

from networks.engine.trial_state import TrialSpec, TrialState
from networks.models.build import build_model
from networks.models.config import FFNConfig, TrainingConfig

EPOCHS = 5000
NAMES = ("loss", "val_loss", "accuracy", "val_accuracy", "val_macro_f1", "learning_rate")


def test_a_long_history_takes_few_bytes_a_value() -> None:
    """A hundred thousand epochs of 64 trials as Python floats are gigabytes."""
    network, training = FFNConfig(hidden=(2,)), TrainingConfig(epochs=2 * EPOCHS)
    trial = TrialState(0, TrialSpec(network, training, 1), build_model(network, 2), 1, ())
    trial.begin()
    tracemalloc.start()
    for epoch in range(EPOCHS):
        trial.end_epoch(epoch, dict.fromkeys(NAMES, epoch + 0.5), 0.25)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    values = EPOCHS * (len(NAMES) + 2)  # with the number and seconds of each epoch
    assert used / values < sys.getsizeof(0.5)
    found = trial.result()
    assert found.history == {name: [e + 0.5 for e in range(EPOCHS)] for name in NAMES}
    assert found.epoch_seconds == [0.25] * EPOCHS
    assert trial.model.history.epoch[-1] == EPOCHS - 1
