"""One training: schedules, callbacks, metrics, keras_fit."""
