"""Our optimizers take the steps of torch.optim's."""

from typing import get_args

import networks  # noqa: F401  # it sets Keras's backend

# isort: split

import keras
import numpy as np
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from networks.models.config import Optimizer, TrainingConfig
from networks.optimizers import make_optimizer
from networks.optimizers.gradient_descent import ASGD

NAMES = get_args(Optimizer)
ADAM_FAMILY = ("adam", "adamax", "adamw", "nadam", "radam")
TORCH = {
    "adadelta": torch.optim.Adadelta,
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "adamax": torch.optim.Adamax,
    "adamw": torch.optim.AdamW,
    "asgd": torch.optim.ASGD,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "rmsprop": torch.optim.RMSprop,
    "rprop": torch.optim.Rprop,
    "sgd": torch.optim.SGD,
}
# keras.ops.maximum, in Adamax's formula, computes float64 in float32.
CLOSE = dict.fromkeys(NAMES, 1e-11) | {"adamax": 1e-6}
STEPS = 40
RATE, LATER_RATE, CHANGE = 0.01, 0.002, 25


@pytest.fixture
def float64():
    """Float64 everywhere, so that a difference is one of formulas, not of rounding."""
    keras.config.set_floatx("float64")
    torch.set_default_dtype(torch.float64)
    yield torch.float64
    keras.config.set_floatx("float32")
    torch.set_default_dtype(torch.float32)


def start_weights(dtype=torch.float32):
    """A kernel and a bias."""
    random = np.random.default_rng(1)
    return [torch.tensor(random.normal(size=shape), dtype=dtype) for shape in ((6, 4), (4,))]


def zero_weights():
    return [torch.zeros(6, 4), torch.zeros(4)]


def fixed_gradients(dtype=torch.float32, steps=STEPS):
    """Per step one for each weight; row i of the kernel's is about 10^-2i in size.

    The last row is 0 throughout, the first entry is 0 from the fifth step on.
    """
    random = np.random.default_rng(2)
    scale = np.array([1.0, 1e-2, 1e-4, 1e-6, 1e-8, 0.0])[:, None]
    gradients = []
    for step in range(steps):
        kernel, bias = random.normal(size=(6, 4)) * scale, random.normal(size=4)
        kernel[0, 0] *= step < 5
        gradients.append([torch.tensor(g, dtype=dtype) for g in (kernel, bias)])
    return gradients


def our_path(training, weights, gradients, on_step=None):
    """The weights after each step, and the optimizer."""
    variables = [keras.Variable(w.clone(), dtype=keras.config.floatx()) for w in weights]
    optimizer = make_optimizer(training)
    path = []
    for step, gradient in enumerate(gradients):
        if step == CHANGE:
            optimizer.learning_rate = LATER_RATE
        if on_step:
            on_step(optimizer, step)
        optimizer.apply(gradient, variables)
        path.append([v.value.detach().clone() for v in variables])
    return path, optimizer


def torch_path(name, weights, gradients, decoupled=0.0, on_step=None, **settings):
    """The weights after each step, and the optimizer."""
    parameters = [torch.nn.Parameter(w.clone()) for w in weights]
    optimizer = TORCH[name](parameters, lr=RATE, **settings)
    path = []
    for step, gradient in enumerate(gradients):
        if step == CHANGE:
            optimizer.param_groups[0]["lr"] = LATER_RATE
        if on_step:
            on_step(optimizer, step)
        for parameter, grad in zip(parameters, gradient, strict=True):
            parameter.grad = grad.clone()
            with torch.no_grad():
                parameter.mul_(1 - optimizer.param_groups[0]["lr"] * decoupled)
        optimizer.step()
        path.append([p.detach().clone() for p in parameters])
    return path, optimizer


def worst_deviation(ours, theirs, start):
    """Greatest difference of a weight, over the length of the way it has gone so far.

    Not over the weight itself, which would hide wrong small steps, nor over how far
    it got, which is 0 where it came back. A weight that never moved must not move.
    """
    worst = 0.0
    for index in range(len(start)):
        gone, before = torch.zeros_like(start[index]), start[index]
        for our, their in zip(ours, theirs, strict=True):
            gone = gone + (their[index] - before).abs()
            before = their[index]
            difference = (our[index] - their[index]).abs()
            assert not difference[gone == 0].any()
            moved = gone > 0
            worst = max(worst, float((difference[moved] / gone[moved]).max()))
    return worst


@pytest.mark.parametrize("name", NAMES)
def test_formula_is_torchs_also_for_tiny_and_zero_gradients(name, float64):
    start, gradients = start_weights(float64), fixed_gradients(float64)
    ours, _ = our_path(TrainingConfig(optimizer=name, learning_rate=RATE), start, gradients)
    theirs, _ = torch_path(name, start, gradients)
    # A step of 1e-10 on a weight of 1 has six digits in float64.
    assert worst_deviation(ours, theirs, start) < 1e-5
    # From zero weights every step has all its digits.
    start = [torch.zeros_like(w) for w in start]
    ours, _ = our_path(TrainingConfig(optimizer=name, learning_rate=RATE), start, gradients)
    theirs, _ = torch_path(name, start, gradients)
    assert worst_deviation(ours, theirs, start) < CLOSE[name]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"adamw", "rprop"}))
def test_l2_is_torchs_weight_decay(name, float64):
    start, gradients = start_weights(float64), fixed_gradients(float64)
    training = TrainingConfig(optimizer=name, learning_rate=RATE, l2=0.03)
    ours, _ = our_path(training, start, gradients)
    theirs, _ = torch_path(name, start, gradients, weight_decay=0.03)
    assert worst_deviation(ours, theirs, start) < 10 * CLOSE[name]


@pytest.mark.parametrize("name", ["adamw", "nadam", "radam"])
@pytest.mark.parametrize("decay", [None, 0.0, 0.2])
def test_decoupled_decay_is_torchs(name, decay, float64):
    start, gradients = start_weights(float64), fixed_gradients(float64)
    training = TrainingConfig(optimizer=name, learning_rate=RATE, decoupled_decay=decay)
    ours, _ = our_path(training, start, gradients)
    expected = (0.01 if name == "adamw" else 0.0) if decay is None else decay
    settings = {} if name == "adamw" else {"decoupled_weight_decay": True}
    theirs, _ = torch_path(name, start, gradients, weight_decay=expected, **settings)
    assert worst_deviation(ours, theirs, start) < 10 * CLOSE[name]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"adamw", "nadam", "radam", "rprop"}))
def test_decoupled_decay_goes_with_every_other_optimizer(name, float64):
    start, gradients = start_weights(float64), fixed_gradients(float64)
    training = TrainingConfig(optimizer=name, learning_rate=RATE, decoupled_decay=0.2)
    ours, _ = our_path(training, start, gradients)
    theirs, _ = torch_path(name, start, gradients, decoupled=0.2)
    assert worst_deviation(ours, theirs, start) < 10 * CLOSE[name]


@pytest.mark.parametrize("name", NAMES)
def test_float32_steps_differ_by_rounding_only(name):
    start, gradients = zero_weights(), fixed_gradients()
    ours, _ = our_path(TrainingConfig(optimizer=name, learning_rate=RATE), start, gradients)
    theirs, _ = torch_path(name, start, gradients)
    assert worst_deviation(ours, theirs, start) < 2e-6


@pytest.mark.parametrize("name", NAMES)
def test_float32_weights_agree_to_a_millionth(name):
    start, gradients = start_weights(), fixed_gradients()
    decay = {} if name in ("adamw", "rprop") else {"l2": 0.01}
    ours, _ = our_path(
        TrainingConfig(optimizer=name, learning_rate=RATE, **decay), start, gradients
    )
    settings = {"weight_decay": 0.01} if decay else {}
    theirs, _ = torch_path(name, start, gradients, **settings)
    for our, their in zip(ours[-1], theirs[-1], strict=True):
        torch.testing.assert_close(our, their, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ADAM_FAMILY)
def test_beta_1_can_move_while_training(name, float64):
    def ours_moves(optimizer, step):
        optimizer.beta_1.assign(0.95 - 0.002 * step)

    def theirs_moves(optimizer, step):
        optimizer.param_groups[0]["betas"] = (0.95 - 0.002 * step, 0.999)

    start, gradients = start_weights(float64), fixed_gradients(float64)
    start = [torch.zeros_like(w) for w in start]
    training = TrainingConfig(optimizer=name, learning_rate=RATE)
    ours, _ = our_path(training, start, gradients, ours_moves)
    theirs, _ = torch_path(name, start, gradients, on_step=theirs_moves)
    assert worst_deviation(ours, theirs, start) < CLOSE[name]


@pytest.mark.parametrize(
    ("name", "slots"),
    [
        ("adam", {"momentum": "exp_avg", "velocity": "exp_avg_sq"}),
        ("adamax", {"momentum": "exp_avg", "velocity": "exp_inf"}),
        (
            "nadam",
            {"momentum": "exp_avg", "velocity": "exp_avg_sq", "product": "mu_product"},
        ),
        ("radam", {"momentum": "exp_avg", "velocity": "exp_avg_sq"}),
        ("adagrad", {"sum": "sum"}),
        ("rmsprop", {"velocity": "square_avg"}),
        ("asgd", {"average": "ax", "eta": "eta"}),
        ("rprop", {"gradient": "prev", "size": "step_size"}),
    ],
)
def test_state_is_torchs(name, slots, float64):
    start, gradients = start_weights(float64), fixed_gradients(float64)
    training = TrainingConfig(optimizer=name, learning_rate=RATE)
    _, ours = our_path(training, start, gradients)
    _, theirs = torch_path(name, start, gradients)
    for slot, key in slots.items():
        states = theirs.state.values()
        for variable, state in zip(ours.slots[slot], states, strict=True):
            torch.testing.assert_close(variable.value.data, state[key], rtol=CLOSE[name], atol=0.0)


def test_asgd_averages_from_the_step_asked_for(float64):
    start, gradients = start_weights(float64), fixed_gradients(float64)
    variable = keras.Variable(start[0].clone())
    ours = ASGD(RATE)
    ours.average_from = 7.0
    for gradient in gradients:
        ours.apply(gradient[:1], [variable])
    parameter = torch.nn.Parameter(start[0].clone())
    theirs = torch.optim.ASGD([parameter], lr=RATE, t0=7.0)
    for gradient in gradients:
        parameter.grad = gradient[0]
        theirs.step()
    average = theirs.state[parameter]["ax"]
    assert not torch.allclose(average, parameter, rtol=1e-3)
    torch.testing.assert_close(ours.slots["average"][0].value.data, average, rtol=1e-11, atol=0.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_traced_step_of_two_trials_is_each_trials_own_step(name):
    start = [torch.stack([w, -w]) for w in start_weights()]
    rates = torch.tensor([0.01, 0.003])
    decay = {} if name in ("adamw", "rprop") else {"l2": 0.01}
    # Built with a third rate: what a trial starts from must come from its own.
    optimizer = make_optimizer(TrainingConfig(optimizer=name, learning_rate=0.5, **decay))
    optimizer.build([keras.Variable(w[0]) for w in start])
    state = [v.value.data.expand(2, *v.shape).clone() for v in optimizer.variables]
    state[1] = rates

    def step(state, gradients, weights):
        weights, state = optimizer.stateless_apply(state, gradients, weights)
        return state, weights

    gradients = [[torch.stack([g, 2 * g]) for g in step] for step in fixed_gradients(steps=8)]
    with torch.no_grad():
        traced = make_fx(torch.func.vmap(step))(state, gradients[0], start)
        weights = start
        for gradient in gradients:
            state, weights = traced(state, gradient, weights)

    for trial, rate in enumerate(rates):
        alone = make_optimizer(TrainingConfig(optimizer=name, learning_rate=float(rate), **decay))
        variables = [keras.Variable(w[trial]) for w in start]
        for gradient in gradients:
            alone.apply([g[trial] for g in gradient], variables)
        for variable, weight in zip(variables, weights, strict=True):
            torch.testing.assert_close(variable.value.data, weight[trial], rtol=1e-6, atol=1e-7)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's
@pytest.mark.parametrize("name", NAMES)
def test_config_makes_the_same_optimizer(name):
    decay = {} if name in ("adamw", "rprop") else {"l2": 0.25}
    optimizer = make_optimizer(TrainingConfig(optimizer=name, learning_rate=0.5, **decay))
    config = optimizer.get_config()
    assert config["learning_rate"] == 0.5
    assert config["l2"] == decay.get("l2", 0.0)
    assert config["weight_decay"] == (0.01 if name == "adamw" else None)
    assert type(optimizer).from_config(dict(config)).get_config() == config


def test_a_weight_without_gradient_is_left_alone():
    variables = [keras.Variable([1.0, 2.0]), keras.Variable([3.0])]
    optimizer = make_optimizer(TrainingConfig(optimizer="sgd", learning_rate=0.5, l2=0.5))
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([torch.ones(2), None], variables)
    np.testing.assert_allclose(variables[0].value.data, [0.25, 1.0])
    np.testing.assert_allclose(variables[1].value.data, [3.0])


def test_l2_stays_out_of_the_reported_loss():
    losses = []
    for l2 in (0.0, 10.0):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        training = TrainingConfig(optimizer="sgd", learning_rate=1e-9, l2=l2)
        model.compile(make_optimizer(training), "mse")
        history = model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
        losses.append(history.history["loss"][0])
    assert losses[0] == losses[1]
