"""One or more runs as a self-contained HTML file.

`page` collects the data of a run: `dot_plot` and `curves` lay out plots on the axes of `scale`,
`confusion` and `provenance` fill tables. `writing` renders the templates and writes the file.
"""

from experiments.report.writing import write_report as write_report
