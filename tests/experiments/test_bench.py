import json

import pytest
from click.testing import CliRunner

from experiments.bench.measure import Row, in_turn, ratio
from experiments.cli import main


def test_rivals_are_measured_in_turn() -> None:
    order: list[str] = []

    def measure(name: str) -> float:
        order.append(name)
        return float(len(order))

    values = in_turn({"a": lambda: measure("a"), "b": lambda: measure("b")}, repeats=2)
    assert "".join(order) == "ab" + "abab"
    assert values == {"a": (3.0, 5.0), "b": (4.0, 6.0)}


def test_ratios_are_medians_of_each_repeats_ratio() -> None:
    assert ratio((10.0, 20.0, 90.0), (1.0, 10.0, 10.0)) == 9.0
    assert Row("x", "X", "1/s", (1.0, 5.0, 2.0)).value == 2.0


def test_features_are_measured_beside_librosa() -> None:
    pytest.importorskip("librosa", reason="librosa (the extra 'bench') is not installed")
    result = CliRunner().invoke(main, ["bench", "features", "--repeats", "1", "--json"])
    assert result.exit_code == 0, result.output
    measured = json.loads(result.stdout)
    names = {row["name"] for row in measured["rows"]}
    assert {"ours", "librosa-one-by-one", "librosa-batched"} <= names
    assert all(row["value"] > 0 and row["repeats"] == 1 for row in measured["rows"])
    assert measured["machine"]["threads"] == 1
    assert set(measured["ratios"]) == {"ours / librosa one by one", "ours / librosa batched"}


def test_without_librosa_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "librosa", None)
    result = CliRunner().invoke(main, ["bench", "features"])
    assert result.exit_code == 2
    assert "-e '.[bench]'" in result.output
