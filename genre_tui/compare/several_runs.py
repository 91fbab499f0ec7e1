"""Several runs on the screen Compare: variants, best variants, differing settings."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from experiments.results.number_format import between, mean_std, p_value, points
from experiments.results.run_result import RunResult
from genre_tui.compare.comparison_data import FIGURES, Figure, SeveralRuns
from genre_tui.compare.dot_plot import DotPlot
from genre_tui.core.theme import append_run
from genre_tui.widgets.fitted_table import FittedTable

CANNOT_TELL = "cannot tell"
UNLIKE = "Warning: these runs are about different rows. Their figures are not comparable."


def title(result: RunResult, number: int = 0) -> Text:
    """A run in a line, after its number unless that is 0."""
    text = Text(f"{number} " if number else "", "bold", no_wrap=True, overflow="ellipsis")
    text.append(result.run.name, "bold")
    return append_run(text, result.is_demo, result.state, result.protocol, result.dataset)


def heading(several: SeveralRuns) -> Text:
    """All runs, and a warning where their datasets differ."""
    lines = [title(result, number) for number, result in enumerate(several.compared.results, 1)]
    if not several.compared.share_dataset:
        lines.append(Text(UNLIKE, "bold reverse"))
    return Text("\n").join(lines)


def figures(several: SeveralRuns, figure: Figure) -> RenderableType:
    """Dot plot, and table with a line for each variant and run."""
    rows: list[list[str]] = []
    for common in several.compared.variants:
        name = common.name
        for number, found in enumerate(common.results, 1):
            if found is None:
                continue
            against = common.to_first[number - 1]
            comparison = getattr(against, figure) if against else None
            cells = [name, str(number), mean_std(getattr(found, figure), "±"), str(found.n)]
            if comparison is not None:
                cells += [points(comparison.difference), p_value(comparison.p)]
                cells += [between(comparison.interval, 1, signed=True), str(comparison.n)]
            else:
                cells += [_why_not(several, number, against is None), "", "", ""]
            rows.append(cells)
            name = ""
    columns = {"variant": 0, "run": 0, f"{FIGURES[figure]} %": 0, "n": 3}
    shares = any(row[4] for row in rows)
    if shares:
        columns |= {
            "minus run 1": 0,
            "p": 1,
            "95 % interval": 2,
            f"{several.compared.results[0].unit}s": 4,
        }
    else:
        rows = [row[:4] for row in rows]
    plot = several.plots[figure]
    series = [int(row.entry.name.partition(" ")[0]) - 1 for row in plot.rows]
    parts: list[RenderableType] = [DotPlot(plot, series), Text(), FittedTable(columns, rows)]
    if not shares:
        parts.append(Text("The runs have no variant in common."))
    elif any(CANNOT_TELL in row for row in rows):
        which = "three seeds" if several.compared.results[0].unit == "seed" else "three equal folds"
        parts.append(Text(f"Cannot tell: the runs share fewer than {which} of that variant."))
    return Group(*parts)


def beside(several: SeveralRuns) -> RenderableType:
    """The best variants on the same rows, and the settings in which the runs differ."""
    from experiments.display.comparison_tables import differences  # it imports SciPy

    parts = [text for one in several.compared.best for text in (Text(one.sentence), Text())]
    return Group(*parts, *differences(several.compared))


def _why_not(several: SeveralRuns, number: int, is_apart: bool) -> str:
    """Why there is no difference to the first run."""
    if number == 1:
        return ""
    first, here = several.compared.results[0], several.compared.results[number - 1]
    if first.content_sha256 != here.content_sha256:
        return "other rows"
    return "" if is_apart else CANNOT_TELL
