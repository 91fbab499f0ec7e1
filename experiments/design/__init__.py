"""What is trained and why: studies, variants, trials, plans, search spaces, requests."""
