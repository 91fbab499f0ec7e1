"""How a cohort trains: one traced step for many trials.

`stack` holds every member's values side by side, `forward` says what a step
computes, `tracing` turns that into a flat graph of tensor operations and `graph`
makes the graph lean; `updates` moves the weights, `step` puts a step together,
`capture` replays it as a CUDA graph, `validation` judges all members at once and
`member` is one trial's Keras side.
"""
