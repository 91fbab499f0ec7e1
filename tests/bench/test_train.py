import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from rich.console import Console

from data.datasets.dataset import Dataset
from data.storage import catalogue
from experiments.errors import RunError
from networks.models.build import build_model
from networks.models.config import CNNConfig, FFNConfig, NetworkConfig, TrainingConfig, to_dict
from networks.models.multiply_adds import training_multiplications
from tests.bench import process
from tests.bench.__main__ import main
from tests.bench.measure import Benchmark, Row, in_turn, ratio
from tests.bench.measurements import choose_measurements
from tests.bench.process import Job, Measured, measure_here
from tests.bench.rivals import RIVALS, Work, torch_network
from tests.bench.train import MATRIX_PRODUCT, bench_train
from tests.conftest import small_dataset


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
    result = CliRunner().invoke(main, ["features", "--repeats", "1", "--json"])
    assert result.exit_code == 0, result.output
    measured = json.loads(result.stdout)
    names = {row["name"] for row in measured["rows"]}
    assert {"ours", "librosa-one-by-one", "librosa-batched"} <= names
    assert all(row["value"] > 0 and row["repeats"] == 1 for row in measured["rows"])
    assert measured["machine"]["threads"] == 1
    assert set(measured["ratios"]) == {"ours / librosa one by one", "ours / librosa batched"}


def test_without_librosa_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "librosa", None)
    result = CliRunner().invoke(main, ["features"])
    assert result.exit_code == 2
    assert "-e '.[bench]'" in result.output


def _work(network: NetworkConfig, training: TrainingConfig, rows: int = 40) -> Work:
    dataset = small_dataset(rows=rows)
    return Work(
        network,
        training,
        3,
        "cpu",
        dataset.features(network.features, "train").astype(np.float32),
        dataset.train.label,
        dataset.features(network.features, "validation").astype(np.float32),
        dataset.validation.label,
    )


@pytest.mark.parametrize("network", [FFNConfig(), CNNConfig()], ids=["ffn", "cnn"])
def test_networks_built_by_hand_have_the_weights_of_ours(network: NetworkConfig) -> None:
    by_hand = [weight.shape for weight in torch_network(network, 4).parameters()]
    ours = [tuple(weight.shape) for weight in build_model(network, 4, seed=0).weights]
    # Dense weights and kernels are transposed there.
    assert [sorted(shape) for shape in by_hand] == [sorted(shape) for shape in ours]


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize(
    ("network", "training"),
    [
        (FFNConfig(), TrainingConfig("sgd", 0.02)),
        (FFNConfig(), TrainingConfig("adam", 0.005)),
        (CNNConfig(filters=(4, 4), dense=(16,)), TrainingConfig("adam", 1e-3)),
    ],
    ids=["ffn-sgd", "ffn-adam", "cnn-adam"],
)
def test_rivals_learn_from_every_row_once_an_epoch(
    rival: str, network: NetworkConfig, training: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = _work(network, training)
    made = RIVALS[rival](work)
    seen: list[np.ndarray] = []
    if rival == "keras-fit":
        train_step = made.model.train_step

        def step(data: Any) -> Any:
            seen.append(np.asarray(data[0].cpu()))
            return train_step(data)

        monkeypatch.setattr(made.model, "train_step", step)
    else:
        made.model.register_forward_hook(lambda _, x, __: seen.append(x[0].numpy()))

    def one_epoch() -> np.ndarray:
        seen.clear()
        made.epoch()
        return np.concatenate(seen).reshape(len(work.label), -1)

    def loss() -> float:
        x = torch.from_numpy(work.features)
        with torch.no_grad():
            logits = made.model(x if rival == "keras-fit" or x.ndim == 2 else x[:, None])
        return float(torch.nn.functional.cross_entropy(logits, torch.from_numpy(work.label)))

    before = loss()
    first, second = one_epoch(), one_epoch()
    rows = work.features.reshape(len(work.label), -1)
    for epoch in (first, second):
        np.testing.assert_array_equal(epoch[np.lexsort(epoch.T)], rows[np.lexsort(rows.T)])
    assert not np.array_equal(first, second), "every epoch has an order of its own"
    assert [len(batch) for batch in seen][:2] == [16, 16]
    for _ in range(4):
        made.epoch()
    assert loss() < 0.9 * before


class _Processes:
    """In the place of processes: rates by name, a tenth more each round."""

    def __init__(self, rates: dict[str, float]) -> None:
        self.jobs: list[Job] = []
        self.arrays: dict[str, dict[str, np.ndarray]] = {}
        self._rates = rates

    def __call__(self, job: Job) -> Measured:
        self.jobs.append(job)
        if job.arrays:
            with np.load(job.arrays) as arrays:
                self.arrays[job.name] = dict(arrays)
        rounds = sum(other.name == job.name for other in self.jobs)
        rate = self._rates.get(job.name, 1.0) * (1 + rounds / 10)
        reports = ["slowly"] if job.name == "cnn-adam/ours-1" else []
        return Measured("a processor", rate, 1.0, 0.5, reports)


def _measure(
    processes: Callable[[Job], Measured],
    *only: str,
    dataset: Dataset | None = None,
    repeats: int = 1,
    **options: Any,
) -> dict[str, Any]:
    chosen = choose_measurements("cpu", only)
    given = dataset or small_dataset()
    measured = bench_train(given, chosen, repeats, device="cpu", measure=processes, **options)
    return json.loads(json.dumps(measured.to_dict()))  # type: ignore[no-any-return]


def test_rates_shares_and_ratios() -> None:
    processes = _Processes(
        {"ffn-sgd/ours-64": 300.0, "ffn-sgd/source-loop": 12.0, MATRIX_PRODUCT: 1e11}
    )
    measured = _measure(processes, "ffn-sgd/ours-64", "ffn-sgd/source-loop", repeats=3)
    names = [MATRIX_PRODUCT, "ffn-sgd/source-loop", "ffn-sgd/ours-64"]
    assert [job.name for job in processes.jobs] == 3 * names
    rows = {row["name"]: row for row in measured["rows"]}
    assert list(rows) == [*names, "ffn-sgd/ours-64/set-up"]
    assert [(row["unit"], row["repeats"]) for row in rows.values()] == [
        ("GFLOP/s", 3),
        ("trial-epochs/s", 3),
        ("trial-epochs/s", 3),
        ("s", 3),
    ]
    assert rows[MATRIX_PRODUCT]["value"] == pytest.approx(120)
    assert rows["ffn-sgd/ours-64"]["values"] == pytest.approx([330, 360, 390])
    assert rows["ffn-sgd/ours-64/set-up"]["value"] == 0.5
    assert measured["ratios"] == {"ffn-sgd: ours-64 / source-loop": pytest.approx(25)}
    operations = 2 * (3 * (26 * 128 + 128 * 32 + 32 * 3) - 26 * 128) * 48
    assert rows["ffn-sgd/ours-64"]["share"] == pytest.approx(operations * 300 / 1e11)
    assert "share" not in rows[MATRIX_PRODUCT]
    assert "share" not in rows["ffn-sgd/ours-64/set-up"]
    assert measured["machine"]["threads"] == 1
    assert {"torch", "keras", "device", "device_name", "dataset", "mfcc"} <= set(
        measured["machine"]
    )


def test_what_a_process_is_told() -> None:
    processes = _Processes({})
    _measure(processes, "ffn-adam/ours-8", "cnn-adam/ours-1-bf16", threads=2, epochs=9)
    _, ffn, cnn = processes.jobs
    assert (ffn.members, ffn.precision, ffn.threads, ffn.classes) == (8, "float32", 2, 3)
    assert ffn.network == to_dict(FFNConfig())
    assert ffn.training is not None
    assert (ffn.training["learning_rate"], ffn.training["epochs"]) == (1e-3, 9)
    assert (cnn.members, cnn.precision, cnn.network) == (1, "bfloat16", to_dict(CNNConfig()))


def test_rows_of_the_cnn_on_a_cpu() -> None:
    processes = _Processes({MATRIX_PRODUCT: 1e11})
    flat = small_dataset(mel=False, rows=1280)
    measured = _measure(processes, "cnn-adam/ours-1", "ffn-sgd/lean", dataset=flat)
    ffn, cnn = processes.arrays["ffn-sgd/lean-loop"], processes.arrays["cnn-adam/ours-1"]
    order = np.lexsort(ffn["features"].T)
    expected = flat.train.mfcc.astype(np.float32)
    np.testing.assert_array_equal(ffn["features"][order], expected[np.lexsort(expected.T)])
    assert cnn["features"].shape == (640, 21, 128)
    assert cnn["validation_features"].shape == (320, 21, 128)
    assert len(cnn["label"]) == 640
    row = next(row for row in measured["rows"] if row["name"] == "cnn-adam/ours-1")
    assert row["what"].endswith("random inputs, slowly")
    operations = 2 * training_multiplications(CNNConfig(), 3) * 640
    assert row["share"] == pytest.approx(operations * 1.0 / 1e11)
    assert "random" in measured["machine"]["mel"]
    with_mel = _measure(_Processes({}), "cnn-adam/lean-loop")
    assert "random" not in with_mel["rows"][1]["what"] + with_mel["machine"]["mel"]


def test_what_is_measured_where() -> None:
    on_cpu = [one.name for one in choose_measurements("cpu")]
    assert len(on_cpu) == len(set(on_cpu)) == 19
    assert "ffn-adam/ours-64" in on_cpu
    assert "cnn-adam/ours-1-bf16" in on_cpu
    assert "cnn-adam/ours-32" not in on_cpu
    on_cuda = [one.name for one in choose_measurements("cuda")]
    for name in ("cnn-adam/ours-32", "cnn-adam/ours-32-bf16", "cnn-adam/ours-8-tf32"):
        assert name in on_cuda
    only = choose_measurements("cuda", ["cnn-adam/ours-32"])
    measured = bench_train(
        small_dataset(rows=700), only, 1, device="cuda", measure=_Processes({})
    ).to_dict()
    assert "cnn-adam/ours-32-bf16/epoch" in [row["name"] for row in measured["rows"]]
    assert "700 train" in measured["machine"]["mel"]


def _fake_cohort(clock: list[float], epochs_of_last: int) -> ModuleType:
    """Cohorts that take 5 s to set up, 3 s for the first epoch, 2 s for others, 1 s to end."""

    def train_cohort(members: Any, *_: Any, on_epoch: Any, **__: Any) -> list[Any]:
        clock[0] += 5
        for epoch in range(1, members[0].training.epochs + 1):
            clock[0] += 3 if epoch == 1 else 2
            last = len(members) - (epoch > epochs_of_last)
            on_epoch(epoch, 2.0, [SimpleNamespace(index=index) for index in range(last)])
        clock[0] += 1
        return [SimpleNamespace(status="diverged") for _ in members]

    module = ModuleType("networks.engine.cohort")
    module.TrialSpec = lambda network, training, seed: SimpleNamespace(training=training)  # type: ignore[attr-defined]
    module.EpochScores = SimpleNamespace  # type: ignore[attr-defined]
    module.FailedTrial = type("FailedTrial", (), {})  # type: ignore[attr-defined]
    module.train_cohort = train_cohort  # type: ignore[attr-defined]
    return module


def _job(tmp_path: Path, rival: str, members: int = 1, epochs: int = 4) -> Job:
    work = _work(FFNConfig(), TrainingConfig())
    arrays = tmp_path / "arrays.npz"
    names = ("features", "label", "validation_features", "validation_label")
    np.savez(arrays, allow_pickle=False, **{name: getattr(work, name) for name in names})
    return Job(
        "ffn-sgd/x",
        rival,
        "cpu",
        1,
        members,
        network=to_dict(work.network),
        training=to_dict(TrainingConfig("sgd", 0.002, epochs=epochs)),
        classes=3,
        arrays=str(arrays),
    )


def test_ours_is_charged_with_all_but_the_first_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(process, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setitem(sys.modules, "networks.engine.cohort", _fake_cohort(clock, 4))
    measured = measure_here(_job(tmp_path, "ours", members=8))
    assert (measured.epoch, measured.rate) == (2.0, 4.0)
    assert measured.set_up == 5 + 1 + 1
    monkeypatch.setitem(sys.modules, "networks.engine.cohort", _fake_cohort(clock, 3))
    with pytest.raises(RunError, match="ended after 3 of 4 epochs: diverged"):
        measure_here(_job(tmp_path, "ours", members=8))


def test_ours_and_a_rival_in_this_process() -> None:
    measured = _measure(measure_here, "ffn-sgd/ours-8", "ffn-sgd/lean-loop", epochs=2)
    assert all(row["value"] > 0 for row in measured["rows"] if row["unit"] != "s")
    assert measured["ratios"]["ffn-sgd: ours-8 / lean-loop"] > 0


def test_train_in_processes_from_the_command_line() -> None:
    catalogue.add(small_dataset("small"), replace=False)
    arguments = ["--data", "small", "--repeats", "1", "--epochs", "2", "--device", "cpu"]
    result = CliRunner().invoke(main, ["train", *arguments, "--only", "ffn-adam/lean", "--json"])
    assert result.exit_code == 0, result.output
    measured = json.loads(result.stdout)
    assert [row["name"] for row in measured["rows"]] == [MATRIX_PRODUCT, "ffn-adam/lean-loop"]
    assert all(row["value"] > 0 for row in measured["rows"])
    assert 0 < measured["rows"][1]["share"] < 1
    assert set(measured) == {"machine", "rows", "ratios"}
    assert measured["machine"]["dataset"] == "small"
    assert "bench train: 100%, 2 measurements" in result.stderr


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.exit('no\\nmemory.\\n')", "failed with exit code 1, saying: memory. Try"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by SIGKILL and said nothing. Try"),
        ("print('hello')", "ended without a figure and said nothing. Try"),
        ("print('[]')", "ended without a figure"),
        ("pass", "ended without a figure"),
    ],
)
def test_a_process_that_fails_is_a_sentence(
    script: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.add(small_dataset("small"), replace=False)
    monkeypatch.setattr(process, "CHILD", (sys.executable, "-c", script))
    result = CliRunner().invoke(
        main, ["train", "--data", "small", "--only", "ffn-sgd", "--device", "cpu"]
    )
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: the measurement {MATRIX_PRODUCT} ")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_process_says_bad_input_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(job: Job) -> Measured:
        raise RunError("it cannot be.")

    monkeypatch.setattr(process, "measure_here", refuse)
    job = json.dumps({"name": "x", "rival": "ours", "device": "cpu", "threads": 1})
    monkeypatch.setattr(sys, "argv", ["process", job])
    with pytest.raises(SystemExit, match=r"it cannot be\."):
        process.main()


def test_nothing_to_measure_is_a_sentence() -> None:
    catalogue.add(small_dataset("small"), replace=False)
    result = CliRunner().invoke(main, ["train", "--data", "small", "--only", "ours-7"])
    assert result.exit_code == 2
    assert "no measurement's name contains 'ours-7'. There are: ffn-sgd/source-loop," in (
        result.stderr
    )


def test_figures_below_ten_are_printed_with_decimals() -> None:
    rows = (Row("a", "A", "1/s", (123.4, 99.6)), Row("b", "B", "s", (0.0123,), share=0.0456))
    printed = io.StringIO()
    Benchmark({}, rows, {"a / b": 3.456, "b / a": 21.25}).print(Console(file=printed, width=100))
    text = printed.getvalue()
    assert "112" in text
    assert "100 - 123" in text
    assert "0.012" in text
    assert "4.6 %" in text
    assert "a / b: 3.46 times" in text
    assert "b / a: 21.2 times" in text
    assert rows[1].to_dict()["share"] == 0.0456
