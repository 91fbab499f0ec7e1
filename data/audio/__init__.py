"""Recordings -> segments -> features."""
