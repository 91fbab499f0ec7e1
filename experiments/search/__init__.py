"""Searches: Optuna draws their trials, a generation at a time, and keeps them.

Both modules import Optuna: import them only in the process of a search.
"""
