"""A search's candidates as a table."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from data.terminal.console import table
from experiments.design.search_space import value_text
from experiments.results.search_result import SHOWN, RankedTrial, SearchResult


def search_view(result: SearchResult) -> Group:
    """The best trials as a table, and what their figures are worth."""
    best = result.ranked[:SHOWN]
    ended = len(result.ranked) + result.diverged + result.failed
    others = [
        f"{count} {name}"
        for name, count in (("diverged", result.diverged), ("failed", result.failed))
        if count
    ]
    many = f"{ended} of {result.asked}" if ended < result.asked else str(result.asked)
    title = f"Search, {many} trials" + (f" ({', '.join(others)})" if others else "")
    if not best:
        return Group(Text(f"{title}: none has finished.", style="bold"))
    lines: list[RenderableType] = [
        Text(f"{title}: the best {len(best)} on validation", style="bold"),
        _table(best),
    ]
    if any(one.macro_f1 is not None for one in result.ranked):
        said = (
            f"Selected on validation, where the best of {ended} is partly luck: the test figures "
            "are those to believe. The test rows were looked at once, for each variant's best "
            "trial alone."
        )
        lines.append(Text(said, style="dim"))
    return Group(*lines)


def _table(best: tuple[RankedTrial, ...]) -> RenderableType:
    columns = {
        "trial": [str(one.number) for one in best],
        "variant": [one.variant for one in best],
    }
    for path in dict.fromkeys(path for one in best for path in one.values):
        columns[path.partition(".")[2]] = [
            value_text(one.values[path]) if path in one.values else "" for one in best
        ]
    text = len(columns)
    columns["epoch"] = [str(one.epoch) for one in best]
    columns["validation macro-F1 %"] = [f"{one.validation_macro_f1 * 100:.2f}" for one in best]
    columns["test macro-F1 %"] = [
        "" if one.macro_f1 is None else f"{one.macro_f1 * 100:.2f}" for one in best
    ]
    return table(list(columns), list(zip(*columns.values(), strict=True)), left=text)
