"""The rivals of our engine: two loops that people write, and `keras.Model.fit`.

A rival is set up once; each call of `epoch` then trains one epoch over all train
rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from networks.models.config import CNNConfig, FFNConfig, TrainingConfig
from networks.models.custom import DOCUMENTED_SHAPES

_N_MFCC_STATISTICS = 26
_SEED = 0


@dataclass(frozen=True)
class Work:
    """What all rivals are given alike.

    Args:
        network: what is trained.
        training: how.
        classes: number of genres.
        device: "cpu" or "cuda".
        features: of the train rows, float32. [shape=(n, ...)]
        label: of the train rows. [shape=(n,)]
        validation_features, validation_label: of the validation rows, which only
            ours reads.
    """

    network: FFNConfig | CNNConfig
    training: TrainingConfig
    classes: int
    device: str
    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64]
    validation_features: npt.NDArray[np.float32]
    validation_label: npt.NDArray[np.int64]


class Rival(Protocol):
    """Trains one network, an epoch at a time.

    Args:
        model: from features to logits.
    """

    model: Any

    def epoch(self) -> None:
        """Train one epoch."""


class SourceLoop:
    """The loop of the source and of many a course.

    Items become tensors one by one, a DataLoader stacks them, and each batch's loss
    is read.
    """

    def __init__(self, work: Work) -> None:
        torch.manual_seed(_SEED)
        self._device = work.device
        self._loader = DataLoader(
            _Items(_torch_features(work), work.label), work.training.batch_size, shuffle=True
        )
        self.model = torch_network(work.network, work.classes).to(work.device)
        self._loss = nn.CrossEntropyLoss()
        self._optimizer = _torch_optimizer(self.model, work.training)
        self.losses: list[float] = []

    def epoch(self) -> None:
        """Train one epoch and note its mean loss in `losses`."""
        running_loss = 0.0
        for x, y in self._loader:
            x, y = x.to(self._device), y.to(self._device)
            self._optimizer.zero_grad()
            loss = self._loss(self.model(x), y)
            loss.backward()
            self._optimizer.step()
            running_loss += loss.item()
        self.losses.append(running_loss / len(self._loader))


class LeanLoop:
    """The fastest plain PyTorch loop that we know.

    Tensors on the device, shuffled once an epoch, fused optimizers, nothing read
    back, and on a CPU convolutions with their channels last.
    """

    def __init__(self, work: Work) -> None:
        torch.manual_seed(_SEED)
        self._batch_size = work.training.batch_size
        self._x = torch.from_numpy(_torch_features(work)).to(work.device)
        self._y = torch.from_numpy(work.label).to(work.device)
        self.model = torch_network(work.network, work.classes).to(work.device)
        if work.device == "cpu" and self._x.ndim == 4:
            self._x = self._x.to(memory_format=torch.channels_last)
            # torch's annotations do not know this argument.
            self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimizer = _torch_optimizer(self.model, work.training, fused=True)

    def epoch(self) -> None:
        """Train one epoch."""
        order = torch.randperm(len(self._y), device=self._y.device)
        x = torch.split(self._x[order], self._batch_size)
        y = torch.split(self._y[order], self._batch_size)
        for batch, target in zip(x, y, strict=True):
            self._optimizer.zero_grad(set_to_none=True)
            loss: Any = nn.functional.cross_entropy(self.model(batch), target)
            loss.backward()
            self._optimizer.step()


class KerasFit:
    """`keras.Model.fit` on arrays, with our model and optimizer and its own order of rows."""

    def __init__(self, work: Work) -> None:
        from networks.models.build import build_model
        from networks.training.results import compile_model

        self._batch_size = work.training.batch_size
        self._x, self._y = work.features, work.label
        model = build_model(work.network, work.classes, _SEED, work.features)
        self.model: Any = compile_model(model, work.training)

    def epoch(self) -> None:
        """Train one epoch."""
        self.model.fit(
            self._x, self._y, batch_size=self._batch_size, epochs=1, shuffle=True, verbose=0
        )


RIVALS: dict[str, Callable[[Work], Rival]] = {
    "source-loop": SourceLoop,
    "lean-loop": LeanLoop,
    "keras-fit": KerasFit,
}


def torch_network(network: FFNConfig | CNNConfig, classes: int) -> nn.Sequential:
    """The network as one writes it in PyTorch, of the documented kind.

    Args:
        network: its sizes are used; of its options none but the documented values
            (ReLU, padding, pooling) are supported.
        classes: number of genres.

    Returns:
        (n, 26) or (n, 1, 21, 128) to logits (n, classes).
    """
    layers: list[nn.Module] = []
    if isinstance(network, FFNConfig):
        inputs, sizes = _N_MFCC_STATISTICS, network.hidden
    else:
        channels, (rows, columns) = 1, DOCUMENTED_SHAPES["mel"]
        for filters in network.filters:
            convolution = nn.Conv2d(channels, filters, network.kernel_size, padding="same")
            layers += [convolution, nn.ReLU(), nn.MaxPool2d(2)]
            channels, rows, columns = filters, rows // 2, columns // 2
        layers.append(nn.Flatten())
        inputs, sizes = channels * rows * columns, network.dense
    for units in sizes:
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


class _Items(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Rows as tensors, made one by one when they are asked for."""

    def __init__(self, x: npt.NDArray[np.float32], y: npt.NDArray[np.int64]) -> None:
        self._x, self._y = x, y

    def __len__(self) -> int:
        return len(self._y)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(self._x[index]), torch.tensor(self._y[index])


def _torch_features(work: Work) -> npt.NDArray[np.float32]:
    """Features with an axis of channels where they are images."""
    return work.features[:, None] if work.features.ndim == 3 else work.features


def _torch_optimizer(
    model: nn.Module, training: TrainingConfig, **options: Any
) -> torch.optim.Optimizer:
    kinds: dict[str, type[torch.optim.Optimizer]]
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    options["lr"] = training.learning_rate
    return kinds[training.optimizer](model.parameters(), **options)
