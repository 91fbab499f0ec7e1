"""What every training uses: backend, schedules, callbacks, metrics, random streams."""
