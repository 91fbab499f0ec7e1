"""Screen 6, Data: datasets, their contents and audits; builds and removes datasets."""
