"""What needs no widget: theme, session, key queue, subprocesses, short names."""
