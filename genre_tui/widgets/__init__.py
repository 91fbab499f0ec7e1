"""Widgets without knowledge of runs: tables, forms, tab bar, key bar, status text."""
