"""Reads features that others have extracted, as `data import` does."""

from pathlib import Path
from typing import Any

import pytest

from data.errors import DataError
from data.sources.importing import read_foreign
from data.sources.labelled_rows import ImportReport


def imported(path: Path, **options: Any) -> ImportReport:
    """What `read_foreign` makes of a file or folder."""
    return read_foreign(path, "x", **{"columns": {}, **options})


def refused(path: Path, **options: Any) -> str:
    """The sentence, of one line, with which it is refused."""
    with pytest.raises(DataError) as caught:
        imported(path, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert len(sentence) < 800
    return sentence
