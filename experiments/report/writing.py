"""Renders pages with the templates and writes the HTML file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.files.atomic import commit, writing
from data.files.plain import plain_file
from data.terminal.text import clean
from experiments.errors import RunError
from experiments.results.number_format import (
    NONE,
    between,
    p_value,
    per_cent,
    plural,
    points,
    rate,
    signed,
)
from experiments.runs.directory import RunDirectory

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES = Path(__file__).parent / "templates"
_MARK = '<meta name="generator" content="genre-tui report">'
_MINUS = "\N{MINUS SIGN}"
_BEGINNING = 512  # bytes that contain a report's mark


def write_report(
    runs: Sequence[RunDirectory], path: Path, title: str | None = None, *, replace: bool = False
) -> None:
    """Write one self-contained HTML file about one or more runs.

    The file needs no other files and no network; everything from records is escaped.

    Args:
        runs: in the order of the file, at least one.
        path: of the file; an existing report there is replaced.
        title: of the document; None means the study's name.
        replace: whether to replace a file that is not a report.

    Raises:
        RunError: a record is missing or damaged, or `path` is another file.
        DataError: it cannot be written.
    """
    if not replace:
        _refuse_other_file(path)
    text = render(runs, title)
    with commit(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _refuse_other_file(path: Path) -> None:
    with writing(path):
        if not path.exists():
            return
        if path.is_dir():
            raise RunError(f"{path} is a folder: name a file, such as {path / 'report.html'}.")
        with open(path, "rb", opener=plain_file) as file:
            beginning = file.read(_BEGINNING)
    if _MARK.encode() not in beginning:
        raise RunError(
            f"{path} exists and is not a report: name another file with -o, or add --replace."
        )


def render(runs: Sequence[RunDirectory], title: str | None = None) -> str:
    """Render the HTML of a report; arguments as `write_report`.

    Raises:
        RunError: there are no runs, or a record is missing or damaged.
    """
    from markupsafe import Markup

    from experiments.report.page import page_of

    if not runs:
        raise RunError("a report needs at least one run. Received none.")
    pages = [page_of(run, f"run-{number}") for number, run in enumerate(runs, 1)]
    styles = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    default = pages[0].result.study if len(pages) == 1 else f"{len(pages)} runs"
    return (
        _environment()
        .get_template("report.html")
        .render(title=title or default, pages=pages, styles=Markup(styles), mark=Markup(_MARK))
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        **{each.__name__: each for each in (per_cent, p_value, rate, seconds, moment, plural)},
        **{each.__name__: _with_minus(each) for each in (between, points, signed)},
        "unbroken": _unbroken,
        "breakable": _breakable,
    }
    return made


def seconds(value: float | None) -> str:
    """Seconds to three significant digits."""
    if value is None:
        return NONE
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def moment(utc: str) -> str:
    """A time from ISO 8601."""
    return utc.replace("T", " ").replace("+00:00", " UTC")


def _with_minus(number_text: Callable[..., str]) -> Callable[..., str]:
    """The same with the typographic minus."""
    return lambda *args, **options: number_text(*args, **options).replace("-", _MINUS)


def _unbroken(text: str) -> str:
    """A sentence whose lines do not break before a per cent sign."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _cleaned(value: Any) -> Any:
    """Text without control and hidden characters; HTML is left as it is."""
    return clean(value) if type(value) is str else value


def _breakable(text: str) -> Markup:
    """A name with line-break opportunities after its separators."""
    from markupsafe import Markup, escape

    escaped = str(escape(clean(text)))
    for separator in "_-/":
        escaped = escaped.replace(separator, f"{separator}<wbr>")
    return Markup(escaped)
