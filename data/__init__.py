"""Recordings -> segments -> features -> datasets.

Packages: `audio` (decoding and features), `datasets` (what a dataset is), `storage` (HDF5
files and the user's catalogue), `sources` (demo, recordings, arrays, tables, download),
`synthesis` (demo music), `auditing` (leaks) and `cli`. Imports nothing of the other rooms.

The names below are public; each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data.auditing import audit
    from data.datasets.dataset import Dataset, Split
    from data.errors import DataError
    from data.sources.audio_folder import build_dataset
    from data.sources.importing import import_dataset
    from data.sources.open import load_dataset
    from data.storage.catalogue import list_datasets

__all__ = [
    "DataError",
    "Dataset",
    "Split",
    "audit",
    "build_dataset",
    "import_dataset",
    "list_datasets",
    "load_dataset",
]
_MODULES = {
    "DataError": "data.errors",
    "Dataset": "data.datasets.dataset",
    "Split": "data.datasets.dataset",
    "audit": "data.auditing",
    "build_dataset": "data.sources.audio_folder",
    "import_dataset": "data.sources.importing",
    "list_datasets": "data.storage.catalogue",
    "load_dataset": "data.sources.open",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
