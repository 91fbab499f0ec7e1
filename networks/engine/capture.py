"""A step recorded once as a CUDA graph and replayed: one launch instead of a hundred."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

Tensor = torch.Tensor
Compute = Callable[[Tensor], None]

_WARM_UP_STEPS = 3  # as PyTorch's documentation of CUDA graphs asks for


def record(
    compute: Compute, index: Tensor, state: Sequence[Tensor], report: Callable[[str], None]
) -> Compute:
    """A replay of `compute`, or `compute` itself where it cannot be recorded.

    Args:
        compute: reads `index` and changes `state` in place.
        index: an example of its argument, on the device.
        state: all that it changes; left as it is found.
        report: told why there is no recording.
    """
    before = [value.clone() for value in state]
    try:
        replay = _record(compute, index)
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        report(f"the step runs without a CUDA graph, more slowly: {reason:.200}")
        replay = compute
    for value, old in zip(state, before, strict=True):
        value.copy_(old)
    return replay


def _record(compute: Compute, index: Tensor) -> Compute:
    buffer = index.clone()
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(_WARM_UP_STEPS):
            compute(buffer)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        compute(buffer)

    def replay(index: Tensor) -> None:
        buffer.copy_(index)
        graph.replay()

    return replay
