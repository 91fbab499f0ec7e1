"""Screen 1, Studies: all studies with their costs and last results; starts runs."""
