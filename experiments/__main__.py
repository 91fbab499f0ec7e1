"""`python -m experiments`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # In place of the working directory, where a module of any name would hide the one needed.
    sys.path[: 0 if sys.flags.safe_path else 1] = [str(Path(__file__).parents[1])]
    from data.terminal.entry import run_command

    run_command("experiments.cli.main", "python -m experiments")
