"""A run's directory: records, events, checkpoints, lock and state. Imports no torch."""
