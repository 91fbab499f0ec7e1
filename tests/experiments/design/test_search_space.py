"""What a search draws from: the study's own space, and what the user adds."""

import json
from typing import Any

import pytest

from experiments.design.search_options import space_of
from experiments.design.search_settings import Search
from experiments.design.search_space import Choice, Range, Setting, Space
from experiments.design.study import Budget, Study, Variant
from experiments.errors import RunError
from experiments.studies import STUDIES
from networks.errors import ConfigError
from networks.models.config import FFNConfig, TrainingConfig

RATE = "training.learning_rate"
ADAM = TrainingConfig("adam", keep="best")
STUDY = Study(
    "small",
    "?",
    "",
    (
        Variant("free", FFNConfig(hidden=(8,)), ADAM),
        Variant("fixed", FFNConfig(hidden=(4,)), ADAM, fixed=("learning_rate",)),
        Variant("decays", FFNConfig(hidden=(8,)), TrainingConfig("adamw")),
        Variant("further", FFNConfig(hidden=(2,)), ADAM, extended=True),
        Variant("old", FFNConfig(hidden=(3,)), ADAM, protocols=("documented",)),
    ),
    Budget(7, (1e-4, 1e-3, 1e-2)),
)


def dimension(space: Space, path: str) -> Any:
    (found,) = [d for d in space.dimensions if d.path == path]
    return found


def test_the_default_is_the_controlled_protocol() -> None:
    space = space_of(STUDY)
    assert [start.variant for start in space.starts] == ["free", "fixed", "decays"]
    assert space.dimensions == (Range(RATE, 1e-4, 1e-2, log=True),)
    assert [start.paths for start in space.starts] == [(RATE,), (), (RATE,)]
    assert {start.training.epochs for start in space.starts} == {7}
    assert space.start("fixed").training.learning_rate == 1e-3, "its own"
    assert space.features == ("mfcc",)
    further = space_of(STUDY, extended=True, epochs=3)
    assert [start.variant for start in further.starts][-1] == "further"
    assert {start.training.epochs for start in further.starts} == {3}


def test_the_grid_is_the_sources() -> None:
    space = space_of(STUDIES["optimizers"], grid=True)
    assert space.dimensions == (Choice(RATE, (1e-5, 1e-4, 1e-3, 1e-2)),)
    assert [start.variant for start in space.starts] == [
        "adadelta",
        "adagrad",
        "adam",
        "adamw",
        "adamax",
    ]
    assert space.features == ("mel",)


def test_fields_that_the_user_adds() -> None:
    words = [
        "training.l2=1e-5..1e-1:log",
        "network.dropout=0..0.5",
        "training.batch_size=8..64",
        "network.hidden=[16],[32, 8]",
        "training.optimizer=adam,sgd",
    ]
    space = space_of(STUDY, words)
    assert dimension(space, "training.l2") == Range("training.l2", 1e-5, 1e-1, log=True)
    assert dimension(space, "network.dropout") == Range("network.dropout", 0, 0.5)
    whole = dimension(space, "training.batch_size")
    assert whole == Range("training.batch_size", 8, 64, whole=True)
    assert type(whole.low) is int
    hidden = dimension(space, "network.hidden")
    assert hidden.values == ([16], [32, 8])
    assert hidden.shown == ("[16]", "[32, 8]"), "Optuna knows no lists"
    assert str(hidden) == "network.hidden ([16], [32,8])"
    # adamw decays weights in its own way.
    assert "training.l2" not in space.start("decays").paths
    assert "training.l2" in space.start("free").paths
    messages = Search(space).settled(["free", "fixed", "decays"], "cpu", None).sentences
    assert "training.l2 is not drawn for decays." in messages
    assert f"{RATE} is not drawn for fixed." in messages


def test_what_the_user_says_of_the_learning_rate_counts() -> None:
    space = space_of(STUDY, [f"{RATE}=1e-6..1e-5:log"])
    assert space.dimensions == (Range(RATE, 1e-6, 1e-5, log=True),)
    assert all(start.paths == (RATE,) for start in space.starts)


def test_a_setting_makes_a_trial() -> None:
    space = space_of(STUDY, ["network.hidden=[16],[32, 8]", "network.kind=ffn,cnn"])
    assert space.features == ("mfcc", "mel"), "a convolutional network may be drawn"
    setting = Setting("free", {RATE: 0.005, "network.hidden": [32, 8]})
    trial = space.trial(setting, 42, "0" * 64)
    assert trial.training == TrainingConfig("adam", 0.005, 7, keep="best")
    assert trial.network == FFNConfig(hidden=(32, 8))
    with pytest.raises(ConfigError, match="learning_rate must be a finite number above 0"):
        space.trial(Setting("free", {RATE: -1.0}), 42, "0" * 64)


def test_a_space_and_a_search_survive_json() -> None:
    space = space_of(STUDIES["schedulers"], ["network.dropout=0..0.5", "training.batch_size=8,16"])
    for search in (Search(space), Search(space, 7, 3, "tpe", 9, 2**33)):
        plain = json.loads(json.dumps(search.to_dict()))
        assert Search.from_dict(plain) == search
    plain["space"]["starts"][0]["paths"] = ["training.l2"]
    with pytest.raises(KeyError, match=r"training\.l2"):
        Search.from_dict(plain)


def test_a_field_of_one_variant_is_drawn_for_that_alone() -> None:
    """As the source searched the peak of the one-cycle schedule."""
    path = "training.schedule.max_learning_rate"
    space = space_of(STUDIES["schedulers"], [f"{path}=1e-4,1e-3,1e-2,1e-1"], grid=True)
    assert [s.variant for s in space.starts if path in s.paths] == ["one-cycle"]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("training.l2", "--space takes FIELD=LOW"),
        ("training.l2=,", "--space takes FIELD=LOW"),
        ("training.l2=1..0", "the lower one first"),
        ("training.l2=a..b", "a range is two numbers"),
        ("training.l2=0..inf", "a range is two numbers"),
        ("training.l2=nan..1", "a range is two numbers"),
        ("training.l2=0..1:lin", "a range is two numbers"),
        ("training.l2=0..1:log", "begins above 0"),
        ("training.optimiser=sgd", "there is no such field. Did you mean 'optimizer'?"),
        ("network.dropout=0..1", "0 <= dropout < 1. Received: 1"),
        ("training.batch_size=1.5..8", "batch_size must be a whole number. Received: 1.5"),
        ("training.optimizer=adam,adem", "optimizer must be one of"),
        ("dropout=0..1", "a field's path begins with network. or training."),
        ("training.schedule.max_learning_rate=0.1,1", "belongs to the schedule 'one_cycle'"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(word: str, sentence: str) -> None:
    with pytest.raises((RunError, ConfigError)) as raised:
        space_of(STUDY, [word])
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_field_is_named_once() -> None:
    with pytest.raises(RunError, match=r"names training\.l2 twice"):
        space_of(STUDY, ["training.l2=0,1e-3", "training.l2=0..1"])


def test_a_study_without_the_controlled_protocol() -> None:
    study = Study("x", "?", "", STUDY.variants[-1:], STUDY.budget)
    with pytest.raises(RunError, match="no variants in the controlled protocol"):
        space_of(study)
