"""What came of a run, typed."""
