"""The answers of studies, word by word, and that none claims more than its p-values."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from experiments.statistics.answer import Answer, answer, listed, sentence
from experiments.statistics.paired_tests import SeedComparison
from experiments.statistics.ranking import Pair, RankedVariant

# Mean 0, standard deviation 1.
FIVE = (-1.264911, -0.632456, 0.0, 0.632456, 1.264911)
OPTIMIZERS = [
    *("adam", "adamw", "adamax", "nadam", "radam", "rmsprop"),
    *("adagrad", "adadelta", "sgd", "asgd", "rprop", "lion"),
]


def _figures(**leads: tuple[float, float]) -> dict[str, dict[int, float]]:
    """Variants by the mean and standard deviation of their seeds' distance to 0.7."""
    return {
        name: {42 + seed: 0.7 + mean + spread * z for seed, z in enumerate(FIVE)}
        for name, (mean, spread) in leads.items()
    }


def _said(figures: dict[str, dict[int, float]]) -> str:
    return answer(figures).sentence


def test_two_that_are_alike_and_one_that_both_beat() -> None:
    # The difference of the first two is 0.4 points with a standard deviation of 1.21
    # points: 2.776 * 1.21 / sqrt(5) = 1.5 to either side.
    figures = _figures(adagrad=(-0.004, 0.0), adam=(0.0, 0.0121), adadelta=(-0.2, 0.02))
    assert _said(figures) == (
        "By macro-F1, adam and adagrad cannot be told apart (difference 0.4 points, "
        "95 % interval -1.1 to 1.9, 5 seeds); both beat adadelta."
    )


def test_two_variants() -> None:
    alike = _figures(adam=(0.0, 0.0121), sgd=(-0.004, 0.0))
    assert _said(alike) == (
        "By macro-F1, adam and sgd cannot be told apart (difference 0.4 points, "
        "95 % interval -1.1 to 1.9, 5 seeds); neither beats the other."
    )
    apart = _figures(adam=(0.0, 0.0121), sgd=(-0.05, 0.0))
    assert answer(apart, "accuracy").sentence == (
        "By accuracy, adam beats sgd (difference 5.0 points, 95 % interval 3.5 to 6.5, 5 seeds)."
    )


def test_a_best_that_beats_all() -> None:
    figures = _figures(sgd=(-0.3, 0.02), adam=(0.0, 0.0121), adagrad=(-0.1, 0.0))
    assert _said(figures) == (
        "By macro-F1, adam beats adagrad and sgd (the next is adagrad: difference 10.0 points, "
        "95 % interval 8.5 to 11.5, 5 seeds)."
    )


def test_three_that_are_alike() -> None:
    figures = _figures(a=(0.0, 0.0121), b=(-0.004, 0.0), c=(-0.006, 0.006), d=(-0.3, 0.03))
    assert _said(figures) == (
        "By macro-F1, a, b and c cannot be told apart (a leads by 0.4 to 0.6 points, "
        "95 % intervals within -1.1 to 1.9, 5 seeds); all three beat d."
    )
    assert _said({name: figures[name] for name in "abc"}).endswith("; no variant beats another.")


def test_one_that_is_significant_before_adjustment_only() -> None:
    # t = 3 with 4 degrees of freedom: p = 0.040, 0.12 among three pairs.
    figures = _figures(a=(0.0, 0.01), b=(-0.0134164, 0.0), c=(-0.015, 0.03))
    found = answer(figures)
    pair = found.pairs[0]
    assert pair.comparison is not None
    assert pair.comparison.p == pytest.approx(0.0399, abs=1e-4)
    assert pair.winner is None
    assert found.sentence == (
        "By macro-F1, a, b and c cannot be told apart (a leads by 1.3 to 1.5 points, "
        "95 % intervals within -1.0 to 4.0, 5 seeds; 1 of these significant alone, not among 3 "
        "comparisons); no variant beats another."
    )


def _sentence(beaten: list[str], names: str = "abcd") -> str:
    """Of variants in order, where the first of each of the pairs "xy" beats the second."""
    ranking = [
        RankedVariant(name, 0.9 - place / 100, None, (1, 2)) for place, name in enumerate(names)
    ]
    pairs = [
        Pair(a, b, SeedComparison(-0.01 if b + a in beaten else 0.01, None, 0.5, None, 2), 0.5)
        for place, a in enumerate(names)
        for b in names[place + 1 :]
    ]
    pairs = [
        replace(pair, adjusted_p=0.01)
        if {pair.first + pair.second, pair.second + pair.first} & {*beaten}
        else pair
        for pair in pairs
    ]
    return sentence(ranking, pairs, [], "accuracy")


def test_what_only_the_best_beats() -> None:
    assert _sentence(["ac", "bc", "ad"]).endswith("; both beat c; of these only a beats d.")


def test_what_some_of_the_top_beat() -> None:
    assert _sentence(["ad", "bd"]).endswith("; a and others of these, but not all, beat d.")


def test_alikeness_is_not_passed_on() -> None:
    # Neither b nor c can be told from a, yet b beats c.
    assert _sentence(["bc", "ad", "bd", "cd"]) == (
        "By accuracy, b and c cannot be told apart from the best, a (a leads by 1.0 points, "
        "2 seeds); b beats c; all three beat d."
    )


def test_a_best_that_beats_nobody() -> None:
    messages = _sentence(["bd"])
    assert messages.startswith("By accuracy, b, c and d cannot be told apart from the best, a (")
    assert messages.endswith("; a beats nobody; b beats d.")


def test_the_best_is_unbeaten() -> None:
    # On the seeds that they share, b beats a, whose mean over all its seeds is higher.
    messages = _sentence(["ba", "bc", "bd"])
    assert messages.startswith("By accuracy, b beats a, c and d (")
    # Each of three is beaten by another.
    assert _sentence(["ab", "bc", "ca"], "abc") == (
        "By accuracy, no variant is unbeaten, a has the best mean; c beats a; of these only a "
        "beats b."
    )


def test_one_seed_makes_no_claim() -> None:
    two = {"adam": {42: 0.712}, "sgd": {42: 0.6}}
    assert _said(two) == (
        "One seed cannot tell adam from sgd: on seed 42 the macro-F1 of adam is 71.2 %, "
        "11.2 points above that of sgd."
    )
    assert _said({**two, "asgd": {42: 0.7}}) == (
        "One seed cannot tell the 3 variants apart: on seed 42 the macro-F1 of adam is 71.2 %, "
        "1.2 to 11.2 points above the others."
    )
    assert _said({"a": {1: 0.5}, "b": {1: 0.5}}).endswith("is 50.0 %, the same as that of b.")


def test_two_seeds_make_no_claim() -> None:
    two = {"adam": {42: 0.70, 43: 0.72}, "sgd": {42: 0.6, 43: 0.6}}
    assert _said(two) == (
        "2 seeds cannot tell adam from sgd: the mean macro-F1 of adam is 71.0 %, 11.0 points "
        "above that of sgd."
    )
    assert answer(two).ranking[0].interval is None


def test_one_variant_has_nothing_to_be_compared_with() -> None:
    assert _said({"adam": {42: 0.712}}) == (
        "Only adam has a figure, a macro-F1 of 71.2 %: there is nothing to compare it with."
    )
    several = _said({"adam": {1: 0.70, 2: 0.71, 3: 0.72}, "sgd": {}})
    assert several.startswith("Only adam has a figure, a macro-F1 of 71.0 % (95 % interval 6")
    assert several.endswith("3 seeds): there is nothing to compare it with; sgd has no figure.")


def test_no_figures() -> None:
    assert _said({}) == _said({"a": {}}) == "No variant has a figure."


def test_pairs_are_compared_on_the_seeds_that_both_have() -> None:
    figures = _figures(a=(0.0, 0.0121), b=(-0.004, 0.0), c=(-0.2, 0.02))
    del figures["b"][42]
    figures |= {"d": {42: 0.99}, "e": {}, "f": {}}
    found = answer(figures)
    assert [variant.name for variant in found.ranking] == ["d", "a", "b", "c"]
    assert found.without == ("e", "f")
    seeds = {
        (pair.first, pair.second): pair.comparison and pair.comparison.n for pair in found.pairs
    }
    assert seeds[("a", "b")] == 4
    assert seeds[("a", "c")] == 5
    assert seeds[("d", "a")] is None
    a, b = ([figures[name][seed] for seed in range(43, 47)] for name in "ab")
    pair = next(pair for pair in found.pairs if (pair.first, pair.second) == ("a", "b"))
    assert pair.comparison is not None
    assert pair.comparison.difference == pytest.approx(np.mean(a) - np.mean(b))
    assert found.sentence.startswith("By macro-F1, a and b cannot be told apart (")
    assert found.sentence.endswith(
        "4 seeds); both beat c; d shares fewer than three seeds with a and is not compared with "
        "it; b (4 of 5 seeds) lacks seeds, and pairs are compared on those that both have; e "
        "and f have no figure."
    )


def test_no_common_seeds() -> None:
    assert _said({"a": {1: 0.5, 2: 0.6}, "b": {3: 0.6}}) == (
        "No two variants share three seeds, so nothing tells them apart: their mean macro-F1 is "
        "b 60.0 % (1 seed) and a 55.0 % (2 seeds)."
    )


def test_ties() -> None:
    same = {1: 0.5, 2: 0.6, 3: 0.55}
    found = answer({"b": same, "a": same})
    assert [variant.name for variant in found.ranking] == ["b", "a"]
    assert found.sentence == (
        "By macro-F1, b and a cannot be told apart (the same figures on all 3 seeds); neither "
        "beats the other."
    )
    one_more = {seed: value + 0.01 for seed, value in same.items()}
    assert "(difference 1.0 points on each of 3 seeds)" in _said({"a": same, "b": one_more})


def test_twelve_variants_stay_readable() -> None:
    rng = np.random.default_rng(6)
    for step, spread in ((0.02, 0.002), (0.01, 0.006), (0.01, 0.02), (0.0, 0.02)):
        figures = {
            name: {seed: 0.8 - step * place + spread * rng.standard_normal() for seed in range(5)}
            for place, name in enumerate(OPTIMIZERS)
        }
        found = answer(figures)
        _check_claims(found)
        assert len(found.pairs) == 66
        assert len(found.sentence) < 420
        outside = re.sub(r"\([^)]*\)", "", found.sentence)
        counts = {name: len(re.findall(rf"\b{name}\b", outside)) for name in OPTIMIZERS}
        best = max(counts, key=lambda name: counts[name])
        assert all(count == 1 for name, count in counts.items() if name != best)


def test_no_sentence_claims_more_than_its_p_values() -> None:
    rng = np.random.default_rng(7)
    kinds = set()
    for _ in range(80):
        names = [f"v{place}" for place in range(rng.integers(2, 7))]
        scale = rng.choice([0.002, 0.01, 0.03])
        figures = {
            name: {
                seed: float(0.6 + mean + rng.choice([0.003, 0.015]) * rng.standard_normal())
                for seed in range(5)
                if rng.random() < 0.95
            }
            for name, mean in zip(names, rng.normal(0, scale, len(names)), strict=True)
        }
        found = answer(figures)
        kinds |= _check_claims(found)
    assert kinds == {"all beat", "some beat", "only", "beats", "alike", "alike best"}


def _check_claims(found: Answer) -> set[str]:
    """Check every clause against the adjusted p-values; the kinds of clauses there were."""
    wins = {
        (pair.first, pair.second) if pair.comparison.difference > 0 else (pair.second, pair.first)
        for pair in found.pairs
        if pair.comparison and pair.adjusted_p is not None and pair.adjusted_p < 0.05
    }
    text = re.sub(r" \([^)]*\)", "", found.sentence.removesuffix("."))
    text = text.removeprefix("By macro-F1, ")
    kinds: set[str] = set()
    top: list[str] = []
    for clause in text.split("; "):
        if match := re.fullmatch(r"(.+) cannot be told apart from the best, (\S+)", clause):
            top = [match[2], *_names(match[1])]
            assert not {(top[0], name) for name in top} & wins
            assert not {(name, top[0]) for name in top} & wins
            kinds.add("alike best")
        elif match := re.fullmatch(r"(.+) cannot be told apart", clause):
            top = _names(match[1])
            assert not {(a, b) for a in top for b in top} & wins
            kinds.add("alike")
        elif match := re.fullmatch(r"(both|all three|all \d+) beat (.+)", clause):
            assert len(top) == {"both": 2, "all three": 3}.get(match[1]) or int(match[1][4:])
            assert {(a, b) for a in top for b in _names(match[2])} <= wins
            kinds.add("all beat")
        elif match := re.fullmatch(r"(\S+) and others of these, but not all, beat (.+)", clause):
            for name in _names(match[2]):
                assert (match[1], name) in wins
                assert 1 < sum((one, name) in wins for one in top) < len(top)
            kinds.add("some beat")
        elif match := re.fullmatch(r"of these only (\S+) beats (.+)", clause):
            for name in _names(match[2]):
                assert [one for one in top if (one, name) in wins] == [match[1]]
            kinds.add("only")
        elif match := re.fullmatch(r"(\S+) beats nobody", clause):
            assert not [loser for winner, loser in wins if winner == match[1]]
        elif clause in ("no variant beats another", "neither beats the other"):
            assert not wins
        elif match := re.fullmatch(r"(\S+) beats (.+)", clause):
            assert {(match[1], name) for name in _names(match[2])} <= wins
            kinds.add("beats")
        else:
            assert "seeds" in clause, clause
    return kinds


def _names(text: str) -> list[str]:
    return re.split(r", | and ", text)


def test_an_answer_as_json() -> None:
    figures = _figures(a=(0.0, 0.0121), b=(-0.004, 0.0), c=(-0.2, 0.02)) | {"d": {42: 0.4}}
    found = json.loads(json.dumps(answer(figures).to_dict(), allow_nan=False))
    assert [variant["name"] for variant in found["ranking"]] == ["a", "b", "c", "d"]
    assert found["ranking"][0]["interval"]["level"] == 0.95
    assert found["ranking"][3]["interval"] is None
    assert (found["alpha"], found["what"]) == (0.05, "macro-F1")
    first = found["pairs"][0]
    assert (first["first"], first["second"], first["winner"]) == ("a", "b", None)
    # d_z = 0.4 / 1.21, times the correction for 4 degrees of freedom.
    assert first["comparison"]["effect"] == pytest.approx(0.4 / 1.21 * 0.797885, rel=1e-4)
    assert first["adjusted_p"] == pytest.approx(first["comparison"]["p"])  # the largest of three
    assert found["pairs"][1]["winner"] == "a"


def test_values_that_are_no_shares_are_refused() -> None:
    with pytest.raises(ValueError, match="shares between 0 and 1"):
        answer({"a": {1: 71.2}})
    with pytest.raises(ValueError, match="shares between 0 and 1"):
        answer({"a": {1: float("nan")}})


def test_lists() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"
