"""Python -m data."""
