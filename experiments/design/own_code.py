"""Functions of the user that build networks: copied into runs, loaded only where trusted.

A run may come from somebody else, and loading such a function runs it. So only sources are
loaded that a run was started with on this machine, by their hashes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from data.files.atomic import writing
from data.files.user_folders import cache_folder
from experiments.design.study import Study
from experiments.errors import RunError
from networks.errors import ConfigError
from networks.models.config import NetworkConfig
from networks.models.custom import CustomConfig

_TRUSTED = "trusted_functions"  # a folder of empty files, named by hashes


def adopt(study: Study, folder: Path) -> Study:
    """The study with copies of its functions in a folder; they are trusted from now on.

    Raises:
        DataError: a folder cannot be written.
        RunError: a file cannot be read, or has changed.
    """

    def adopted(network: NetworkConfig) -> NetworkConfig:
        if not isinstance(network, CustomConfig):
            return network
        trusted = cache_folder() / _TRUSTED
        with writing(trusted):
            trusted.mkdir(parents=True, exist_ok=True)
            (trusted / network.sha256).touch()
        try:
            with writing(folder):
                return network.copied(folder)
        except ConfigError as error:
            raise RunError(str(error)) from error

    variants = (replace(each, network=adopted(each.network)) for each in study.variants)
    return replace(study, variants=tuple(variants))


def require_trusted(network: NetworkConfig) -> None:
    """Raise RunError if a network's function comes from a run that was not started here."""
    if not isinstance(network, CustomConfig):
        return
    if not (cache_folder() / _TRUSTED / network.sha256).exists():
        raise RunError(
            f"this run's networks are built by {network.file}, which no run on this machine was "
            "started with: it is not loaded, as it could do anything. Read it; if you trust it, "
            "start a run of a study with it."
        )
