"""Studies, runs, records, statistics and the command line. Imports `data` and `networks`.

Packages, bottom up: `statistics`; `workers` (processes); `design` (studies, trials, plans);
`runs` (a run's directory and records); `studies` (our own); `training` (what workers do);
`results`, `search`, `forecasting`, `report`, `export`; `execution` (the run process);
`display` (tables, progress); `cli` and `api`.

The names below are public; each is imported when it is first used.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.api import Run, compare, list_runs, load_run, run_study
    from experiments.design.study import Study, Variant
    from experiments.errors import RunError
    from experiments.results.run_result import RunResult
    from experiments.studies import STUDIES

# Keras reads this once, when it is first imported, so every package sets it.
os.environ.setdefault("KERAS_BACKEND", "torch")

__all__ = [
    "STUDIES",
    "Run",
    "RunError",
    "RunResult",
    "Study",
    "Variant",
    "compare",
    "list_runs",
    "load_run",
    "run_study",
]
_MODULES = {
    "STUDIES": "experiments.studies",
    "Run": "experiments.api",
    "RunError": "experiments.errors",
    "RunResult": "experiments.results.run_result",
    "Study": "experiments.design.study",
    "Variant": "experiments.design.study",
    "compare": "experiments.api",
    "list_runs": "experiments.api",
    "load_run": "experiments.api",
    "run_study": "experiments.api",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
