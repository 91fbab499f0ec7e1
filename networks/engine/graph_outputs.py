"""Outputs of a graph that are new values of its inputs, written where those are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx

from networks.engine.graph_nodes import is_mutable, root_of

aten = torch.ops.aten

_UPDATES: dict[Any, Any] = {aten.add.Tensor: aten.add_.Tensor, aten.sub.Tensor: aten.sub_.Tensor}
_ADDED_PRODUCTS: dict[Any, Any] = {
    aten.bmm.default: aten.baddbmm_.default,
    aten.mm.default: aten.addmm_.default,
}


@dataclass(frozen=True)
class Store:
    """An output that is a bound input's new value.

    Args:
        output: its number.
        input: number of the input.
        adds: the output is added to the old value instead of replacing it.
        factor: number of an input that the old value is multiplied by before that.
    """

    output: int
    input: int
    adds: bool = False
    factor: int | None = None


def write_stores(graph: fx.Graph, stores: Sequence[Store]) -> None:
    """Write outputs into inputs at the graph's end, when nothing reads the old values."""
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    end = next(node for node in graph.nodes if node.op == "output")
    outputs = list(end.args[0])
    changing = {inputs[store.input] for store in stores}
    with graph.inserting_before(end):
        # Before any of them is written, so that no write reads what another wrote.
        plans = [_write(inputs[s.input], outputs[s.output], s, changing) for s in stores]
    stored = {store.output for store in stores}
    end.args = ([node for number, node in enumerate(outputs) if number not in stored],)
    with graph.inserting_before(end):
        for store, plan in zip(stores, plans, strict=True):
            if store.factor is not None:
                graph.call_function(aten.mul_.Tensor, (inputs[store.input], inputs[store.factor]))
            if plan is not None:
                graph.call_function(*plan)
    graph.eliminate_dead_code(_is_needed)


def _write(
    target: fx.Node, new: fx.Node, store: Store, changing: set[fx.Node]
) -> tuple[Any, tuple[Any, ...]] | None:
    """The operation that gives an input its new value; None where it keeps the old."""
    if new is target:
        return None
    only_here = len(new.users) == 1
    if root_of(new) in changing:
        new, only_here = target.graph.call_function(aten.clone.default, (new,)), False
    if store.adds:
        product = _ADDED_PRODUCTS.get(new.target)
        if product and only_here and not any(root_of(a) in changing for a in new.args):
            return product, (target, *new.args)
        return aten.add_.Tensor, (target, new)
    update = _UPDATES.get(new.target)
    plain = only_here and not new.kwargs and new.args[:1] == (target,)
    moved = plain and root_of(new.args[1]) not in changing
    if update and moved:
        return update, (target, *new.args[1:])
    return aten.copy_.default, (target, new)


def _is_needed(node: fx.Node) -> bool:
    """Whether a node has an effect beside its result."""
    return node.op in ("placeholder", "output") or is_mutable(node)
