"""Terminal plots, no domain."""
