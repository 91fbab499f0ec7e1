"""A trial: one training, named by a hash of everything that it depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, get_args

from data.datasets.artists import GROUPS, Group
from experiments.design.limits import check_bounds, check_choice
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


class Fold(NamedTuple):
    """A fold of the dataset, which is the test split; see `data.datasets.folds`.

    Args:
        number: from 1.
        of: number of folds.
        group: what is kept together in one.
    """

    number: int
    of: int
    group: Group

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Fold:
        """The inverse of `_asdict`; raises ConfigError unless it is a fold."""
        fold = cls(**plain)
        check_bounds(folds=fold.of)
        if type(fold.number) is not int or not 1 <= fold.number <= fold.of:
            raise ConfigError(f"fold {fold.number!r:.40} of {fold.of}")
        check_choice("group", fold.group, GROUPS)
        return fold


@dataclass(frozen=True)
class Trial:
    """Network, training, seed and dataset.

    And the device, where a study compares devices, and in cross-validation the fold that is tested.
    """

    network: NetworkConfig
    training: TrainingConfig
    seed: int
    dataset_sha256: str
    device: Device | None = None
    fold: Fold | None = None

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits; equal trials have equal ids."""
        about = {"dataset_sha256": _compact(self.dataset_sha256)}
        about |= {} if self.device is None else {"device": _compact(self.device)}
        about |= {} if self.fold is None else {"fold": _compact(self.fold._asdict())}
        about |= {"network": _text_of(self.network), "seed": str(self.seed)}
        about |= {"training": _text_of(self.training)}
        plain = ",".join(f'"{name}":{text}' for name, text in about.items())  # names are sorted
        return hashlib.sha256(f"{{{plain}}}".encode()).hexdigest()[:16]

    @property
    def replicate(self) -> int | tuple[Fold, int]:
        """What it differs in from others of its config: seed, or fold and seed."""
        return self.seed if self.fold is None else (self.fold, self.seed)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        plain: dict[str, Any] = {
            "network": to_dict(self.network),
            "training": to_dict(self.training),
            "seed": self.seed,
            "dataset_sha256": self.dataset_sha256,
        }
        plain |= {} if self.device is None else {"device": self.device}
        return plain if self.fold is None else plain | {"fold": self.fold._asdict()}

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
            fold=Fold.from_dict(plain["fold"]) if "fold" in plain else None,
        )


_compact = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_texts: dict[int, tuple[NetworkConfig | TrainingConfig, str]] = {}  # by the ids of objects
_MOST_TEXTS = 1000


def _text_of(config: NetworkConfig | TrainingConfig) -> str:
    """JSON of a config; the same objects come in thousands of trials.

    Not by equality: 0.0 and -0.0 are equal, and have other texts.
    """
    known = _texts.get(id(config))
    if known is not None:
        return known[1]
    plain = to_dict(config)
    plain.pop("folder", None)  # of the user's function, whose source is hashed
    if len(_texts) >= _MOST_TEXTS:
        _texts.clear()
    _texts[id(config)] = config, _compact(plain)  # which keeps the object, and so its id
    return _texts[id(config)][1]
