"""No screens: theme, session, keys, subprocesses."""
