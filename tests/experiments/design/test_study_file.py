"""Studies of a user's own: TOML files and --vary."""

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.design.plan import StudyOptions, by_fold, make_plan
from experiments.design.study import Budget, Study
from experiments.design.study_file import read_study
from experiments.design.trial import Trial
from experiments.design.variants import only, parse_grid, vary
from experiments.errors import RunError
from experiments.studies import STUDIES
from networks.errors import ConfigError
from networks.models.config import CNNConfig, FFNConfig

WHOLE = """\
# A comment.
question = "Does a wider network help?"
about = \"\"\"
[variants.not_this]
\"\"\"
seeds = 2

[base.network]
kind = "ffn"
hidden = [32]

[base.training]
optimizer = "sgd"
batch_size = 8

[controlled]
epochs = 3
learning_rates = [1e-2, 1e-3]

[variants.narrow]
network.hidden = [16]

[variants.wide]
network.hidden = [64, 8]
training.epochs = 5

[variants.fast.training]
learning_rate = 0.1
"""


def read(folder: Path, text: str) -> tuple[Study, StudyOptions]:
    path = folder / "my-study.toml"
    path.write_text(text, encoding="utf-8")
    return read_study(path)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(RunError) as error:
        read(folder, text)
    sentence = str(error.value)
    assert sentence.startswith(f"{folder / 'my-study.toml'}")
    assert "\n" not in sentence
    return sentence.removeprefix(f"{folder / 'my-study.toml'}")


def test_a_study_with_all_its_parts(tmp_path: Path) -> None:
    study, options = read(tmp_path, WHOLE)
    assert options == StudyOptions("controlled", 2)
    assert (study.name, study.question) == ("my-study", "Does a wider network help?")
    plan = make_plan(study, StudyOptions("controlled", 2), "abc")
    tried = {
        variant.name: [(c.learning_rate, c.trials[0].training.epochs) for c in variant.candidates]
        for variant in plan.variants
    }
    assert tried == {
        "narrow": [(1e-3, 3), (1e-2, 3)],
        "wide": [(1e-3, 5), (1e-2, 5)],
        "fast": [(0.1, 3)],
    }
    assert study.variants[1].network == FFNConfig(hidden=(64, 8))
    trainings = [trial.training for _, trial in plan.trials]
    assert {(t.optimizer, t.batch_size, t.keep) for t in trainings} == {("sgd", 8, "best")}
    as_written = make_plan(study, StudyOptions("documented"), "abc")
    assert [t.training.keep for _, t in as_written.trials] == ["last"] * 3


def test_a_grid_alone_makes_variants(tmp_path: Path) -> None:
    text = '[base.network]\nkind = "cnn"\n[vary]\n"network.dropout" = [0, 0.5]\n'
    study = read(tmp_path, text)[0]
    assert [variant.name for variant in study.variants] == ["dropout=0", "dropout=0.5"]
    assert study.variants[1].network == CNNConfig(dropout=0.5)
    assert study.features == ("mel",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("optimizer =", "optimiser ="), "base: training.optimiser: there is no such field. Did "
         "you mean 'optimizer'? training has: optimizer, learning_rate,"),
        (("hidden = [32]", "hiden = [32]"), "base: network.hiden: there is no such field. Did you "
         "mean 'hidden'? network has: kind, hidden,"),
        (('"sgd"', '"sdg"'), "base: training.optimizer: optimizer must be one of 'adadelta', "),
        (("batch_size = 8", 'batch_size = "8"'), "base: training.batch_size: batch_size must be a "
         "whole number. Received: '8'."),
        (("network.hidden = [64, 8]", "network.hidden = []"), "variants.wide: network.hidden: "
         "hidden must list at least one size"),
        (("training.epochs = 5", "training.epochs.x = 5"), "variants.wide: training.epochs is a "
         "value"),
        (("[variants.narrow]", "[variants.narrow.netwerk]"), "variants.narrow.netwerk: there is "
         "no such field. Did you mean 'network'? variants.narrow has: network, training."),
        (("question", "qestion"), "qestion: there is no such field. Did you mean 'question'?"),
        (("epochs = 3", "epochs = 0"), "controlled: epochs must be a whole number from 1 to "
         "100,000. Received: 0."),
        (("[1e-2, 1e-3]", "[]"), "controlled: learning_rates must be a list of numbers above "
         "0."),
        (("seeds = 2", "seeds = true"), "seeds must be a whole number from 1 to 1,000. "
         "Received: True."),
        (("seeds = 2", "folds = 2"), "folds must be a whole number from 3 to 100. Received: 2."),
        (("seeds = 2", 'group = "artist"'), "group says what the folds of cross-validation keep"),
        (("seeds = 2", 'folds = 5\ngroup = "album"'), "group must be track or artist."),
        (("seeds = 2", 'protocol = "copied"'), "protocol must be documented or controlled."),
        (('kind = "ffn"', 'kind = "rnn"'), "base: network.kind must be one of 'ffn', 'cnn'."),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_path(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    assert change[0] in WHOLE
    sentence = refused(tmp_path, WHOLE.replace(*change, 1))
    assert sentence.startswith(f": {says}"), sentence


def test_folds_of_a_study_are_those_of_its_trials(tmp_path: Path) -> None:
    text = WHOLE.replace("seeds = 2", 'seeds = 2\nfolds = 3\ngroup = "artist"')
    study, options = read(tmp_path, text)
    assert (options.folds, options.group, options.trainings_each) == (3, "artist", 6)
    plan = make_plan(study, options, "abc")
    assert {trial.fold for _, trial in plan.trials} == {(n, 3, "artist") for n in (1, 2, 3)}
    assert all(len(candidate.trials) == 2 for v in plan.variants for candidate in v.candidates)
    assert [len(fold) for fold in by_fold(plan.variants[0].candidates)] == [2, 2, 2]
    (first, *_), *_ = by_fold(plan.variants[0].candidates)
    trial = first.trials[0]
    assert Trial.from_dict(trial.to_dict()) == trial
    assert len({one.id for _, one in plan.trials}) == len(plan.trials)
    assert "fold" not in replace(trial, fold=None).to_dict()
    assert options.to_dict().keys() - StudyOptions().to_dict().keys() == {"folds", "group"}


def test_a_study_without_variants(tmp_path: Path) -> None:
    nothing = refused(tmp_path, 'question = "?"\n\n[variants]\n')
    assert nothing.startswith(": variants: a study needs at least one variant. Write for example")
    assert refused(tmp_path, 'question = "?"\n') == nothing


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("".join(f"[variants.v{i}]\n" for i in range(30_000)), "1,000 variants"),
        (f'[vary]\n"training.batch_size" = [{"1," * 400_000}]', "1,000 variants"),
        (f"[controlled]\nlearning_rates = {[0.1] * 50_000}\n[variants.a]", "1,000 learning rates"),
    ],
    ids=["variants", "values", "rates"],
)
def test_no_work_is_done_on_a_study_beyond_the_limits(
    tmp_path: Path, text: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unexpected(*_: object) -> None:
        raise AssertionError("a variant was made")

    for module in ("study_file", "variants"):
        monkeypatch.setattr(f"experiments.design.{module}.with_field", unexpected)
    assert f"a study has at most {says}" in refused(tmp_path, text)


def test_epochs_have_the_limit_of_the_command_line(tmp_path: Path) -> None:
    sentence = refused(tmp_path, "[base.training]\nepochs = 1_000_000\n[variants.a]")
    assert "epochs must be a whole number from 1 to 100,000. Received: 1000000." in sentence


def test_varied_epochs_have_the_limit_of_the_command_line() -> None:
    with pytest.raises(ConfigError, match=r"from 1 to 100,000\. Received: 1000000"):
        vary(STUDIES["dropout"], {"training.epochs": [2, 1_000_000]})


def test_a_plan_has_a_limit_of_trials() -> None:
    study = replace(STUDIES["dropout"], budget=Budget(1, tuple(1 / n for n in range(1, 500))))
    with pytest.raises(RunError, match="at most 100,000 trials; this one would have 2,994,000"):
        make_plan(study, StudyOptions("controlled", 1000), "abc")


def test_what_is_no_toml_or_no_file(tmp_path: Path) -> None:
    assert "is no valid TOML" in refused(tmp_path, "a = \n")
    assert "(at line 1, column 5)" in refused(tmp_path, "a = \n")
    with pytest.raises(RunError, match=r"cannot be read: No such file or directory\.$"):
        read_study(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RunError, match="no text in UTF-8"):
        read_study(tmp_path / "bytes.toml")


def test_every_combination_of_two_fields() -> None:
    grid = parse_grid(["training.learning_rate=1e-4,1e-3", "network.hidden=[64],[32,16]"])
    assert grid == {"training.learning_rate": [1e-4, 1e-3], "network.hidden": [[64], [32, 16]]}
    study = vary(only(STUDIES["ffn-baseline"], ["last-epoch"]), grid)
    assert [variant.name for variant in study.variants] == [
        "learning_rate=0.0001 hidden=[64]",
        "learning_rate=0.0001 hidden=[32,16]",
        "learning_rate=0.001 hidden=[64]",
        "learning_rate=0.001 hidden=[32,16]",
    ]
    assert not any(variant.published for variant in study.variants)
    for protocol in ("documented", "controlled"):
        trials = make_plan(study, StudyOptions(protocol, seeds=1), "abc").trials  # type: ignore[arg-type]
        rates = [trial.training.learning_rate for _, trial in trials]
        assert rates == [1e-4, 1e-4, 1e-3, 1e-3]


def test_fields_of_schedules_and_of_early_stopping_can_vary() -> None:
    grid = parse_grid(["training.schedule.kind=none,cosine", "training.early_stopping.patience=2"])
    study = vary(STUDIES["batch-norm"], grid)
    assert study.variants[0].name == "none schedule.kind=none early_stopping.patience=2"
    assert {v.training.schedule.kind for v in study.variants} == {"none", "cosine"}
    assert {v.training.early_stopping.patience for v in study.variants} == {2}  # type: ignore[union-attr]


def test_class_weights_vary_between_none_and_balanced() -> None:
    base = STUDIES["batch-norm"]
    study = vary(base, parse_grid(["training.class_weights=none,balanced"]))
    assert [variant.name for variant in study.variants[:2]] == [
        "none class_weights=none",
        "none class_weights=balanced",
    ]
    assert study.variants[0].training == base.variants[0].training
    assert study.variants[1].training.class_weights == "balanced"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("training.class_weights=even", "must be one of 'balanced' or none. Received: 'even'"),
        ("training.lerning_rate=1", "Did you mean 'learning_rate'"),
        ("training.learning_rate=fast", "learning_rate must be a number. Received: 'fast'"),
        ("learning_rate=1", "begins with network. or training."),
        ("training.epochs.x=1", "is a value: it has no fields"),
    ],
)
def test_fields_that_cannot_vary_so(word: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        vary(STUDIES["batch-norm"], parse_grid([word]))


@pytest.mark.parametrize("word", ["training.epochs", "training.epochs=", "=1"])
def test_options_that_are_no_grid(word: str) -> None:
    with pytest.raises((RunError, ConfigError)):
        vary(STUDIES["batch-norm"], parse_grid([word]))


def test_a_variant_that_is_not_there() -> None:
    with pytest.raises(RunError, match=r"Did you mean 'adam'"):
        only(STUDIES["optimizers"], ["adm"])
