"""Process pool (imports nothing of ours)."""
