"""What a worker process does: it trains a cohort, evaluates trials, fits baselines."""
