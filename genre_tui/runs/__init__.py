"""Screen 2, Runs: the live table of all runs; sorts, filters, marks, stops and removes them."""
