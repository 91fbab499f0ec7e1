"""Traces a function of one trial's tensors to a flat graph over all trials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

Function = Callable[..., Any]


def trace(
    function: Function, inputs: Sequence[Any], in_dims: Sequence[Any], *, single: bool
) -> tuple[fx.Graph, list[Any], pytree.TreeSpec]:
    """Trace a function once, over all trials.

    Args:
        function: of one trial's tensors, nested in lists and the like.
        inputs: example arguments; with the trials' axis unless `single`.
        in_dims: for each argument 0 where it has the trials' axis, else None.
        single: there is one trial, without an axis.

    Returns:
        graph: takes and returns flat lists of tensors.
        leaves: the inputs, flat.
        spec: how the outputs were nested.
    """
    over_trials = function if single else torch.func.vmap(function, in_dims=tuple(in_dims))
    leaves, structure = pytree.tree_flatten(tuple(inputs))
    outputs: list[pytree.TreeSpec] = []

    def flat(*flat_inputs: torch.Tensor) -> list[torch.Tensor]:
        nested = pytree.tree_unflatten(list(flat_inputs), structure)
        results, spec = pytree.tree_flatten(over_trials(*nested))
        outputs.append(spec)
        return results

    module = make_fx(flat)(*leaves)
    return module.graph, leaves, outputs[-1]
