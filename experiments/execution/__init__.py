"""The process of a run: it plans, schedules cohorts on workers and logs events."""
