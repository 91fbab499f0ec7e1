__doc__ = """Do pooling and padding help a convolutional network on mel-spectrograms?

Cost: on 3200 train rows and one CPU core under a minute with pooling and
padding, six to seven without: without them 71,680 features meet the first dense
layer, which then has 73 million weights.

What the source found: 62.4 % accuracy without, in eight times the time, and
57.3 % with pooling and padding. Both were trained for four or five epochs at a
learning rate of 1e-5 only, so neither had converged.

What to look for: accuracy for equal epochs against accuracy for equal time,
and which of the two overfits first.
"""

from experiments.design.published_figure import PublishedFigure
from experiments.design.study import Variant
from experiments.studies.common import CNN, adam, controlled, study
from networks.models.config import CNNConfig

STUDY = study(
    "pooling-padding",
    __doc__,
    variants=(
        Variant(
            "none",
            CNNConfig(pooling=False, padding=False),
            adam(1e-5, epochs=4),
            controlled(),
            published=(
                PublishedFigure("A", "Adam 1e-5, 4 epochs", 62.43, 33.60, 60.5),
                PublishedFigure("B", "linear, SGD 0.002: NaN at once, always class 1", 23.55, 9.53),
            ),
        ),
        Variant(
            "pooling-padding",
            CNN,
            adam(1e-5, epochs=5),
            controlled(),
            published=(
                PublishedFigure("A", "Adam 1e-5, 5 epochs", 57.34, 30.06, 7.9),
                PublishedFigure(
                    "B", "ReLU on convolutions only, SGD 0.002, 30 epochs", 66.79, 67.29
                ),
            ),
        ),
    ),
)
