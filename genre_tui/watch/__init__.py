"""Threads that read run folders; their messages."""
