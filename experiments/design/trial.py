"""A trial: one training, named by a hash of everything that it depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

from experiments.design.study import Device
from networks.errors import ConfigError
from networks.models.config import (
    NetworkConfig,
    TrainingConfig,
    network_from_dict,
    to_dict,
    training_from_dict,
)


def cohort_id(trials: Iterable[str]) -> str:
    """16 hexadecimal digits, from the ids of a cohort's trials in their order."""
    return hashlib.sha256(",".join(trials).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Trial:
    """Network, training, seed and dataset; and the device, where a study compares devices."""

    network: NetworkConfig
    training: TrainingConfig
    seed: int
    dataset_sha256: str
    device: Device | None = None

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits; equal trials have equal ids."""
        about = self.to_dict()
        about["network"].pop("folder", None)  # of the user's function, whose source is hashed
        plain = json.dumps(about, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        plain = {
            "network": to_dict(self.network),
            "training": to_dict(self.training),
            "seed": self.seed,
            "dataset_sha256": self.dataset_sha256,
        }
        return plain if self.device is None else plain | {"device": self.device}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Trial:
        """The inverse of `to_dict`; raises ConfigError for an unknown field or value."""
        device, seed, sha256 = plain.get("device"), plain["seed"], plain["dataset_sha256"]
        if type(seed) is not int or type(sha256) is not str:
            raise ConfigError(f"a trial of seed {seed!r:.40} on the dataset {sha256!r:.40}")
        if device not in (None, *get_args(Device)):
            raise ConfigError(f"device must be cpu or cuda. Received: {device!r:.40}.")
        return cls(
            network=network_from_dict(plain["network"]),
            training=training_from_dict(plain["training"]),
            seed=seed,
            dataset_sha256=sha256,
            device=device,
        )
