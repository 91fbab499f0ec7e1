"""A run on disk: files, lock, events, state (no torch)."""
