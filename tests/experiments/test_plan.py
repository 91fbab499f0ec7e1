import json

import pytest

from experiments.plan import make_plan
from experiments.studies import STUDIES
from experiments.study import PROTOCOLS, Study
from experiments.trial import Trial
from networks.config import CNNConfig, FFNConfig, TrainingConfig


@pytest.mark.parametrize("study", STUDIES.values(), ids=str)
def test_every_study_is_well_formed(study: Study) -> None:
    names = [variant.name for variant in study.variants]
    assert len(set(names)) == len(names) >= 2
    assert study.question.endswith("?")
    assert "What the source found" in study.about
    assert "What to look for" in study.about
    assert len({variant.network.features for variant in study.variants}) == 1
    for variant in study.variants:
        assert any(figure.source == "A" for figure in variant.documented)
        for figure in variant.documented:
            assert 20 < figure.accuracy < 80
            assert 5 < figure.f1 < 80


def test_documented_figures_are_the_sources() -> None:
    """The table of the source's report, by study and variant: accuracy and F1 of source A."""
    figures = {
        (study.name, variant.name): [
            (figure.source, figure.accuracy, figure.f1) for figure in variant.documented
        ]
        for study in STUDIES.values()
        for variant in study.variants
    }
    assert figures == {
        ("ffn-baseline", "last-epoch"): [
            ("A", 58.87, 31.33),
            ("B", 62.14, 61.1),
            ("B", 56.40, 55.4),
        ],
        ("ffn-baseline", "best-validation-f1"): [("A", 60.90, 28.96), ("B", 60.97, 58.97)],
        ("pooling-padding", "none"): [("A", 62.43, 33.60), ("B", 23.55, 9.53)],
        ("pooling-padding", "pooling-padding"): [("A", 57.34, 30.06), ("B", 66.79, 67.29)],
    }


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
    plan = make_plan(STUDIES["pooling-padding"], "documented", "abc", seeds=3)
    assert [trial.seed for _, trial in plan.trials] == [42, 43, 44] * 2
    assert make_plan(STUDIES["pooling-padding"], "documented", "abc").seeds == (42,)


def test_variants_that_agree_share_their_trials() -> None:
    plan = make_plan(STUDIES["ffn-baseline"], "documented", "abc", seeds=2)
    assert len(plan.trials) == 2
    last, best = plan.variants
    assert [t.id for t in last.candidates[0].trials] == [t.id for t in best.candidates[0].trials]


def test_the_controlled_protocol_gives_every_variant_the_same_budget() -> None:
    for study in STUDIES.values():
        plan = make_plan(study, "controlled", "abc")
        assert len(plan.seeds) == 5
        budgets = [
            {(c.learning_rate, trial.training.epochs) for c in v.candidates for trial in c.trials}
            for v in plan.variants
        ]
        assert all(budget == budgets[0] for budget in budgets)
        assert len(budgets[0]) == len(study.budget.learning_rates)
    last, best = make_plan(STUDIES["ffn-baseline"], "controlled", "abc").variants
    assert last.candidates[0].trials[0].training.keep == "last"
    assert best.candidates[0].trials[0].training.keep == "best"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_epochs_can_be_set(protocol: str) -> None:
    plan = make_plan(STUDIES["ffn-baseline"], protocol, "abc", epochs=2)  # type: ignore[arg-type]
    assert {trial.training.epochs for _, trial in plan.trials} == {2}


def test_a_trials_id_depends_on_all_it_depends_on_and_nothing_else() -> None:
    trial = Trial(FFNConfig(), TrainingConfig(), 1, "abc")
    assert trial.id == Trial(FFNConfig(), TrainingConfig(), 1, "abc").id
    others = {
        Trial(FFNConfig(dropout=0.1), TrainingConfig(), 1, "abc").id,
        Trial(FFNConfig(), TrainingConfig(epochs=9), 1, "abc").id,
        Trial(FFNConfig(), TrainingConfig(), 2, "abc").id,
        Trial(FFNConfig(), TrainingConfig(), 1, "abd").id,
        trial.id,
    }
    assert len(others) == 5
    assert Trial.from_dict(json.loads(json.dumps(trial.to_dict()))) == trial
