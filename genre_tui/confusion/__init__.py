"""Screen 4, Confusion: matrices, their figures, and the test segments behind a cell."""
