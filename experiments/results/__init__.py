"""Results of finished runs: tables, analyses, comparisons, number formats."""
