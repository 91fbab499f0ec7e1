"""What a dataset is: splits, labels, tracks, and how tracks are split."""
