"""Studies, runs, records and the command line. Imports `data` and `networks`.

The way of a run: `launch` starts its `owner`, a process of its own; a `study` becomes
a `plan` of trials in `cohorts`, which the `runner` hands to workers (`pool`, `tasks`).
A worker trains a cohort (`engine`) and records its trials (`recorder`) in the run's
directory (`records`, `checkpoints`); the owner tells `events`. `state` and
`event_reader` say how it is, `results` sums it up and `tables` shows it.
"""

import os

# Keras reads this once, when it is first imported, so every package sets it.
os.environ.setdefault("KERAS_BACKEND", "torch")
