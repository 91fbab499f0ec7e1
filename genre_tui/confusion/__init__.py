"""Screen 4, Confusion: confusion matrices of validation and test rows, and test segments."""
