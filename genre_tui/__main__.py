"""`python -m genre_tui`."""

from genre_tui.cli import main

if __name__ == "__main__":
    main(prog_name="genre-tui")
