"""Where modules are imported from: no folder of the user hides our packages from a command."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path

_ROOT = str(Path(__file__).parents[1])
_PACKAGES = ("data", "networks", "experiments", "genre_tui")


def prefer_ours() -> None:
    """Let this process and those that it starts import our packages, whatever lies elsewhere.

    Called by a command whose `__main__` has put our folder first into `sys.path`, in place of
    the working directory. That folder goes back to where it was, behind the standard library;
    folders in which a module has the name of one of our packages, as PYTHONPATH may name, go
    to the end.
    """
    if _ROOT in sys.path[1:]:
        sys.path.remove(_ROOT)
    hiding = [path for path in sys.path if path != _ROOT and _hides_ours(path)]
    sys.path[:] = [path for path in sys.path if path not in hiding] + hiding
    os.environ.update(variables())


def _hides_ours(path: str) -> bool:
    specs = (PathFinder.find_spec(name, [path]) for name in _PACKAGES)
    return any(spec is not None and spec.origin is not None for spec in specs)


def variables() -> dict[str, str]:
    """Variables that let a process import what this one can, whatever is in its folder."""
    paths = [os.path.abspath(path) for path in sys.path if path]
    return {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
