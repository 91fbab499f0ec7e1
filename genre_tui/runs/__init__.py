"""Screen 2, Runs: the table of all runs, filtered and sorted."""
