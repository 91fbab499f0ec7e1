"""The space of a search: fields and their possible values, for each variant of a study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from data.audio.parameters import Features
from experiments.design.config_paths import Configs, with_field
from experiments.design.study import Device, in_order
from experiments.design.trial import Trial
from networks.models.config import (
    CNNConfig,
    FFNConfig,
    NetworkConfig,
    TrainingConfig,
    network_from_dict,
    to_dict,
    training_from_dict,
)

KIND = "network.kind"


@dataclass(frozen=True)
class Choice:
    """A field that takes one of several plain values; its path is as in `with_field`."""

    path: str
    values: tuple[Any, ...]

    @property
    def edges(self) -> tuple[Any, ...]:
        """Values that a config must accept for the field to be drawn."""
        return self.values

    @property
    def shown(self) -> tuple[Any, ...]:
        """The values for Optuna, which has no lists."""
        return tuple(json.dumps(v) if isinstance(v, (list, dict)) else v for v in self.values)

    def __str__(self) -> str:
        return f"{self.path} ({', '.join(map(value_text, self.values))})"


@dataclass(frozen=True)
class Range:
    """A field that takes any number from `low` to `high`, uniform on a log scale if `log`.

    `whole` draws whole numbers; the path is as in `with_field`.
    """

    path: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    @property
    def edges(self) -> tuple[Any, ...]:
        """Values that a config must accept for the field to be drawn."""
        return (self.low, self.high)

    def __str__(self) -> str:
        kind = ", logarithmic" if self.log else ""
        return f"{self.path} ({value_text(self.low)} to {value_text(self.high)}{kind})"


def value_text(value: Any) -> str:
    """A value as users read and write it."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


Dimension = Choice | Range
_DIMENSIONS: dict[str, type[Choice] | type[Range]] = {"choice": Choice, "range": Range}


@dataclass(frozen=True)
class Start:
    """A variant whose fields are drawn.

    Args:
        variant: its name.
        network, training: configs before the drawn fields are set.
        paths: of the drawn fields, in the order of drawing.
        device: that trains it; None leaves the choice to the user.
    """

    variant: str
    network: NetworkConfig
    training: TrainingConfig
    paths: tuple[str, ...]
    device: Device | None = None


@dataclass(frozen=True)
class Setting:
    """Name of the variant and drawn values, by the paths of their fields, of one trial."""

    variant: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Space:
    """Variants, at least one, and fields, those of their paths, that a search draws from."""

    starts: tuple[Start, ...]
    dimensions: tuple[Dimension, ...]

    @property
    def features(self) -> tuple[Features, ...]:
        """Features that the dataset must have, "mfcc" first."""
        kinds = {kind for d in self.dimensions if d.path == KIND for kind in d.edges}
        drawn = {config.features for config in (FFNConfig, CNNConfig) if config.kind in kinds}
        return in_order(drawn | {start.network.features for start in self.starts})

    def start(self, variant: str) -> Start:
        """The variant of a name; raises KeyError if there is none."""
        return {start.variant: start for start in self.starts}[variant]

    def dimensions_of(self, variant: str) -> tuple[Dimension, ...]:
        """Fields of a variant in the order of drawing; raises KeyError if there is none."""
        known = {dimension.path: dimension for dimension in self.dimensions}
        return tuple(known[path] for path in self.start(variant).paths)

    def trial(self, setting: Setting, seed: int, dataset_sha256: str) -> Trial:
        """The trial of a setting; raises ConfigError if its values exclude each other."""
        start = self.start(setting.variant)
        configs: Configs = (start.network, start.training)
        for path, value in setting.values.items():
            configs = with_field(configs, path, value)
        return Trial(*configs, seed, dataset_sha256, start.device)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        names = {kind: name for name, kind in _DIMENSIONS.items()}
        return {
            "starts": [
                vars(start)
                | {
                    "network": to_dict(start.network),
                    "training": to_dict(start.training),
                    "paths": list(start.paths),
                }
                for start in self.starts
            ],
            "dimensions": [{"kind": names[type(d)], **asdict(d)} for d in self.dimensions],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Space:
        """The inverse of `to_dict`.

        Raises:
            ConfigError, LookupError, TypeError, ValueError: `plain` is damaged.
        """
        starts = tuple(
            Start(
                start["variant"],
                network_from_dict(start["network"]),
                training_from_dict(start["training"]),
                tuple(start["paths"]),
                start["device"],
            )
            for start in plain["starts"]
        )
        space = cls(starts, tuple(map(_dimension, plain["dimensions"])))
        for start in starts:
            space.dimensions_of(start.variant)
        return space


def _dimension(plain: Mapping[str, Any]) -> Dimension:
    fields = dict(plain)
    kind = _DIMENSIONS[fields.pop("kind")]
    if "values" in fields:
        fields["values"] = tuple(fields["values"])
    return kind(**fields)
