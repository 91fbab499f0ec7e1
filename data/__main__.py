"""`python -m data`."""

from data.cli.main import main

if __name__ == "__main__":
    main(prog_name="python -m data")
