"""The terminal UI. Reads run directories; never trains in its own process."""
