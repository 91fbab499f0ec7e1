"""Measurements of the program beside its rivals, in one run on one machine."""
