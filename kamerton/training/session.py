"""Everything that changes while a network learns, in one place, so that it can be kept and brought back to the bit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

import torch
from torch import nn

from kamerton.config import Recipe
from kamerton.training.optimizers import KerasAdam
from kamerton.training.schedules import ReduceOnPlateau


@dataclass
class Tally:
    """Mean loss and accuracy over the images so far, as Keras shows them: every image counts once."""

    loss_sum: float = 0.0
    correct: int = 0
    images: int = 0

    def add(self, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Add a batch with its mean loss."""
        self.loss_sum += loss.item() * len(labels)
        self.correct += int((logits.argmax(1) == labels).sum())
        self.images += len(labels)

    @property
    def loss(self) -> float:
        """Mean loss an image."""
        return self.loss_sum / self.images

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.correct / self.images


@dataclass(frozen=True)
class ScheduleState:
    """What a schedule remembers between epochs."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    learning_rate: float
    best: float | None
    wait: int
    cooldown_left: int


@dataclass(frozen=True)
class SessionNumbers:
    """All that the next step depends on beside the tensors."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    epoch: int
    step: int
    adam_steps: int
    schedule: ScheduleState
    tally: Tally
    seconds: float
    history: list[dict[str, float]]

    def __post_init__(self) -> None:
        if min(self.epoch, self.step, self.adam_steps) < 0 or len(self.history) != self.epoch:
            raise ValueError(f"{len(self.history)} rows of history at epoch {self.epoch}, batch {self.step}")


@dataclass
class Session:
    """A training on its way: what was learned, and where in the data it stands."""

    network: nn.Module
    optimizer: KerasAdam
    schedule: ReduceOnPlateau
    epoch: int = 0
    """Epochs done."""
    step: int = 0
    """Batches done in the epoch at hand."""
    tally: Tally = field(default_factory=Tally)
    """Of the epoch at hand."""
    seconds: float = 0.0
    """Spent on the epoch at hand, by every process that worked on it."""
    history: list[dict[str, float]] = field(default_factory=list)
    """One row an epoch."""

    @classmethod
    def start(cls, network: nn.Module, recipe: Recipe) -> Self:
        """Begin with the network's starting weights."""
        optimizer = KerasAdam(network.parameters(), recipe.adam)
        return cls(network, optimizer, ReduceOnPlateau(recipe.plateau, recipe.adam.learning_rate))

    def end_epoch(self, tested: Tally, validation_seconds: float) -> dict[str, float]:
        """Close the epoch at hand with its validation, move on to the next, and give the history's row."""
        row = {
            "loss": self.tally.loss,
            "accuracy": self.tally.accuracy,
            "val_loss": tested.loss,
            "val_accuracy": tested.accuracy,
            "lr": self.schedule.learning_rate,
            "seconds": self.seconds + validation_seconds,
            "images_per_second": self.tally.images / self.seconds,
        }
        self.schedule.end_epoch(row)
        self.history.append(row)
        self.epoch, self.step, self.tally, self.seconds = self.epoch + 1, 0, Tally(), 0.0
        return row

    def tensors(self) -> dict[str, torch.Tensor]:
        """Give weights, running statistics and Adam's two averages by name."""
        found = {f"network/{name}": tensor for name, tensor in self.network.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            for average, tensor in self.optimizer.averages(parameter).items():
                found[f"{average}/{name}"] = tensor
        return found

    def expected_tensors(self, adam_steps: int) -> dict[str, torch.Tensor]:
        """Give tensors of the names, shapes and types that `tensors` has after so many steps, with any numbers."""
        found = {f"network/{name}": tensor for name, tensor in self.network.state_dict().items()}
        averages = KerasAdam.AVERAGES if adam_steps else ()
        return found | {f"{a}/{name}": tensor for name, tensor in self.network.named_parameters() for a in averages}

    def numbers(self) -> SessionNumbers:
        """Give all else that the next step depends on."""
        schedule = ScheduleState(**{f.name: getattr(self.schedule, f.name) for f in dataclasses.fields(ScheduleState)})
        adam_steps = self.optimizer.steps_done
        tally = dataclasses.replace(self.tally)
        return SessionNumbers(self.epoch, self.step, adam_steps, schedule, tally, self.seconds, list(self.history))

    def restore(self, tensors: Mapping[str, torch.Tensor], numbers: SessionNumbers) -> None:
        """Take up the state of another session of the same network and recipe, as `expected_tensors` describes it."""
        weights = {name.removeprefix("network/"): t for name, t in tensors.items() if name.startswith("network/")}
        self.network.load_state_dict(weights)
        for name, parameter in self.network.named_parameters():
            averages = {average: tensors.get(f"{average}/{name}") for average in KerasAdam.AVERAGES}
            self.optimizer.restore(parameter, numbers.adam_steps, averages)
        self.optimizer.steps_done = numbers.adam_steps
        for name, value in dataclasses.asdict(numbers.schedule).items():
            setattr(self.schedule, name, value)
        self.tally = dataclasses.replace(numbers.tally)
        self.epoch, self.step, self.seconds = numbers.epoch, numbers.step, numbers.seconds
        self.history = [dict(row) for row in numbers.history]
