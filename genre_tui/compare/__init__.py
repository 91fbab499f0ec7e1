"""Screen 5, Compare: variants of a run with intervals and answer, or several runs."""
