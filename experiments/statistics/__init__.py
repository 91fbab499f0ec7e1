"""Confidence intervals, paired tests and rankings of test figures; NumPy and SciPy only.

`replicates`: what counts as one value, a seed or a fold. `intervals`: of a mean over them.
`cluster_bootstrap`: of trained models over the choice of test rows. `paired_tests`: two variants
over seeds or folds, two models over rows, Holm's adjustment. `ranking` orders a study's variants
and compares each two, and `answer` puts that into a sentence.
"""
