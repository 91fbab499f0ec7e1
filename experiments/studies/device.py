__doc__ = """Does it matter whether a CPU or a GPU trains?

Cost: two trainings of the baseline, 30 epochs each, one after the other.

What the source found: nothing in source A. Source B trained the same network on both:
62.1 % in 9.0 s on the CPU, 56.4 % in 13.2 s on the GPU, without a seed, so the two
began with other weights: the difference is chance, and so small a network is no faster
on a GPU.

What to look for: time, and whether the figures of one seed agree to within rounding.
Where there is no GPU, the CPU trains alone and the results say so.
"""

from dataclasses import replace

from experiments.design.published_figure import PublishedFigure
from experiments.design.study import Device, Variant
from experiments.studies.common import FFN, FFN_BUDGET, FFN_TRAINING, study


def _variant(name: str, device: Device, accuracy: float, f1: float, seconds: float) -> Variant:
    figure = PublishedFigure("B", "SGD 0.002, 30 epochs", accuracy, f1, seconds)
    best = replace(FFN_TRAINING, keep="best")
    return Variant(name, FFN, FFN_TRAINING, best, published=(figure,), device=device)


STUDY = study(
    "device",
    __doc__,
    (_variant("cpu", "cpu", 62.14, 61.1, 9.0), _variant("gpu", "cuda", 56.40, 55.4, 13.2)),
    FFN_BUDGET,
)
