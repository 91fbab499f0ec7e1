"""The source's way as a script: train a network a seed, print its test accuracy.

    python source_script.py ARRAYS EPOCHS LEARNING_RATE SEED...

It imports nothing of ours. ARRAYS is an .npz file with `x_train`, `y_train`, `x_val`,
`y_val`, `x_test` and `y_test`, the features of the documented feed-forward network. As in the
source, items become tensors one by one, validation follows each epoch, and the weights of the
last epoch are tested.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

BATCH_SIZE = 16


class Items(Dataset):  # type: ignore[type-arg]
    """Rows as tensors, made one by one when they are asked for."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(self.x[index]), torch.tensor(self.y[index])


def accuracy(model: nn.Module, loader: DataLoader) -> float:  # type: ignore[type-arg]
    """Share of the rows whose class is predicted."""
    model.eval()
    with torch.no_grad():
        right = sum(int((model(x).argmax(1) == y).sum()) for x, y in loader)
    return right / len(loader.dataset)  # type: ignore[arg-type]


def main() -> None:
    """Train and test."""
    path, epochs, rate, *seeds = sys.argv[1:]
    torch.set_num_threads(1)
    arrays = np.load(path)
    classes = int(arrays["y_train"].max()) + 1

    def loader(split: str, shuffle: bool = False) -> DataLoader:  # type: ignore[type-arg]
        items = Items(arrays[f"x_{split}"].astype(np.float32), arrays[f"y_{split}"])
        return DataLoader(items, BATCH_SIZE, shuffle=shuffle)

    for seed in map(int, seeds):
        torch.manual_seed(seed)
        train, val, test = loader("train", shuffle=True), loader("val"), loader("test")
        model = nn.Sequential(
            nn.Linear(26, 128), nn.ReLU(), nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, classes)
        )
        optimizer = torch.optim.SGD(model.parameters(), lr=float(rate))
        for _ in range(int(epochs)):
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(x), y)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            accuracy(model, val)
        print(f"seed {seed}: {accuracy(model, test):.4f}", flush=True)


if __name__ == "__main__":
    main()
