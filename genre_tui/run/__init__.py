"""Screen 3, Run: curves, trials, progress and output of one run; stops and resumes it."""
