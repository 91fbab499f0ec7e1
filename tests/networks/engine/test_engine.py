"""The engine's parts: chance, lean graphs, recording."""

from typing import Any

import networks  # noqa: F401  # it sets Keras's backend

# isort: split

import numpy as np
import pytest
import torch

from networks.engine import cuda_graph
from networks.engine.cuda_graph import record
from networks.engine.epoch import DeviceRows, EpochBatches
from networks.engine.graph import Store, bind, trace
from networks.training.random_streams import dropout_keys, dropout_mask, dropout_threshold
from networks.training.results import LabelledRows


def mask(key: np.ndarray, rows_before: int, rate: float, shape: tuple[int, ...]) -> np.ndarray:
    return dropout_mask(
        torch.from_numpy(key),
        torch.tensor(rows_before, dtype=torch.int32),
        torch.tensor(dropout_threshold(rate), dtype=torch.int32),
        shape,
    ).numpy()


def mask_in_unsigned_numbers(
    key: np.ndarray, rows_before: int, rate: float, shape: tuple[int, ...]
) -> np.ndarray:
    """The same formula where shifts and products need no care."""
    first, second = key.view(np.uint32)
    x = np.arange(np.prod(shape), dtype=np.uint32) + np.uint32(rows_before * np.prod(shape[1:]))
    x = x ^ first
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) + second
    x = x * np.uint32(0x846CA68B)
    return (x.view(np.int32) < dropout_threshold(rate)).reshape(shape)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_follows_its_formula(rate: float) -> None:
    for seed in range(5):
        for key in dropout_keys(seed, 3, 2):
            ours = mask(key, 1000, rate, (32, 7, 5))
            np.testing.assert_array_equal(
                ours, mask_in_unsigned_numbers(key, 1000, rate, ours.shape)
            )


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_everywhere(rate: float) -> None:
    masks = np.stack(
        [mask(key, 0, rate, (400, 50)) for seed in range(8) for key in dropout_keys(seed, 0, 2)]
    )
    spread = np.sqrt(rate * (1 - rate))
    for axes in ((1, 2), (0, 2), (0, 1)):  # by layer and seed, by row, by unit
        share = 1 - masks.mean(axis=axes)
        n = masks.size / share.size
        assert np.abs(share - rate).max() < 5 * spread / np.sqrt(n)


def test_dropout_masks_have_nothing_in_common() -> None:
    def flat(seed: int, epoch: int, layer: int, before: int = 0) -> np.ndarray:
        return mask(dropout_keys(seed, epoch, 2)[layer], before, 0.5, (200, 64)).ravel() - 0.5

    one = flat(1, 1, 0)
    for other in (flat(2, 1, 0), flat(1, 2, 0), flat(1, 1, 1), flat(1, 1, 0, 200)):
        assert abs((one * other).mean() * 4) < 5 / np.sqrt(one.size)
    for shift in (1, 2, 63, 64, 65, 128):
        assert abs((one[shift:] * one[:-shift]).mean() * 4) < 5 / np.sqrt(one.size)


def test_dropout_does_not_depend_on_how_rows_are_batched() -> None:
    key = dropout_keys(7, 2, 1)[0]
    whole = mask(key, 0, 0.3, (48, 9))
    parts = [mask(key, before, 0.3, (16, 9)) for before in (0, 16, 32)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


# --- graphs ---------------------------------------------------------------------------


def check(function: Any, *inputs: torch.Tensor, bound: tuple[bool, ...]) -> None:
    """A bound graph must compute what the function does, again and again."""
    graph, leaves = trace(function, inputs, [None] * len(inputs), single=True)
    run = bind(graph, [leaf if fixed else None for leaf, fixed in zip(leaves, bound, strict=True)])
    free = [value for value, fixed in zip(inputs, bound, strict=True) if not fixed]
    for _ in range(3):
        for value in inputs:
            value.copy_(torch.randn_like(value))
        before = [value.clone() for value in inputs]
        expected = function(*inputs)
        for ours, theirs in zip(run(*free), expected, strict=True):
            torch.testing.assert_close(ours, theirs)
        for value, old in zip(inputs, before, strict=True):
            assert torch.equal(value, old), "inputs are left alone"


def test_nothing_is_overwritten_that_is_read_again() -> None:
    x, w, b = torch.randn(4, 3), torch.randn(3, 5), torch.randn(5)
    check(lambda x, w, b: [torch.relu(x @ w + b)], x, w, b, bound=(False, True, True))

    def twice(x: Any, w: Any, b: Any) -> Any:
        product = x @ w
        return [torch.relu(product) + product, product.T.exp(), (product + b).relu()]

    check(twice, x, w, b, bound=(False, True, True))

    def views(x: Any, w: Any, b: Any) -> Any:
        product = x @ w
        turned = product.T
        return [product.relu() * 2.0, turned + 1.0, (x + 1).reshape(3, 4).relu()]

    check(views, x, w, b, bound=(False, True, False))
    check(lambda x, w, b: [torch.relu(x), torch.exp(w), b + b], x, w, b, bound=(False,) * 3)
    check(
        lambda x, w, b: [(x @ w).sum(0), (x @ w).sum(0, keepdim=True)], x, w, b, bound=(True,) * 3
    )


def test_stores_read_old_values() -> None:
    a, b, c = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0]), torch.tensor([7.0, 11.0])

    def turn(a: Any, b: Any, c: Any, x: Any) -> Any:
        return [b, a + b, c - a, a * x]

    graph, leaves = trace(turn, [a, b, c, torch.ones(2)], [None] * 4, single=True)
    run = bind(graph, [*leaves[:3], None], [Store(0, 0), Store(1, 1), Store(2, 2)])
    (product,) = run(torch.tensor([10.0, 100.0]))
    assert product.tolist() == [10.0, 200.0]
    assert (a.tolist(), b.tolist(), c.tolist()) == ([3.0, 5.0], [4.0, 7.0], [6.0, 9.0])


def test_stores_of_views_read_old_values() -> None:
    a, b = torch.arange(4.0).reshape(2, 2), torch.ones(2)

    def turn(a: Any, b: Any) -> Any:
        first, second = a.unbind(0)
        return [a.T, first + second, second]

    graph, leaves = trace(turn, [a, b], [None] * 2, single=True)
    (second,) = bind(graph, leaves, [Store(0, 0), Store(1, 1)])()
    assert a.tolist() == [[0.0, 2.0], [1.0, 3.0]]
    assert b.tolist() == [2.0, 4.0]
    del second


def test_products_are_added_in_place_after_the_factor() -> None:
    w, factor = torch.ones(3, 2), torch.tensor(0.5)

    def step(w: Any, factor: Any, x: Any) -> Any:
        y = x @ w
        return [x.T @ y, y]

    x = torch.arange(12.0).reshape(4, 3)
    expected = 0.5 * w + x.T @ (x @ w)
    graph, _ = trace(step, [w, factor, x], [None] * 3, single=True)
    run = bind(graph, [w, factor, None], [Store(0, 0, adds=True, factor=1)])
    (y,) = run(x)
    torch.testing.assert_close(w, expected)
    torch.testing.assert_close(y, x @ torch.ones(3, 2))


# --- epochs ---------------------------------------------------------------------------


def test_an_epoch_shows_every_member_its_rows_in_its_order() -> None:
    rows = LabelledRows(np.asfortranarray(np.arange(46.0).reshape(23, 2)), np.arange(23) % 3)
    orders = np.stack([np.random.default_rng(seed).permutation(23) for seed in range(2)])
    epoch = EpochBatches(orders, 5, DeviceRows.of(rows, 3, "cpu"))
    seen: list[list[float]] = [[], []]
    sizes = []
    for batch in epoch:
        sizes.append(batch.x.shape[1])
        batch.log_probabilities.copy_(torch.where(batch.target == 1, -0.25, -2.0))
        batch.log_probabilities[1, :, 0] = torch.tensor([-3.0, -3.0, -3.0])
        for member in range(2):
            seen[member] += batch.x[member, :, 0].tolist()
            labels = batch.target[member].argmax(0).tolist()
            assert labels == [int(x) // 2 % 3 for x in batch.x[member, :, 0].tolist()]
    assert sizes == [5, 5, 5, 5, 3]
    assert [[int(x) // 2 for x in own] for own in seen] == orders.tolist()
    first, second = epoch.logs()
    assert first == {"accuracy": 1.0, "loss": pytest.approx(0.25)}
    assert second["loss"] == pytest.approx((5 * 3.0 + 18 * 0.25) / 23)


# --- recording ------------------------------------------------------------------------


def test_a_step_that_cannot_be_recorded_runs_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    state = torch.zeros(2)

    def compute(x: torch.Tensor) -> torch.Tensor:
        return state.add_(x)

    def fails(compute: Any, example: Any) -> Any:
        compute(*example)
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(cuda_graph, "_record", fails)
    reports: list[str] = []
    run = record(compute, [torch.ones(2)], [state], reports.append)
    assert state.tolist() == [0.0, 0.0], "trying it changed nothing"
    assert run is compute
    assert reports == [
        "the step runs without a CUDA graph, more slowly: operation not permitted when stream is "
        "capturing"
    ]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_recorded_step_repeats_itself() -> None:
    state = torch.zeros(2, device="cuda")
    reports: list[str] = []
    run = record(lambda x: state.add_(x), [torch.ones(2, device="cuda")], [state], reports.append)
    for x in (1.0, 10.0):
        run(torch.full((2,), x, device="cuda"))
    assert state.tolist() == [11.0, 11.0]
    assert reports == []
