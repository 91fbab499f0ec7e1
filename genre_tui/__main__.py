"""`genre-tui`, or `python -m genre_tui`."""

from data.terminal.entry import run_command


def main() -> None:
    """Run the terminal UI's command line."""
    run_command("genre_tui.cli", "genre-tui")


if __name__ == "__main__":
    main()
