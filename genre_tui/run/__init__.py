"""Screen 3, Run: curves, trials, settings and output of one run."""
