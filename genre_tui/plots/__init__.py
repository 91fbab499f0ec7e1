"""Plots of lines in a terminal: axes, braille dots, curves and their labels."""
