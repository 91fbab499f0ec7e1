"""Configs to Keras models to trained weights. The only user of Keras.

The way of a network: `config` says what it is and how it is trained, `ffn` and
`cnn` make a Keras model of it, `optimizers`, `schedules` and `callbacks` say
how it learns, `cohort` trains many together on the `engine` (as `fit` would each)
and `metrics` judges them. `inference` uses a kept model, after `vetting` its file.
Imports nothing of the other packages.
"""

import os

# Keras reads this once, when it is first imported, so every package sets it.
os.environ.setdefault("KERAS_BACKEND", "torch")
