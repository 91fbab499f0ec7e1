"""The documents show commands that exist, and show all of them."""

import re
import shlex
from pathlib import Path

import click
import pytest
from textual.binding import Binding

from data.cli.main import main as data_main
from experiments.cli.main import main as experiments_main
from genre_tui.app import GenreTui
from genre_tui.cli import main as tui_main

ROOT = Path(__file__).parents[1]
MODULES = {"data": data_main, "experiments": experiments_main}
README = (ROOT / "README.md").read_text(encoding="utf-8")
DATASETS = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")


def _commands(text: str) -> list[list[str]]:
    """Every command of a document's indented blocks, as words."""
    return [
        shlex.split(part, comments=True)
        for line in text.splitlines()
        if line.startswith("    ")
        for part in line.split("&&")
        if part.strip()
    ]


def _resolve(words: list[str]) -> None:
    """Parse a command with click, as running it would, without running it."""
    if words[0].endswith("genre-tui"):
        command: click.Command = tui_main
        rest = words[1:]
        if not rest or rest[0] not in _subcommands(tui_main):
            tui_main.make_context("x", rest)
            return
    else:
        assert words[:2] == [".venv/bin/python", "-m"], words
        command, rest = MODULES[words[2]], words[3:]
    context = click.Context(command, info_name="x")
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, f"{words}: no command {name}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    command.make_context("x", list(rest), parent=context)


def _subcommands(group: click.Group) -> dict[str, click.Command]:
    """A group's commands by name, also those that are imported when they are named."""
    context = click.Context(group)
    names = group.list_commands(context)
    return {name: command for name in names if (command := group.get_command(context, name))}


OURS = [
    words
    for words in _commands(README) + _commands(DATASETS)
    if words[0].endswith("genre-tui") or (words[1:2] == ["-m"] and words[2] in MODULES)
]


@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_every_command_of_the_documents_exists(words: list[str]) -> None:
    _resolve(words)


def test_the_check_itself_can_fail() -> None:
    with pytest.raises(click.UsageError):
        _resolve([".venv/bin/python", "-m", "experiments", "run", "ffn-baseline", "--nonsense"])


def test_all_other_commands_are_the_set_up() -> None:
    others = [words for words in _commands(README) + _commands(DATASETS) if words not in OURS]
    assert len(OURS) >= 8
    for words in others:
        assert (
            words[:3] == ["python3", "-m", "venv"]
            or words[0] == ".venv/bin/pip"
            or words
            == [
                ".venv/bin/python",
                "-m",
                "pytest",
            ]
        )


@pytest.mark.parametrize("module", MODULES)
def test_every_command_is_in_the_readme(module: str) -> None:
    for name in _subcommands(MODULES[module]):
        program = "genre-tui data" if module == "data" else "genre-tui"
        assert re.search(rf"{program} {name}\b|-m {module} {name}\b|`{name}`", README), name


def test_every_option_of_run_is_in_the_readme() -> None:
    for parameter in _subcommands(experiments_main)["run"].params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in README


def test_every_key_that_works_everywhere_is_in_the_readme() -> None:
    shown = [b.key for b in GenreTui.BINDINGS if isinstance(b, Binding)]
    keys = ("1", "2", "3", "4", "5", "6", "ctrl+p", "e", "y", "q")
    for key in keys:
        assert any(key in binding.split(",") for binding in shown), key
        assert f"`{key}`" in README, key
    assert "`?`" in README


def test_ci_runs_the_readmes_commands() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for pattern in re.findall(r"grep -m1 '([^']+)' README.md", ci):
        matches = [line for line in README.splitlines() if re.search(pattern, line)]
        assert len(matches) == 1, pattern
        assert matches[0].strip().startswith("python3 -m venv")


def test_every_file_the_readme_shows_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_command_explains_itself() -> None:
    for module, group in MODULES.items():
        for name, command in _subcommands(group).items():
            assert command.help, (module, name)
            for parameter in command.params:
                if isinstance(parameter, click.Option):
                    assert parameter.help, (module, name, parameter.name)
