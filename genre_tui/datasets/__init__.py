"""Screen 6, Data: datasets, their audits, imports and builds."""
