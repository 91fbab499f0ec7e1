"""Configs of networks and trainings, and the Keras models built from them."""
