"""What is asked: study, variant, trial, plan, request."""
