"""`python -m experiments`."""

from data.terminal.entry import run_command

if __name__ == "__main__":
    run_command("experiments.cli.main", "python -m experiments")
