"""What run.json says of the dataset."""

from typing import Any

import pytest

from data.audio.parameters import DOCUMENTED
from experiments.runs.manifest import DatasetRecord

ROWS = {"train": 30, "validation": 10, "test": 10}


def _record(shapes: Any) -> DatasetRecord:
    return DatasetRecord("mine", "0" * 64, ("blues", "rock"), "audio_folder", False, ROWS, shapes)


@pytest.mark.parametrize("shapes", [DOCUMENTED.shapes, {"mfcc": (26,)}])
def test_documented_shapes_are_not_recorded(shapes: Any) -> None:
    plain = _record(shapes).to_dict()
    assert "shapes" not in plain, "so that records are what they were"
    assert DatasetRecord.from_dict(plain).shapes == DOCUMENTED.shapes


@pytest.mark.parametrize(
    "shapes", [{"mfcc": (40,), "mel": (61, 64)}, {"mel": (21, 128), "mfcc": (7,)}]
)
def test_other_shapes_are(shapes: Any) -> None:
    read = DatasetRecord.from_dict(_record(shapes).to_dict())
    assert read.shapes == shapes
    assert read.size().shapes == shapes
    assert (read.size(5).train, read.size(5).validation) == (30, 10)


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        [],
        None,
        {"mfcc": 40},
        {"mfcc": [0]},
        {"mfcc": [-1]},
        {"mfcc": [1.5]},
        {"mfcc": [2, 2]},
        {"mel": [2**11, 2**11]},
        {"mel": [10**30, 0]},
        {"chroma": [12]},
        {"mfcc": [True]},
    ],
)
def test_shapes_that_cannot_be_are_damage(shapes: Any) -> None:
    plain = _record({"mfcc": (40,)}).to_dict() | {"shapes": shapes}
    with pytest.raises((LookupError, TypeError, ValueError)):
        DatasetRecord.from_dict(plain)
