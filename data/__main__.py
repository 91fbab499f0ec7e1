"""`python -m data`."""

from data.terminal.entry import run_command

if __name__ == "__main__":
    run_command("data.cli.main", "python -m data")
