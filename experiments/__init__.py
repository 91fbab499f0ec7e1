"""Studies, runs, records and the command line. Imports `data` and `networks`.

The way of a run: a `study` becomes a `plan` of trials, the `runner` trains and
records them in a run's directory (`records`), `results` sums them up and
`tables` shows them.
"""

import os

# Keras reads this once, when it is first imported, so every package sets it.
os.environ.setdefault("KERAS_BACKEND", "torch")
