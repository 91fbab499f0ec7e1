"""Screen 5, Compare: the variants of a run, and runs beside each other."""
