"""Screen 1, Studies: the table of studies and the form that starts a run."""
