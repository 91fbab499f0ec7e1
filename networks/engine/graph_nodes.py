"""What a node of a traced graph is."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import fx

aten = torch.ops.aten


def is_view(node: fx.Node) -> bool:
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


def root_of(node: Any) -> Any:
    """What a view, or a view of a view, is a view of."""
    while isinstance(node, fx.Node) and node.op == "call_function":
        chosen: Any = node.args[0] if node.target is operator.getitem else node  # of several
        if not is_view(chosen):
            break
        node = chosen.args[0]
    return node


def is_mutable(node: fx.Node) -> bool:
    """Whether a node writes into one of its inputs."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable


def value_of(node: Any) -> torch.Tensor | None:
    """A stand-in for a node's result: its shape, type and layout."""
    value = node.meta.get("val") if isinstance(node, fx.Node) else None
    return value if isinstance(value, torch.Tensor) else None
