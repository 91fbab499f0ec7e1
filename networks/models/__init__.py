"""Configs and Keras models."""
