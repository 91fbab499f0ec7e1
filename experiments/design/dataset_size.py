"""What planning and forecasts know of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from data.audio.parameters import DOCUMENTED, Features
from experiments.errors import RunError
from networks.errors import ConfigError
from networks.models.config import NetworkConfig, row_shape

if TYPE_CHECKING:
    from data.datasets.dataset import SplitName


@dataclass(frozen=True)
class DatasetSize:
    """Numbers and shapes of a dataset's rows; by default those of the source's.

    Args:
        train, validation: number of rows.
        classes: number of genres.
        shapes: of a row of each kind of features that there is.
    """

    train: int = 3200
    validation: int = 800
    classes: int = 4
    shapes: Mapping[Features, tuple[int, ...]] = field(default_factory=lambda: DOCUMENTED.shapes)

    @classmethod
    def of(
        cls,
        rows: Mapping[str, int] | Mapping[SplitName, int],
        classes: int,
        shapes: Mapping[Features, tuple[int, ...]],
        folds: int | None = None,
    ) -> Self:
        """The size of a dataset; with folds, on average.

        Args:
            rows: of each split.
            classes, shapes: see the class.
            folds: their number; None for the dataset's own splits.
        """
        of_split = {str(split): n for split, n in rows.items()}
        train, validation, test = (of_split.get(s, 0) for s in ("train", "validation", "test"))
        if folds is not None:
            whole = train + validation + test
            validation = whole // folds
            train = whole - 2 * validation
        return cls(train, validation, classes, shapes)

    def shape_of(self, network: NetworkConfig) -> tuple[int, ...]:
        """Of the rows that a network reads; the documented one where there are none."""
        return self.shapes.get(network.features) or DOCUMENTED.shapes[network.features]

    def check(self, variant: str, network: NetworkConfig) -> None:
        """Raise RunError where nothing is left of the rows in the network of a variant."""
        try:
            row_shape(network, self.shape_of(network))
        except ConfigError as error:
            raise RunError(f"the variant {variant} cannot read these rows: {error}") from error


SOURCE_SIZE = DatasetSize()
