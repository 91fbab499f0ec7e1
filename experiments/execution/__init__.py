"""The process that carries a run out."""
