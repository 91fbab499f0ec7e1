"""The terminal UI. Reads run directories; never trains in its own process."""

import os

# Keras reads this once, when it is first imported, so every package sets it.
os.environ.setdefault("KERAS_BACKEND", "torch")
