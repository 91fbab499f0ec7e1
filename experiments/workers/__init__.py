"""A pool of worker processes with the interface of `concurrent.futures`."""
