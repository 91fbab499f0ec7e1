import hashlib
import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from experiments.design.plan import StudyOptions, make_plan
from experiments.design.study import PROTOCOLS, RATES, Protocol, Study
from experiments.design.trial import Trial
from experiments.errors import RunError
from experiments.studies import STUDIES
from networks.models.config import (
    CNNConfig,
    EarlyStoppingConfig,
    FFNConfig,
    NetworkConfig,
    ScheduleConfig,
    TrainingConfig,
)
from networks.models.custom import CustomConfig
from networks.training.schedules import rates_at

IN_ORDER = [
    *("ffn-baseline", "pooling-padding", "optimizers", "activations", "schedulers"),
    *("batch-norm", "weight-decay", "dropout", "weight-decay-dropout", "batch-size"),
    *("early-stopping", "device"),
]

# The sources' reports, by study and variant: accuracy, F1 and, where it is told, seconds.
REPORTED_BY_A = """
ffn-baseline          last-epoch          58.87 31.33 16.6
ffn-baseline          best-validation-f1  60.90 28.96
pooling-padding       none                62.43 33.60 60.5
pooling-padding       pooling-padding     57.34 30.06 7.9
optimizers            adadelta            59.08 33.15
optimizers            adagrad             70.71 37.02
optimizers            adam                74.06 37.81
optimizers            adamw               68.75 36.83
optimizers            adamax              70.64 36.72
activations           hard-shrink         71.58 38.52
activations           hard-swish          70.28 46.26
activations           leaky-relu          71.29 38.07
activations           prelu               72.17 39.72
activations           relu                68.53 41.14
schedulers            none                70.93 41.66
schedulers            cosine              71.88 41.38
schedulers            one-cycle           75.87 48.05
batch-norm            batch-norm          69.99 40.26
weight-decay          l2-1e-05            65.70 35.21
dropout               dropout-0.1         71.29 37.08
weight-decay-dropout  both                71.66 38.01
batch-size            batch-1             68.53 68.53 210.5
batch-size            batch-2             64.90 59.88 107.0
batch-size            batch-4             64.10 50.83 55.8
batch-size            batch-8             60.54 37.84 31.0
batch-size            batch-16            52.54 31.82 16.8
batch-size            batch-32            47.75 23.87 11.3
batch-size            batch-64            45.95 18.58 8.6
early-stopping        patience-3          47.82 31.55 12.4
early-stopping        patience-5          61.92 36.85 31.1
early-stopping        patience-7          71.80 39.32 89.2
early-stopping        patience-10         72.24 40.04 86.7
"""
REPORTED_BY_B = """
ffn-baseline     last-epoch          62.14 61.1  9.0
ffn-baseline     last-epoch          56.40 55.4  13.2
ffn-baseline     best-validation-f1  60.97 58.97
pooling-padding  none                23.55 9.53
pooling-padding  pooling-padding     66.79 67.29
optimizers       b-adadelta          64.61 64.62
optimizers       b-adagrad           75.80 75.62
optimizers       b-adam              64.68 65.69
optimizers       b-adamw             69.26 69.85
optimizers       b-adamax            71.66 72.48
optimizers       b-asgd              69.62 70.69
optimizers       b-nadam             23.55 9.53
optimizers       b-radam             69.48 69.95
optimizers       b-rmsprop           64.68 64.76
optimizers       b-rprop             65.33 65.74
optimizers       b-sgd               67.88 68.59
device           cpu                 62.14 61.1  9.0
device           gpu                 56.40 55.4  13.2
"""


def _reported(text: str) -> set[tuple[object, ...]]:
    lines = [line.split() for line in text.strip().splitlines()]
    return {(line[0], line[1], *map(float, line[2:])) for line in lines}


def _encoded(source: str) -> set[tuple[object, ...]]:
    return {
        (study.name, variant.name, figure.accuracy, figure.f1)
        + ((figure.seconds,) if figure.seconds else ())
        for study in STUDIES.values()
        for variant in study.variants
        for figure in variant.published
        if figure.source == source
    }


def test_the_studies_are_all_there_in_order() -> None:
    assert list(STUDIES) == IN_ORDER


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.name)
def test_every_study_is_well_formed(study: Study) -> None:
    names = [variant.name for variant in study.variants]
    assert len(set(names)) == len(names) >= 2
    assert study.question.endswith("?")
    for part in ("Cost: ", "What the source found: ", "What to look for: "):
        assert part in study.about
    for protocol in PROTOCOLS:
        assert len(study.of(protocol)) >= 2
        for variant in study.of(protocol):
            assert list(study.trainings(variant, protocol))
    for variant in study.of("documented"):
        assert variant.published or "the source ran no such training" in variant.note
    assert Study.from_dict(json.loads(json.dumps(study.to_dict()))) == study


def test_documented_figures_are_the_sources() -> None:
    assert _encoded("A") == _reported(REPORTED_BY_A)
    beside_a = {
        ("optimizers", name.removeprefix("b-"), *figures)
        for study, name, *figures in _reported(REPORTED_BY_B)
        if study == "optimizers"
        and any(v.name == name[2:] for v in STUDIES[study].of("documented"))
    }
    assert len(beside_a) == 5
    assert _encoded("B") == _reported(REPORTED_BY_B) | beside_a


def _documented(study: str) -> dict[str, TrainingConfig]:
    return {v.name: v.training for v in STUDIES[study].of("documented", extended=True)}


def test_what_the_source_ran() -> None:
    """Learning rates, epochs, schedules and decays, where the figures come from."""
    optimizers = _documented("optimizers")
    assert optimizers["adamw"] == TrainingConfig("adamw", 1e-4, 5)
    assert optimizers["b-nadam"] == TrainingConfig("nadam", 0.002, 30, keep="best")
    assert _documented("activations")["relu"] == TrainingConfig("adam", 1e-5, 20)
    assert _documented("weight-decay")["l2-1e-05"] == TrainingConfig("adam", 1e-3, 60, l2=1e-5)
    assert _documented("dropout")["dropout-0.1"] == TrainingConfig("adam", 1e-4, 60)
    assert _documented("weight-decay-dropout")["both"] == TrainingConfig("adam", 1e-4, 50, l2=1e-5)
    assert _documented("batch-size")["batch-64"] == TrainingConfig("adam", 1e-5, 10, 64)
    assert _documented("early-stopping")["patience-7"] == TrainingConfig(
        "adam", 1e-5, 50, early_stopping=EarlyStoppingConfig(7, "val_batch_mean_f1")
    )
    assert _documented("schedulers")["cosine"].schedule == ScheduleConfig("cosine", period=5)


def test_the_one_cycle_of_the_source_never_left_the_beginning() -> None:
    training = _documented("schedulers")["one-cycle"]
    rates = [rates_at(training, 200, epoch, 0).learning_rate for epoch in range(20)]
    assert rates[0] == pytest.approx(4e-5)
    assert max(rates) < 4.1e-5
    controlled = STUDIES["schedulers"].variants[2].controlled
    assert controlled is not None
    steps = [rates_at(controlled, 200, epoch, s) for epoch in range(20) for s in range(200)]
    assert max(rate.learning_rate for rate in steps) == pytest.approx(controlled.learning_rate)


def test_documented_protocols_are_the_sources() -> None:
    ffn, _ = STUDIES["ffn-baseline"].variants
    assert ffn.network == FFNConfig(hidden=(128, 32), activation="relu")
    assert ffn.training == TrainingConfig(
        optimizer="sgd", learning_rate=0.002, epochs=30, batch_size=16, keep="last"
    )
    none, both = STUDIES["pooling-padding"].variants
    assert none.network == CNNConfig(pooling=False, padding=False)
    assert both.network == CNNConfig(pooling=True, padding=True)
    for variant, epochs in ((none, 4), (both, 5)):
        assert variant.training == TrainingConfig("adam", 1e-5, epochs, 16)


def test_the_documented_protocol_counts_on_from_the_sources_seed() -> None:
    plan = make_plan(STUDIES["pooling-padding"], StudyOptions(seeds=3), "abc")
    assert [trial.seed for _, trial in plan.trials] == [42, 43, 44] * 2
    assert make_plan(STUDIES["pooling-padding"], StudyOptions(), "abc").seeds == (42,)


def test_variants_that_agree_share_their_trials() -> None:
    plan = make_plan(STUDIES["ffn-baseline"], StudyOptions(seeds=2), "abc")
    assert len(plan.trials) == 2
    last, best = plan.variants
    assert [t.id for t in last.candidates[0].trials] == [t.id for t in best.candidates[0].trials]


def test_the_controlled_protocol_gives_every_variant_the_same_budget() -> None:
    for study in STUDIES.values():
        plan = make_plan(study, StudyOptions("controlled", extended=study.can_be_extended), "abc")
        assert len(plan.seeds) == 5
        budgets = [
            {(c.learning_rate, trial.training.epochs) for c in v.candidates for trial in c.trials}
            for v in plan.variants
        ]
        assert all(budget == budgets[0] for budget in budgets)
        assert {rate for rate, _ in budgets[0]} == set(RATES)
        kept = {t.training.keep for v in plan.variants for c in v.candidates for t in c.trials}
        assert kept == ({"last", "best"} if study.name == "ffn-baseline" else {"best"})
    last, best = make_plan(STUDIES["ffn-baseline"], StudyOptions("controlled"), "abc").variants
    assert last.candidates[0].trials[0].training.keep == "last"
    assert best.candidates[0].trials[0].training.keep == "best"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_epochs_can_be_set(protocol: Protocol) -> None:
    plan = make_plan(STUDIES["ffn-baseline"], StudyOptions(protocol, epochs=2), "abc")
    assert {trial.training.epochs for _, trial in plan.trials} == {2}


def test_a_trials_id_depends_on_all_it_depends_on_and_nothing_else() -> None:
    trial = Trial(FFNConfig(), TrainingConfig(), 1, "abc")
    assert trial.id == Trial(FFNConfig(), TrainingConfig(), 1, "abc").id
    others = {
        Trial(FFNConfig(dropout=0.1), TrainingConfig(), 1, "abc").id,
        Trial(FFNConfig(), TrainingConfig(epochs=9), 1, "abc").id,
        Trial(FFNConfig(), TrainingConfig(), 2, "abc").id,
        Trial(FFNConfig(), TrainingConfig(), 1, "abd").id,
        Trial(FFNConfig(), TrainingConfig(), 1, "abc", "cpu").id,
        trial.id,
    }
    assert len(others) == 6
    on_a_gpu = replace(trial, device="cuda")
    assert Trial.from_dict(json.loads(json.dumps(on_a_gpu.to_dict()))) == on_a_gpu
    assert Trial.from_dict(json.loads(json.dumps(trial.to_dict()))) == trial


def test_a_quick_version_is_smaller_and_says_what_it_leaves_out() -> None:
    study = STUDIES["batch-norm"]
    plan = make_plan(study, StudyOptions("controlled", quick=True), "abc")
    assert plan.seeds == (42, 43, 44)
    assert len(plan.trials) == 2 * 3 * 3
    assert {trial.training.epochs for _, trial in plan.trials} == {10}
    assert {trial.training.learning_rate for _, trial in plan.trials} == {1e-4, 1e-3, 1e-2}
    assert plan.left_out == (
        "Quick version: 3 seeds instead of 5, 10 epochs instead of 20, no learning rate of 1e-05.",
    )
    with pytest.raises(RunError, match="--quick makes the controlled protocol smaller"):
        make_plan(study, StudyOptions("documented", quick=True), "abc")


def test_extended_studies() -> None:
    study = STUDIES["optimizers"]
    assert len(make_plan(study, StudyOptions(), "abc").variants) == 5
    assert len(make_plan(study, StudyOptions(extended=True), "abc").variants) == 16
    assert len(make_plan(study, StudyOptions("controlled", extended=True), "abc").variants) == 11
    with pytest.raises(RunError, match="has no extended form"):
        make_plan(STUDIES["dropout"], StudyOptions(extended=True), "abc")


def test_variants_about_devices_that_are_not_here_are_left_out_and_named() -> None:
    study = STUDIES["device"]
    both = make_plan(study, StudyOptions(), "abc", ("cpu", "cuda"))
    assert [trial.device for _, trial in both.trials] == ["cpu", "cuda"]
    one = make_plan(study, StudyOptions(), "abc", ("cpu",))
    assert [trial.device for _, trial in one.trials] == ["cpu"]
    assert one.left_out == ("gpu: left out, as there is no GPU that torch can use here.",)


def test_ids_are_hashes_of_the_trials_json(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def build(input_shape, classes, units): ...")
    networks: list[NetworkConfig] = [FFNConfig(), FFNConfig(), CNNConfig(pooling=True)]
    networks.append(CustomConfig.from_name("mine:build", tmp_path, units=64))
    trainings = [TrainingConfig(l2=0.0), TrainingConfig(l2=-0.0), TrainingConfig("sgd", 0.1)]
    for network, training, device in product(networks, trainings, (None, "cpu")):
        trial = Trial(network, training, 7, 'a "hash"', device)  # type: ignore[arg-type]
        about = trial.to_dict()
        about["network"].pop("folder", None)
        plain = json.dumps(about, sort_keys=True, separators=(",", ":"))
        assert trial.id == hashlib.sha256(plain.encode()).hexdigest()[:16]


def test_ids_stay_those_that_runs_on_disk_have() -> None:
    ids = [
        trial.id
        for study in STUDIES.values()
        for protocol in PROTOCOLS
        for _, trial in make_plan(
            study, StudyOptions(protocol, seeds=2, extended=study.can_be_extended), "abc"
        ).trials
    ]
    assert len(ids) == 546
    digest = hashlib.sha256(",".join(ids).encode()).hexdigest()
    assert digest == "b0539946203e8f3eee2f456a6c334fc72160327a08d693c4d815909e69bd1269"
