"""Traces a function of one trial to a graph over all trials, optimises and compiles it.

The passes of `bind`, in order: remove operations whose results nothing uses; remove views that
change nothing; merge two operations that are one; write new values into the tensors that
they belong to, at the end; compute views of bound tensors, and constants, once; let an
elementwise operation overwrite an input that nothing else reads; call torch directly.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import fx
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

aten = torch.ops.aten
Table = dict[Any, Any]

# Elementwise operations whose first argument may be overwritten.
_IN_PLACE: Table = {
    aten.add.Tensor: aten.add_.Tensor,
    aten.mul.Tensor: aten.mul_.Tensor,
    aten.relu.default: aten.relu_.default,
    aten.exp.default: aten.exp_.default,
    aten.hardswish.default: aten.hardswish_.default,
    aten.leaky_relu.default: aten.leaky_relu_.default,
}
_SUMS_OF_PRODUCTS: Table = {
    aten.bmm.default: aten.baddbmm.default,
    aten.mm.default: aten.addmm.default,
}
# The same operations by ways that cost less each time they are called.
_FUNCTIONS: Table = {
    aten.addmm.default: torch.addmm,
    aten.baddbmm.default: torch.baddbmm,
    aten.bmm.default: torch.bmm,
    aten.div.Tensor: torch.div,
    aten.mm.default: torch.mm,
    aten.mul.Tensor: torch.mul,
    aten.relu_.default: torch.relu_,
    aten.sqrt.default: torch.sqrt,
    aten.sub.Tensor: torch.sub,
    aten.sum.dim_IntList: torch.sum,
    aten.t.default: torch.t,
    aten.transpose.int: torch.transpose,
}
_METHODS: Table = {
    aten.add_.Tensor: "add_",
    aten.addmm_.default: "addmm_",
    aten.baddbmm_.default: "baddbmm_",
    aten.copy_.default: "copy_",
    aten.mul_.Tensor: "mul_",
    aten.sub_.Tensor: "sub_",
}
# Outputs that are new values of inputs, written in place.
_UPDATES: Table = {aten.add.Tensor: aten.add_.Tensor, aten.sub.Tensor: aten.sub_.Tensor}
_ADDED_PRODUCTS: Table = {
    aten.bmm.default: aten.baddbmm_.default,
    aten.mm.default: aten.addmm_.default,
}
_RANDOM = torch.Tag.nondeterministic_seeded


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


def trace(
    function: Callable[..., Any], inputs: Sequence[Any], in_dims: Sequence[Any], *, single: bool
) -> tuple[fx.Graph, list[Any]]:
    """Trace a function once, over all trials.

    Args:
        function: of one trial's tensors, nested in lists and the like.
        inputs: example arguments; with the trials' axis unless `single`.
        in_dims: for each argument 0 where it has the trials' axis, else None.
        single: there is one trial, without an axis.

    Returns:
        graph: takes and returns flat lists of tensors.
        leaves: the inputs, flat.
    """
    over_trials = function if single else torch.func.vmap(function, in_dims=tuple(in_dims))
    leaves, structure = pytree.tree_flatten(tuple(inputs))

    def flat(*flat_inputs: torch.Tensor) -> list[torch.Tensor]:
        nested = pytree.tree_unflatten(list(flat_inputs), structure)
        return pytree.tree_leaves(over_trials(*nested))

    return make_fx(flat)(*leaves).graph, leaves


def bind(
    graph: fx.Graph, bound: Sequence[torch.Tensor | None], stores: Sequence[Store] = ()
) -> Callable[..., list[torch.Tensor]]:
    """Optimise a graph and make a function of the inputs that are not bound.

    Args:
        graph: flat: tensors in, a list of tensors out. It is changed.
        bound: for each input the tensor that it is in every call, or None.
        stores: outputs that are written into bound inputs.

    Returns:
        Takes the inputs that are not bound, in order, and returns the outputs that
        are not stored.
    """
    graph.eliminate_dead_code()
    _drop_empty_views(graph)
    _merge(graph)
    _write_stores(graph, stores)
    names = SimpleNamespace()
    _compute_once(graph, bound, names)
    _overwrite(graph)
    _call_directly(graph)
    graph.set_codegen(fx.graph.CodeGen())
    code = graph.python_code("self")
    scope = dict(code.globals)
    exec(compile(code.src, "<traced step>", "exec"), scope)
    forward = scope["forward"]
    return lambda *inputs: forward(names, *inputs)


def _drop_empty_views(graph: fx.Graph) -> None:
    for node in list(graph.nodes):
        if node.op != "call_function" or not _is_view(node):
            continue
        source = node.args[0]
        before, after = _value_of(source), _value_of(node)
        if before is None or after is None:
            continue
        same = before.shape == after.shape and before.dtype == after.dtype
        if same and before.stride() == after.stride():
            node.replace_all_uses_with(source)
            graph.erase_node(node)


def _merge(graph: fx.Graph) -> None:
    """Merge two operations that are one: a product plus a bias, a sum and the loss of its axis."""
    for node in list(graph.nodes):
        if node.op != "call_function" or not node.args:
            continue
        source = node.args[0]
        if not (isinstance(source, fx.Node) and len(source.users) == 1):
            continue
        value = _value_of(node)
        if node.target is aten.add.Tensor and source.target in _SUMS_OF_PRODUCTS:
            bias, product = _value_of(node.args[1]), _value_of(source)
            if bias is None or value is None or product is None or node.kwargs:
                continue
            if bias.dtype != value.dtype or product.shape != value.shape:
                continue
            node.target = _SUMS_OF_PRODUCTS[source.target]
            node.args = (node.args[1], *source.args)
        elif (
            _is_view(node) and source.target is aten.sum.dim_IntList and source.args[2:] == (True,)
        ):
            summed = _value_of(source.args[0])
            if value is None or summed is None:
                continue
            named: Any = source.args[1]
            axes = {axis % summed.dim() for axis in named}
            kept = [n for i, n in enumerate(summed.shape) if i not in axes]
            if list(value.shape) != kept:
                continue
            node.target, node.args, node.kwargs = (
                source.target,
                (*source.args[:2], False),
                source.kwargs,
            )
        else:
            continue
        graph.erase_node(source)


def _write_stores(graph: fx.Graph, stores: Sequence[Store]) -> None:
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
    if _root_of(new) in changing:
        new, only_here = target.graph.call_function(aten.clone.default, (new,)), False
    if store.adds:
        product = _ADDED_PRODUCTS.get(new.target)
        if product and only_here and not any(_root_of(a) in changing for a in new.args):
            return product, (target, *new.args)
        return aten.add_.Tensor, (target, new)
    update = _UPDATES.get(new.target)
    plain = only_here and not new.kwargs and new.args[:1] == (target,)
    moved = plain and _root_of(new.args[1]) not in changing
    if update and moved:
        return update, (target, *new.args[1:])
    return aten.copy_.default, (target, new)


def _is_needed(node: fx.Node) -> bool:
    """Whether a node has an effect beside its result."""
    return node.op in ("placeholder", "output") or _is_mutable(node)


def _compute_once(
    graph: fx.Graph, bound: Sequence[torch.Tensor | None], names: SimpleNamespace
) -> None:
    """Replace bound inputs, views of them and constants by attributes of `names`."""
    stays: dict[fx.Node, torch.Tensor] = {}  # views of bound tensors
    constant: dict[fx.Node, Any] = {}
    inputs = iter(bound)
    for node in list(graph.nodes):
        if node.op == "placeholder":
            tensor = next(inputs)
            if tensor is not None:
                stays[node] = tensor
        elif node.op == "get_attr":
            constant[node] = operator.attrgetter(str(node.target))(graph.owning_module)
        elif node.op == "call_function" and not _is_mutable(node):
            sources = node.all_input_nodes
            if sources and _is_view(node) and all(source in stays for source in sources):
                stays[node] = _evaluate(node, stays)
            elif all(source in constant for source in sources) and not _is_random(node):
                constant[node] = _evaluate(node, constant)
    for number, (node, value) in enumerate((stays | constant).items()):
        users = [user for user in node.users if user not in stays and user not in constant]
        if not users:
            continue
        name = f"value_{number}"
        setattr(names, name, value)
        with graph.inserting_before(node):
            attribute = graph.create_node("get_attr", name)
        attribute.meta = dict(node.meta)
        for user in users:
            user.replace_input_with(node, attribute)
    for node in reversed(list(graph.nodes)):
        if node in stays or node in constant:
            graph.erase_node(node)


def _evaluate(node: fx.Node, known: dict[fx.Node, Any]) -> Any:
    arguments, named = fx.node.map_arg((node.args, node.kwargs), lambda source: known[source])
    return node.target(*arguments, **named)  # type: ignore[operator]


def _overwrite(graph: fx.Graph) -> None:
    for node in list(graph.nodes):
        in_place = _IN_PLACE.get(node.target)
        is_backward = node.target is aten.threshold_backward.default
        if in_place is None and not is_backward:
            continue
        source = node.args[0]
        if not (isinstance(source, fx.Node) and _is_own(source) and len(source.users) == 1):
            continue
        before, after = _value_of(source), _value_of(node)
        if before is None or after is None:
            continue
        if (before.shape, before.dtype, before.stride()) != (
            after.shape,
            after.dtype,
            after.stride(),
        ):
            continue
        if is_backward:
            node.target = aten.threshold_backward.grad_input
            node.kwargs = {**node.kwargs, "grad_input": source}
        else:
            node.target = in_place


def _call_directly(graph: fx.Graph) -> None:
    for node in graph.nodes:
        if node.target in _FUNCTIONS:
            node.target = _FUNCTIONS[node.target]
        elif node.target in _METHODS:
            node.op, node.target = "call_method", _METHODS[node.target]


def _is_own(node: fx.Node) -> bool:
    """Whether a node's memory is a temporary of this node alone."""
    if node.op != "call_function" or isinstance(node.target, str):
        return False
    if node.target in _IN_PLACE.values() or node.target is aten.threshold_backward.grad_input:
        return True  # it overwrote one
    schema = getattr(node.target, "_schema", None)
    return schema is not None and not _is_view(node) and len(schema.returns) == 1


def _is_random(node: fx.Node) -> bool:
    return _RANDOM in getattr(node.target, "tags", ())


def _is_view(node: fx.Node) -> bool:
    """Whether a node's result shares the memory of its first argument."""
    schema = getattr(node.target, "_schema", None)
    if schema is None or not schema.returns:
        return False
    alias = schema.returns[0].alias_info
    return (alias is not None and not alias.is_write) or node.target in (
        aten._unsafe_view.default,
        aten.lift_fresh_copy.default,
        aten._reshape_alias.default,
    )


def _root_of(node: Any) -> Any:
    """What a view, or a view of a view, is a view of."""
    while isinstance(node, fx.Node) and node.op == "call_function":
        chosen: Any = node.args[0] if node.target is operator.getitem else node  # of several
        if not _is_view(chosen):
            break
        node = chosen.args[0]
    return node


def _is_mutable(node: fx.Node) -> bool:
    """Whether a node writes into one of its inputs."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable


def _value_of(node: Any) -> torch.Tensor | None:
    """A stand-in for a node's result: its shape, type and layout."""
    value = node.meta.get("val") if isinstance(node, fx.Node) else None
    return value if isinstance(value, torch.Tensor) else None
