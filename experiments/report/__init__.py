"""One or more runs as a self-contained HTML file.

`page` collects what is shown of a run: `dots` and `curves` lay out plots on the axes of `scale`,
`confusion`, `card` and `ran` fill tables. `writing` renders the templates and writes the file.
"""

from experiments.report.writing import write_report as write_report
