"""Studies, runs, records, statistics and the command line. Imports `data` and `networks`.

Packages, bottom up: `statistics`; `workers` (processes); `design` (studies, trials, plans);
`runs` (a run's directory and records); `studies` (our own); `training` (what workers do);
`results`, `search`, `forecasting`, `report`, `export`; `execution` (the run process);
`display` (tables, progress); `cli` and `api`.

The names below are public; each is imported when it is first used.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.api import Run, compare, list_runs, load_run, run_study
    from experiments.design.study import Study, Variant
    from experiments.errors import RunError
    from experiments.results.run_result import RunResult
    from experiments.studies import STUDIES

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
    _require_ours()
    return getattr(import_module(_MODULES[name]), name)


def _require_ours() -> None:
    """Raise ImportError where a module of the user has the name of a package needed here."""
    for name in ("data", "networks"):
        found = Path(import_module(name).__file__ or "")
        if found.parent.parent != Path(__file__).parent.parent:
            raise ImportError(
                f"experiments needs the package {name} of genre-tui, which {found} hides: rename "
                f"that, or keep its folder out of sys.path. The command genre-tui is not concerned."
            )
