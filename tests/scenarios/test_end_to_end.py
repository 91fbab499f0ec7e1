"""From recordings to a confusion matrix, typed as a user types it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ROOT = Path(__file__).parents[2]


def _type(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        env=os.environ.copy(),
    )


def test_recordings_to_confusion_matrices(
    recordings: Callable[..., Path], own_places: Path
) -> None:
    folder = recordings({"bass": 6, "treble": 6, "middle": 6}, seconds=4.0)
    (folder / "bass" / "broken.wav").write_text("no audio")
    built = _type("data", "build", folder, "--name", "tones")
    assert "Left out 1 of 19 recordings" in built.stdout
    assert "no track is in two splits" in built.stdout
    assert "split by chance (60/15/25 per cent of the tracks, seed 0)" in built.stdout
    assert "reading recordings: 100%" in built.stderr
    _type("data", "use", "tones")
    assert "* tones" in _type("data", "list").stdout

    finished = []
    for study, epochs in (("ffn-baseline", 2), ("ffn-baseline", 2), ("pooling-padding", 1)):
        # A CNN without pooling has 74 million weights: one epoch of 48 rows will do.
        done = _type("experiments", "run", study, "--epochs", epochs, "--json")
        printed = json.loads(done.stdout.splitlines()[-1])
        assert printed["study"] == study
        assert printed["protocol"] == "documented"
        assert printed["dataset"]["name"] == "tones"
        assert f"{study}: 100%" in done.stderr
        run = Path(printed["run"])
        assert run.is_relative_to(own_places / "runs" / study)
        with h5py.File(own_places / "datasets" / "tones.h5") as file:
            assert printed["dataset"]["content_sha256"] == file.attrs["content_sha256"]
            labels = np.bincount(file["test/label"][()], minlength=3)
        for variant in printed["variants"]:
            assert variant["n"] == 1
            assert variant["documented"] == []
            confusion = np.array(variant["confusion_matrix"])
            np.testing.assert_array_equal(confusion.sum(axis=1), labels)
            accuracy = np.trace(confusion) / confusion.sum()
            np.testing.assert_allclose(variant["accuracy"]["values"], [accuracy])
        finished.append(printed)

    shown = _type("experiments", "show", "latest").stdout
    for word in ("none", "pooling-padding", "bass", "treble", "recall %", "Records:"):
        assert word in shown
    again = json.loads(_type("experiments", "show", "latest", "--json").stdout)
    assert again == printed
    _assert_same_bits(*finished[:2])


def _assert_same_bits(*finished: dict[str, Any]) -> None:
    """What two runs of one command print and record is the same, but for times."""
    paths = [Path(printed.pop("run")) for printed in finished]
    for printed in finished:
        for part in (*printed["variants"], *printed["baselines"]):
            del part["seconds"]
    assert finished[0] == finished[1]
    files = [sorted(path.glob("trials/*/result.json")) for path in paths]
    assert [len(found) for found in files] == [1, 1]
    results = [json.loads(found[0].read_text()) for found in files]
    for result in results:
        del result["seconds"], result["epoch_seconds"], result["sha256"]
    assert results[0] == results[1]
