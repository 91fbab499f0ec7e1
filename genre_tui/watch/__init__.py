"""Threads that read run directories, and the messages they send to screens."""
