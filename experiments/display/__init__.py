"""What command lines and notebooks show of runs: tables, and progress while they train."""
