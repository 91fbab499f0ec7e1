"""The house rules: who imports whom, and what starts without torch."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import record_run

ROOT = Path(__file__).parents[1]
PUBLIC = ("data", "networks", "experiments")  # rooms with public names
ROOMS = {
    "data": {"data"},
    "networks": {"networks"},
    "experiments": {"experiments", "data", "networks"},
    "genre_tui": {"genre_tui", "experiments", "data"},
}
# The packages and files inside a room, and which of their room each may import.
PACKAGES = {
    "data": {
        "errors": "",
        "synthesis": "",
        "processes": "",
        "import_paths": "",
        "files": "errors",
        "terminal": "errors import_paths",
        "audio": "errors files processes",
        "datasets": "errors audio files",
        "storage": "errors datasets audio files terminal",
        "sources": "errors storage datasets audio synthesis files terminal",
        "auditing": "errors sources storage datasets terminal",
        "cli": "*",
    },
    "networks": {
        "errors": "",
        "backend": "errors",
        "models": "errors backend",
        "optimizers": "models",
        "safe_loading": "errors models",
        "inference": "errors backend safe_loading models",
        "training": "errors backend optimizers models inference",
        "onnx": "errors backend inference models",
        "portable": "errors inference models",
        "engine": "errors backend training optimizers models inference",
        "api": "errors engine training inference models",
    },
    "experiments": {
        "errors": "",
        "statistics": "",
        "workers": "errors",
        "design": "errors",
        "runs": "errors design statistics",
        "studies": "errors design",
        "training": "errors design runs workers",
        "results": "errors design runs statistics",
        "search": "errors design runs training",
        "forecasting": "errors design runs training",
        "machine_speed": "errors design forecasting training workers",
        "report": "errors design runs results statistics studies",
        "export": "errors design runs results",
        "execution": "errors design runs training forecasting search workers",
        "display": "errors design runs results statistics execution",
        "cli": "*",
        "api": "errors design runs studies results statistics execution export display",
    },
    "genre_tui": {
        "core": "",
        "widgets": "core",
        "watch": "core",
        "plots": "core widgets",
        "model": "core watch",
        "shell": "core widgets watch model",
        "studies": "core widgets plots watch model shell",
        "runs": "core widgets plots watch model shell",
        "run": "core widgets plots watch model shell",
        "confusion": "core widgets plots watch model shell",
        "compare": "core widgets plots watch model shell",
        "datasets": "core widgets plots watch model shell",
        "app": "core watch model shell widgets",
        "serve": "core",
        "cli": "app core serve",
    },
}
# Packages that a file may import by a name in a string, when they are first used.
LATER = {"genre_tui": {"app": "studies runs run confusion compare datasets"}}
_MODULE_NAME = re.compile(rf"({'|'.join(ROOMS)})(\.[a-z_]\w*)+")


def _modules(node: ast.AST) -> Iterator[str]:
    """Every module, or name in a module, that an import statement names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports hide their direction"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def _imports(path: Path) -> set[str]:
    """What a file imports, also inside functions and under TYPE_CHECKING."""
    return {module for node in _nodes(path) for module in _modules(node)}


def _named(path: Path) -> set[str]:
    """Modules whose names a file holds in strings, to import them later."""
    values = {node.value for node in _nodes(path) if isinstance(node, ast.Constant)}
    names = {value for value in values if isinstance(value, str) and _MODULE_NAME.fullmatch(value)}
    return {name for name in names if not name.endswith(".tcss")}


def _tops(path: Path) -> set[str]:
    return {module.split(".")[0] for module in _imports(path)}


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_in_one_direction(room: str) -> None:
    files = list((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        wrong = (_tops(path) & ROOMS.keys()) - ROOMS[room]
        assert not wrong, f"{path} imports {wrong}"


@pytest.mark.parametrize("room", PACKAGES)
def test_packages_import_those_they_may(room: str) -> None:
    table, wrong = PACKAGES[room], []
    for path in (ROOT / room).rglob("*.py"):
        parts = path.relative_to(ROOT / room).with_suffix("").parts
        package = parts[0]
        if package in ("__init__", "__main__"):
            continue
        assert package in table, f"{path} is in no package of the table"
        allowed = {package, *(table if table[package] == "*" else table[package].split())}
        later = {*allowed, *LATER.get(room, {}).get(package, "").split()}
        for modules, may in ((_imports(path), allowed), (_named(path), later)):
            for module in modules:
                names = module.split(".")
                if names[0] == room and len(names) > 1 and names[1] in table.keys() - may:
                    wrong.append(f"{'.'.join(parts)} imports {module}")
    assert not wrong, wrong


def test_modules_whose_names_are_kept_in_strings_exist() -> None:
    named = {
        name for room in ROOMS for path in (ROOT / room).rglob("*.py") for name in _named(path)
    }
    assert len(named) > 10
    for name in named:
        assert importlib.util.find_spec(name), name


@pytest.mark.parametrize("room", PUBLIC)
def test_public_names_are_those_of_the_table_and_of_the_type_checker(room: str) -> None:
    package = importlib.import_module(room)
    lazy = {f"{module}.{name}" for name, module in package._MODULES.items()}
    assert sorted(package.__all__) == sorted(package._MODULES)
    typed = {name for name in _imports(ROOT / room / "__init__.py") if name.startswith(f"{room}.")}
    assert typed == lazy


def test_public_names_are_imported_when_they_are_used() -> None:
    script = f"""
import sys
import {", ".join(PUBLIC)}
print(*(name for name in sys.modules if name.startswith({tuple(f"{room}." for room in PUBLIC)!r})))
"""
    # They make sure of Keras's backend.
    assert _output(script).split() == ["networks.errors", "networks.backend"]


@pytest.mark.parametrize("room", ROOMS)
def test_no_files_import_each_other_in_a_circle(room: str) -> None:
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / room).rglob("*.py")
    }
    graph: dict[str, set[str]] = {}
    for name, path in files.items():
        found = {
            module if module in files else module.rpartition(".")[0] for module in _imports(path)
        }
        graph[name] = found & files.keys() - {name}
    assert any(graph.values())
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError and names the circle


def test_only_networks_imports_keras() -> None:
    for package in ("data", "experiments", "genre_tui"):
        for path in (ROOT / package).rglob("*.py"):
            assert "keras" not in _tops(path), path


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("experiments", ["list"]),
        ("experiments", ["list", "--json"]),
        ("experiments", ["--help"]),
        ("experiments", ["run", "--help"]),
        ("tests.bench", ["--help"]),
        ("experiments", ["runs"]),
        ("experiments", ["watch", "--help"]),
        ("experiments", ["stop", "--help"]),
        ("experiments", ["resume", "--help"]),
        ("genre_tui", ["--help"]),
        ("genre_tui", ["--version"]),
        ("genre_tui", ["list"]),
        ("genre_tui", ["data", "list"]),
        ("data", ["list"]),
        ("data", ["--help"]),
        ("data", ["build", "--help"]),
        ("data", ["import", "--help"]),
        ("data", ["audit", "--help"]),
    ],
)
def test_light_commands_do_not_import_torch(module: str, arguments: list[str]) -> None:
    script = f"""
import runpy, sys
sys.argv = [{module!r}, *{arguments!r}]
try:
    runpy.run_module({module!r}, run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
"""
    assert _heavy(script) == []


def test_looking_at_results_does_not_import_torch(tmp_path: Path) -> None:
    record_run(tmp_path)
    script = f"""
import asyncio, sys
from pathlib import Path
from experiments.cli.main import main
main(["show", "latest", "--runs", {str(tmp_path)!r}], standalone_mode=False)
main(["runs", "--runs", {str(tmp_path)!r}], standalone_mode=False)
main(["watch", "--once", "--json", "--runs", {str(tmp_path)!r}], standalone_mode=False)
from genre_tui.app import GenreTui
from genre_tui.core.app_session import AppSession
async def look():
    runs = Path({str(tmp_path)!r})
    app = GenreTui(AppSession(runs))
    async with app.run_test() as pilot:
        await pilot.press("1", "2", "enter", "3", "4", "5", "6")
        await pilot.pause(0.5)
asyncio.run(look())
"""
    # Intervals and comparisons take SciPy, once they are asked for.
    assert set(_heavy(script)) <= {"scipy"}


def _heavy(script: str) -> list[str]:
    """What should not be in memory after a script, but is."""
    script += """
print(*sorted({"torch", "keras", "sklearn", "scipy"} & set(sys.modules)))
"""
    return _output(script).splitlines()[-1].split()


def _output(script: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        env=environment,
    )
    return done.stdout
