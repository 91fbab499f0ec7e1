"""A run and the datasets as the screens draw them."""
