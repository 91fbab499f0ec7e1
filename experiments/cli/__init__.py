"""Python -m experiments."""
