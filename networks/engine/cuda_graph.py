"""Records a step as a CUDA graph and replays it: one launch instead of a hundred."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

Tensor = torch.Tensor
Compute = Callable[..., Tensor]

_WARM_UP_STEPS = 3  # as PyTorch's documentation of CUDA graphs asks for


def record(
    compute: Compute,
    example: Sequence[Tensor],
    state: Sequence[Tensor],
    report: Callable[[str], None],
) -> Compute:
    """A replay of `compute`, or `compute` itself where it cannot be recorded.

    Args:
        compute: changes `state` in place.
        example: of its arguments, on the device.
        state: all that it changes; left as it is found.
        report: called with a sentence where it cannot be recorded.
    """
    before = [value.clone() for value in state]
    try:
        replay = _record(compute, example)
    except Exception as error:  # whatever it is, the step itself may work
        reason = str(error).strip().partition("\n")[0]
        report(f"the step runs without a CUDA graph, more slowly: {reason:.200}")
        replay = compute
    for value, old in zip(state, before, strict=True):
        value.copy_(old)
    return replay


def _record(compute: Compute, example: Sequence[Tensor]) -> Compute:
    buffers = [value.clone() for value in example]
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(_WARM_UP_STEPS):
            compute(*buffers)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = compute(*buffers)

    def replay(*arguments: Tensor) -> Tensor:
        for buffer, argument in zip(buffers, arguments, strict=True):
            buffer.copy_(argument)
        graph.replay()
        return result

    return replay
