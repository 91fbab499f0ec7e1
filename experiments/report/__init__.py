"""A run, or several, as one HTML file that stands on its own.

`page` sums a run up for the eye: `dots` and `curves` place what is plotted, `confusion`,
`statistics` and `ran` fill tables, `figures` asks the statistics. `writing` puts pages into
the templates and commits the file.
"""

from experiments.report.writing import write_report as write_report
