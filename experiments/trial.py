"""A trial: one training, named by a hash of everything that it depends on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from networks.config import (
    NetworkConfig,
    TrainingConfig,
    network_from_dict,
    to_dict,
    training_from_dict,
)


@dataclass(frozen=True)
class Trial:
    """Network, training, seed and dataset."""

    network: NetworkConfig
    training: TrainingConfig
    seed: int
    dataset_sha256: str

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits; equal trials have equal ids."""
        plain = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "network": to_dict(self.network),
            "training": to_dict(self.training),
            "seed": self.seed,
            "dataset_sha256": self.dataset_sha256,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Trial:
        """The trial that `to_dict` made `plain` of.

        Raises:
            ConfigError: a field is unknown or its value cannot be.
        """
        return cls(
            network=network_from_dict(plain["network"]),
            training=training_from_dict(plain["training"]),
            seed=plain["seed"],
            dataset_sha256=plain["dataset_sha256"],
        )
