"""What a dataset is: splits, labels, tracks, artists; and how tracks come to splits or folds."""
