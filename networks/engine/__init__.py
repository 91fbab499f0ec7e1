"""How a cohort trains: one traced step for many trials.

`member` is one trial's Keras side and `stack` holds all members' values side by
side. `forward` says what a step computes, `tracing` turns that into a flat graph of
tensor operations, `graph` makes the graph lean; `updates` moves the weights, `step`
puts a step together and `capture` replays it as a CUDA graph. `epoch` has the rows
in their order, `validation` judges all members at once, and `together` is an epoch
of it all.
"""
