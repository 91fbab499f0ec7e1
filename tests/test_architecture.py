"""The house rules: who imports whom, and what starts without torch."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import record_run

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "data": {"data"},
    "networks": {"networks"},
    "experiments": {"experiments", "data", "networks"},
    "genre_tui": {"genre_tui", "experiments", "data"},
}


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide their direction"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_in_one_direction(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        wrong = (_imports(path) & ALLOWED.keys()) - ALLOWED[package]
        assert not wrong, f"{path} imports {wrong}"


def test_only_networks_imports_keras() -> None:
    for package in ("data", "experiments", "genre_tui"):
        for path in (ROOT / package).rglob("*.py"):
            assert "keras" not in _imports(path), path


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("experiments", ["list"]),
        ("experiments", ["list", "--json"]),
        ("experiments", ["--help"]),
        ("experiments", ["run", "--help"]),
        ("experiments", ["bench", "--help"]),
        ("experiments", ["runs"]),
        ("experiments", ["watch", "--help"]),
        ("experiments", ["stop", "--help"]),
        ("experiments", ["resume", "--help"]),
        ("data", ["list"]),
        ("data", ["--help"]),
        ("data", ["build", "--help"]),
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
from experiments.cli import main
main(["show", "latest", "--runs", {str(tmp_path)!r}], standalone_mode=False)
main(["runs", "--runs", {str(tmp_path)!r}], standalone_mode=False)
main(["watch", "--once", "--json", "--runs", {str(tmp_path)!r}], standalone_mode=False)
from genre_tui.app import GenreTui
from genre_tui.session import Session
async def look():
    runs = Path({str(tmp_path)!r})
    app = GenreTui(Session(runs))
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
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize("package", ALLOWED)
def test_keras_ends_up_on_torch_whichever_package_comes_first(package: str) -> None:
    script = (
        "import os; os.environ.pop('KERAS_BACKEND', None); "
        f"import {package}; import keras; print(keras.backend.backend())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "torch"


def test_another_backend_is_refused_in_a_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "experiments", "run", "ffn-baseline"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Error: networks train with Keras on torch. Received")
    assert len(done.stderr.splitlines()) == 1
