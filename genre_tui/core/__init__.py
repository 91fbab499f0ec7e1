"""Services without widgets: theme, session state, key queue, background work, subprocesses."""
