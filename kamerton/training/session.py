"""Everything that changes while a network learns, in one place, so that it can be kept and brought back to the bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from kamerton.config.recipe import Recipe
from kamerton.networks.head import head_parameters
from kamerton.runs.history import RATE
from kamerton.training.optimizers import Resumable, make_optimizer
from kamerton.training.schedules import Schedule, ScheduleState, make_schedule


@dataclass(frozen=True)
class Tally:
    """Mean loss and accuracy over the images so far, as Keras shows them: every image counts once."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    loss_sum: float = 0.0
    correct: int = 0
    images: int = 0

    @property
    def loss(self) -> float:
        """Mean loss an image."""
        return self.loss_sum / self.images

    @property
    def accuracy(self) -> float:
        """Share of correct predictions."""
        return self.correct / self.images


class RunningTally:
    """A tally that grows where the network computes: adding a batch waits for nothing, reading it does."""

    def __init__(self, start: Tally | None = None) -> None:
        self.start = start or Tally()
        self.images = self.start.images
        self._sums: torch.Tensor | None = None

    def add(self, sums: torch.Tensor, images: int) -> None:
        """Add a batch by its `batch_sums` and its number of images."""
        if self._sums is None:
            self._sums = sums.new_tensor([self.start.loss_sum, self.start.correct])
        self._sums = self._sums + sums
        self.images += images

    def value(self) -> Tally:
        """Give what was counted so far."""
        if self._sums is None:
            return self.start
        loss_sum, correct = self._sums.tolist()
        return Tally(loss_sum, int(correct), self.images)


def batch_sums(loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Sum up a batch with its mean loss as (loss, correct predictions), float64."""
    correct = (logits.argmax(1) == labels).sum()
    return torch.stack([loss.double() * len(labels), correct.double()])


@dataclass(frozen=True)
class Best:
    """The best epoch so far, by what the recipe watches."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    epoch: int
    """Counted from 1, as people do."""
    value: float


@dataclass(frozen=True)
class SessionNumbers:
    """All that the next step depends on beside the tensors."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    epoch: int
    step: int
    adam_steps: int
    schedule: ScheduleState | None
    tally: Tally
    seconds: float
    history: list[dict[str, float]]
    best: Best | None

    def __post_init__(self) -> None:
        if min(self.epoch, self.step, self.adam_steps) < 0 or len(self.history) != self.epoch:
            raise ValueError(f"{len(self.history)} rows of history at epoch {self.epoch}, batch {self.step}")


def decay_at(decay: float, averaged: int) -> float:
    """Give the share of the moving average that stays when the next weights come after so many.

    At first it is less than ``decay``, so that the average is never over more than about a tenth of the steps that are
    done, as TensorFlow's ExponentialMovingAverage has it with ``num_updates``.
    """
    return min(decay, (1 + averaged) / (10 + averaged))


def _moving_average(network: nn.Module, decay: float) -> AveragedModel:
    average = AveragedModel(network, use_buffers=True)

    def follow(averages: list[torch.Tensor], weights: list[torch.Tensor], averaged: torch.Tensor) -> None:
        # This count is on the CPU, and the one that is given where the weights are: to read it would wait for a GPU.
        stays = decay_at(decay, int(average.n_averaged))
        get_ema_multi_avg_fn(stays)(averages, weights, averaged)  # type: ignore[no-untyped-call]

    average.multi_avg_fn = follow  # type: ignore[assignment]
    return average


@dataclass
class Session:
    """A training on its way: what was learned, and where in the data it stands."""

    network: nn.Module
    optimizer: Resumable
    schedule: Schedule
    recipe: Recipe
    averaged: AveragedModel | None = None
    """The moving average of the weights, where the recipe has one."""
    epoch: int = 0
    """Epochs done."""
    step: int = 0
    """Batches done in the epoch at hand."""
    tally: RunningTally = field(default_factory=RunningTally)
    """Of the epoch at hand."""
    seconds: float = 0.0
    """Spent on the epoch at hand, by every process that worked on it."""
    history: list[dict[str, float]] = field(default_factory=list)
    """One row an epoch."""
    best: Best | None = None
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)
    """Of the best epoch, where one is watched for."""

    @classmethod
    def start(cls, network: nn.Module, recipe: Recipe) -> Self:
        """Begin with the network's starting weights."""
        averaged = None
        if recipe.average_decay is not None:
            averaged = _moving_average(network, recipe.average_decay)
        return cls(network, make_optimizer(network, recipe), make_schedule(recipe), recipe, averaged)

    @property
    def watched(self) -> str | None:
        """The column of the history that chooses the weights; None where the last epoch does."""
        chosen_by = self.recipe.weights_chosen_by
        watched = chosen_by.removeprefix("best ")
        return None if watched == chosen_by else watched

    @property
    def learned(self) -> nn.Module:
        """What is tested and kept: the moving average of the weights, or the network itself."""
        return self.network if self.averaged is None else self.averaged.module

    @property
    def is_of_the_head(self) -> bool:
        """Tell whether the next batch is one from which the last dense layer learns alone."""
        return self.epoch < self.recipe.head_epochs

    def begin_epoch(self) -> None:
        """Begin the optimizer anew where the head has learned alone and now all learn."""
        if self.epoch == self.recipe.head_epochs > 0 == self.step:
            self.optimizer = make_optimizer(self.network, self.recipe)

    def rate(self, step: int, batches: int) -> float:
        """Give the learning rate of a step of the epoch at hand, which has so many batches."""
        if self.is_of_the_head:
            return self.recipe.optimizer.learning_rate
        return self.schedule.rate(self.epoch - self.recipe.head_epochs + step / batches)

    def end_step(self) -> None:
        """Count the batch, and let the average follow the weights."""
        self.step += 1
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)

    def end_epoch(self, tested: Tally, validation_seconds: float, rate: float, rate_is: str = RATE) -> dict[str, float]:
        """Close the epoch at hand with its validation, move on to the next, and give the history's row.

        ``rate`` is its learning rate, or whatever else ``rate_is`` names.
        """
        learned = self.tally.value()
        row = {
            "loss": learned.loss,
            "accuracy": learned.accuracy,
            "val_loss": tested.loss,
            "val_accuracy": tested.accuracy,
            rate_is: rate,
            "seconds": self.seconds + validation_seconds,
            "images_per_second": learned.images / self.seconds,
        }
        if not self.is_of_the_head:
            self.schedule.end_epoch(row)
        self.history.append(row)
        self.epoch, self.step, self.tally, self.seconds = self.epoch + 1, 0, RunningTally(), 0.0
        if self.watched is not None and self._is_best(row[self.watched]):
            self.best = Best(self.epoch, row[self.watched])
            self.best_weights = {name: tensor.detach().clone() for name, tensor in self.learned.state_dict().items()}
        return row

    def _is_best(self, value: float) -> bool:
        if self.best is None or math.isnan(self.best.value):
            return True
        assert self.watched is not None
        return value > self.best.value if self.watched.endswith("accuracy") else value < self.best.value

    def choose_weights(self) -> int:
        """Give the network the weights that are to be kept, and say which epoch they are of, counted from 1."""
        if self.best is None:
            if self.averaged is not None:
                self.network.load_state_dict(self.averaged.module.state_dict())
            return self.epoch
        self.network.load_state_dict(self.best_weights)
        return self.best.epoch

    def let_go(self) -> None:
        """Give back what only learning needs, gradients and Adam's averages, once the weights are chosen."""
        self.optimizer.zero_grad(set_to_none=True)
        self.optimizer.state.clear()
        self.best_weights.clear()

    def tensors(self) -> dict[str, torch.Tensor]:
        """Give weights, running statistics, their moving average and Adam's two averages by name."""
        found = {f"network/{name}": tensor for name, tensor in self.network.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            for average, tensor in self.optimizer.averages(parameter).items():
                found[f"{average}/{name}"] = tensor
        found |= {f"averaged/{name}": tensor for name, tensor in self._averaged_state().items()}
        return found | {f"best/{name}": tensor for name, tensor in self.best_weights.items()}

    def expected_tensors(self, numbers: SessionNumbers) -> dict[str, torch.Tensor]:
        """Give tensors of the names, shapes and types that `tensors` has with such numbers, with any content."""
        weights = self.network.state_dict()
        found = {f"network/{name}": tensor for name, tensor in weights.items()}
        averages = Resumable.AVERAGES if numbers.adam_steps else ()
        found |= {f"{a}/{name}": tensor for name, tensor in self._moved(numbers).items() for a in averages}
        found |= {f"averaged/{name}": tensor for name, tensor in self._averaged_state().items()}
        return found if numbers.best is None else found | {f"best/{name}": t for name, t in weights.items()}

    def _moved(self, numbers: SessionNumbers) -> dict[str, nn.Parameter]:
        """Give the parameters that the present optimizer has moved: the head's alone, until the others learn."""
        ahead = (numbers.epoch, numbers.step) <= (self.recipe.head_epochs, 0)
        head = head_parameters(self.network) if self.recipe.head_epochs > 0 and ahead else None
        parameters = self.network.named_parameters()
        return {name: parameter for name, parameter in parameters if head is None or name in head}

    def _averaged_state(self) -> dict[str, torch.Tensor]:
        return {} if self.averaged is None else self.averaged.state_dict()

    def numbers(self) -> SessionNumbers:
        """Give all else that the next step depends on."""
        return SessionNumbers(
            epoch=self.epoch,
            step=self.step,
            adam_steps=self.optimizer.steps_done,
            schedule=self.schedule.state(),
            tally=self.tally.value(),
            seconds=self.seconds,
            history=list(self.history),
            best=self.best,
        )

    def restore(self, tensors: Mapping[str, torch.Tensor], numbers: SessionNumbers) -> None:
        """Take up the state of another session of the same network and recipe, as `expected_tensors` describes it.

        Raises ValueError where the recipe is another.
        """
        self.schedule.restore(numbers.schedule)
        self.network.load_state_dict(_part(tensors, "network/"))
        if self.averaged is not None:
            self.averaged.load_state_dict(_part(tensors, "averaged/"))
        for name, parameter in self.network.named_parameters():
            averages = {average: tensors.get(f"{average}/{name}") for average in Resumable.AVERAGES}
            self.optimizer.restore(parameter, numbers.adam_steps, averages)
        self.optimizer.steps_done = numbers.adam_steps
        self.tally = RunningTally(numbers.tally)
        self.epoch, self.step, self.seconds = numbers.epoch, numbers.step, numbers.seconds
        self.history = [dict(row) for row in numbers.history]
        self.best, self.best_weights = numbers.best, _part(tensors, "best/")


def _part(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
