"""What a trial's result keeps of its training."""

import json

from experiments.training import recorder


def test_json_has_no_nan() -> None:
    values = recorder._finite([1.0, float("nan"), float("inf")])
    assert values == [1.0, None, None]
    json.dumps(values, allow_nan=False)
