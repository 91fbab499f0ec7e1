"""What a process of cohorts takes and keeps."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, resource
import numpy as np
from experiments.training.device import set_up
from networks.engine.cohort import TrialSpec, train_cohort
from networks.models.config import FFNConfig, TrainingConfig
from networks.training.results import LabelledRows

set_up("cpu", 1)
rng = np.random.default_rng(0)
rows = LabelledRows(rng.normal(size=(3200, 26)), rng.integers(0, 4, 3200))
peaks = []
for study in range(10):
    for optimizer in ("sgd", "adam", "rmsprop"):
        training = TrainingConfig(optimizer, 1e-3, epochs=2)
        members = [TrialSpec(FFNConfig(), training, seed) for seed in range(64)]
        outcomes = train_cohort(members, rows, rows, 4)
        assert all(outcome.status == "finished" for outcome in outcomes)
        del outcomes
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
print(json.dumps(peaks))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory in other units")
def test_ten_studies_of_64_networks_stay_small() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    peaks = json.loads(done.stdout.splitlines()[-1])  # resident MB so far, after each study
    assert peaks[0] < 1500
    assert peaks[-1] < peaks[1] + 60, peaks
