"""`python -m experiments`: list studies, run them, show their results."""

from __future__ import annotations

from importlib import import_module

import click

from data.errors import DataError
from data.terminal.commands import SentenceGroup, version_option
from experiments.errors import RunError
from networks.errors import ConfigError

# Name -> module in this package and function. Each command pays for its own imports only.
_COMMANDS = {
    "list": ("studies", "list_studies"),
    "run": ("run", "run"),
    "runs": ("runs", "list_runs"),
    "watch": ("runs", "watch_run"),
    "stop": ("runs", "stop_run"),
    "resume": ("runs", "resume_run"),
    "remove": ("runs", "remove_run"),
    "show": ("report", "show"),
    "search": ("search", "search"),
    "report": ("report", "report"),
    "compare": ("report", "compare"),
    "export": ("export", "export"),
    "reproduce": ("reproduce", "reproduce"),
}


class ExperimentsGroup(SentenceGroup):
    """Shows bad configs, runs and data as sentences, and imports a command when it is named."""

    bad_input = (DataError, ConfigError, RunError)

    def list_commands(self, context: click.Context) -> list[str]:
        """Names of all commands, sorted."""
        return sorted(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        if name not in _COMMANDS:
            return None
        module, function = _COMMANDS[name]
        command: click.Command = getattr(import_module(f"experiments.cli.{module}"), function)
        return command


@click.group(cls=ExperimentsGroup, context_settings={"help_option_names": ["-h", "--help"]})
@version_option
def main() -> None:
    """Studies of music-genre networks: list them, run them, look at the results."""
