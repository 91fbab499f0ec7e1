"""Audio to features to datasets.

The way of the data: recording -> segments (`audio`) -> features (`features`)
-> dataset (`dataset`) -> file (`store`), with the documented arrays
(`npy_folder`), folders of recordings (`audio_folder`) and the built-in music
(`demo`) as sources. Imports nothing of the other packages.
"""

import os

# Keras reads this once, when it is first imported, so every package sets it.
os.environ.setdefault("KERAS_BACKEND", "torch")
