"""Datasets as HDF5 files, and the user's catalogue of them."""
