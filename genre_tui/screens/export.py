"""What `e` writes: the screen's tables, a screenshot, the run's report."""
