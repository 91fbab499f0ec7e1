"""Training of a cohort: one traced step for many trials.

`trial_state` is the Keras side of a trial and `stacked_variables` holds the values of all
trials side by side. `forward` defines loss and gradients, `graph` turns them into a flat
graph of tensor operations and optimises it; `updates` applies the optimizers, `step` puts a
step together and `cuda_graph` replays it. `epoch` gathers the batches, `validation` computes
all trials' outputs, `cohort_epoch` combines them to an epoch, `cohort` to a training, and
`cohort_state` is what training resumes from. `fallback` trains by Keras what this cannot.
"""
