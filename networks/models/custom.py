"""The config of a network that a user's own function builds."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, ClassVar, Literal

from networks.errors import ConfigError
from networks.models.config_checks import listed

Features = Literal["mfcc", "mel"]
# Of a row, where neither a dataset nor its rows say another.
DOCUMENTED_SHAPES: dict[Features, tuple[int, ...]] = {"mfcc": (26,), "mel": (21, 128)}

_BUILD = re.compile(r"[^\W\d]\w*:[^\W\d]\w*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class CustomConfig:
    """A network that a function of your own builds; made by `of` or `from_name`.

    The function is called as `build(input_shape, classes, **options)` and returns a Keras
    model, not compiled, that maps raw rows to one logit, or softmax probability, a genre.

    Args:
        build: "file:function", the file without its ".py". It is run on its own, so that it may
            import installed packages, but no files beside it.
        features: that the model reads: "mfcc" (a vector a row) or "mel" (frames x bands).
        options: further arguments of the function: numbers, texts, booleans, lists of them.
        sha256: of the file, so that a changed function is another network.
        folder: that holds the file. Networks that differ in nothing else are equal.

    Raises:
        ConfigError: a value of the wrong type.

    Example:
    >>> from pathlib import Path
    >>> from networks import CustomConfig
    >>> source = "def build(input_shape, classes, units): ..."
    >>> Path("my_model.py").write_text(source) > 0
    True
    >>> CustomConfig.from_name("my_model:build", Path(), units=64).options
    (('units', 64),)
    """

    kind: ClassVar[str] = "custom"

    build: str
    features: Features = "mfcc"
    options: tuple[tuple[str, Any], ...] = ()
    sha256: str = ""
    folder: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.build, str) or not _BUILD.fullmatch(self.build):
            raise ConfigError(
                "build must name a function as file:function, such as my_model:build. "
                f"Received: {self.build!r:.100}."
            )
        try:
            options = tuple(sorted((name, _plain(v)) for name, v in dict(self.options).items()))
        except (TypeError, ValueError) as error:
            raise ConfigError(
                "options must be numbers, texts, booleans or lists of them, by their names. "
                f"Received: {self.options!r:.100}."
            ) from error
        object.__setattr__(self, "options", options)
        if self.features not in DOCUMENTED_SHAPES or not isinstance(self.folder, str):
            raise ConfigError(
                f"features must be one of {listed(DOCUMENTED_SHAPES)}. Received: "
                f"{self.features!r:.60}."
            )
        if not isinstance(self.sha256, str) or not _SHA256.fullmatch(self.sha256):
            raise ConfigError(
                f"sha256 must be 64 hexadecimal digits. Received: {self.sha256!r:.80}. Make the "
                "config by CustomConfig.of or CustomConfig.from_name."
            )

    @classmethod
    def of(
        cls, function: Callable[..., Any], features: Features = "mfcc", **options: Any
    ) -> CustomConfig:
        """The config of a function.

        Args:
            function: at the top level of a file, as other processes load it.
            features: that its model reads.
            options: its further arguments.

        Raises:
            ConfigError: it is not in a file of its own.
        """
        module = sys.modules.get(getattr(function, "__module__", None) or "")
        name, path = getattr(function, "__qualname__", ""), getattr(module, "__file__", None)
        if (
            path is None
            or getattr(module, name, None) is not function
            or getattr(module, "__name__", "") == "__main__"
        ):
            raise ConfigError(
                "a function that builds networks must stand at the top level of a file of its "
                "own, as other processes load it: move it to a file such as my_model.py and import "
                f"it from there. Received: {function!r:.100}."
            )
        file = Path(path)
        return cls.from_name(f"{file.stem}:{name}", file.parent, features, **options)

    @classmethod
    def from_name(
        cls, build: str, folder: Path, features: Features = "mfcc", **options: Any
    ) -> CustomConfig:
        """The config of a function that is named; its file is read, not run.

        Args:
            build: "file:function".
            folder: that holds the file.
            features: that its model reads.
            options: its further arguments.

        Raises:
            ConfigError: there is no such file.
        """
        made = cls(build, features, tuple(options.items()), "0" * 64, str(folder.absolute()))
        return cls(build, features, made.options, made._hash_source(), made.folder)

    @property
    def file(self) -> Path:
        """That holds the function."""
        return Path(self.folder, f"{self.build.partition(':')[0]}.py")

    def load_function(self) -> Callable[..., Any]:
        """Load the function. This runs its file: only for code that the user trusts.

        Raises:
            ConfigError: it cannot be loaded, or has changed.
        """
        if self._hash_source() != self.sha256:
            raise ConfigError(
                f"{self.file} has changed since this network was planned: start a new run, or "
                "restore the file."
            )
        name = f"own_network_{self.sha256}"  # hides no module, and none hides it
        try:
            if name not in sys.modules:
                spec = spec_from_file_location(name, self.file)
                assert spec is not None
                assert spec.loader is not None
                module = module_from_spec(spec)
                spec.loader.exec_module(module)
                sys.modules[name] = module
            found: Callable[..., Any] = getattr(sys.modules[name], self.build.partition(":")[2])
        except Exception as error:  # of any kind, from the user's code
            raise ConfigError(
                f"{self.build} cannot be loaded from {self.file}: {type(error).__name__}: "
                f"{error!s:.200}."
            ) from error
        return found

    def copied(self, folder: Path) -> CustomConfig:
        """The same network with a copy of its file in a folder.

        Raises:
            ConfigError: the file cannot be read, or has changed.
            OSError: the copy cannot be written.
        """
        if self._hash_source() != self.sha256:
            raise ConfigError(f"{self.file} has changed meanwhile: start again.")
        place = folder / self.sha256[:16]  # files of one name may differ
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.file, place / self.file.name)
        return replace(self, folder=str(place.absolute()))

    def _hash_source(self) -> str:
        try:
            return hashlib.sha256(self.file.read_bytes()).hexdigest()
        except OSError as error:
            raise ConfigError(
                f"build names {self.build}, but {self.file} cannot be read: {error.strerror}."
            ) from error


def _plain(value: Any) -> Any:
    """A value that JSON and a hash can hold; lists as tuples."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_plain, value))
    if not isinstance(value, (bool, int, float, str)):
        raise TypeError(f"a value of type {type(value).__name__}")
    return value
