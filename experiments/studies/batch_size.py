__doc__ = """How does the batch size change what training teaches, and how long it takes?

Cost: 70 epochs of the pooled CNN in the documented protocol, of which the smallest
batches take most; controlled, 7 sizes x 4 learning rates x 5 seeds x 20 epochs.

What the source found: the smaller, the better and the slower: 68.5 % with batches of 1
in 210 s, 46.0 % with batches of 64 in 9 s. All at a learning rate of 1e-5 for 10
epochs, where batches of 64 make 64 times fewer steps than single rows: what it shows is
mostly the number of steps. Its F1 is a mean over batches of the size trained with, so
it falls with the size by itself; ours are pooled.

What to look for: does the order hold where each size has its own best learning rate?
"""

from experiments.studies.common import adam, source_variant, study

# Accuracy, mean F1 of batches of that size, seconds.
_A = {
    1: (68.53, 68.53, 210.5),
    2: (64.90, 59.88, 107.0),
    4: (64.10, 50.83, 55.8),
    8: (60.54, 37.84, 31.0),
    16: (52.54, 31.82, 16.8),
    32: (47.75, 23.87, 11.3),
    64: (45.95, 18.58, 8.6),
}

STUDY = study(
    "batch-size",
    __doc__,
    (
        source_variant(
            f"batch-{size}",
            adam(1e-5, 10),
            (f"Adam 1e-5, 10 epochs, batches of {size}", *figures),
            batch_size=size,
        )
        for size, figures in _A.items()
    ),
)
