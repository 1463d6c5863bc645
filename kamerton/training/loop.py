"""The training loop, plain PyTorch.

Nothing in a step depends on what came before it but weights and optimizer: the batch follows from (seed, epoch, step),
and so does the dropout.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kamerton.config import Preprocessing, Recipe
from kamerton.data.batches import batch_indices, in_order, read_batches, shuffled_order, to_network_input
from kamerton.data.cubes import LabelledCube
from kamerton.training.optimizers import KerasAdam
from kamerton.training.progress import Watcher
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
class Trainer:
    """A network on its way: what it learns from, and how."""

    network: nn.Module
    recipe: Recipe
    preprocessing: Preprocessing
    seed: int
    device: torch.device
    watcher: Watcher

    def fit(
        self, train: LabelledCube, valid: LabelledCube, keep_row: Callable[[int, Mapping[str, float]], None]
    ) -> None:
        """Train for the recipe's epochs, with validation after each; ``keep_row(epoch, row)`` receives the history."""
        optimizer = KerasAdam(self.network.parameters(), self.recipe.adam)
        schedule = ReduceOnPlateau(self.recipe.plateau, self.recipe.adam.learning_rate)
        for epoch in range(self.recipe.epochs):
            start = time.perf_counter()
            learning_rate = schedule.learning_rate
            optimizer.set_learning_rate(learning_rate)
            learned = self.run_epoch(train, epoch, optimizer)
            rate = learned.images / (time.perf_counter() - start)
            tested = self.validate(valid)
            row = {
                "loss": learned.loss,
                "accuracy": learned.accuracy,
                "val_loss": tested.loss,
                "val_accuracy": tested.accuracy,
                "lr": learning_rate,
                "seconds": time.perf_counter() - start,
                "images_per_second": rate,
            }
            schedule.end_epoch(row)
            keep_row(epoch, row)
            self.watcher.end_epoch(epoch, row)

    def run_epoch(self, train: LabelledCube, epoch: int, optimizer: KerasAdam) -> Tally:
        """Learn from every image once; the values are those seen while the weights were changing, as Keras's are."""
        batches = batch_indices(shuffled_order(len(train), self.seed, epoch), self.recipe.batch_size)
        self.watcher.begin_epoch(epoch, self.recipe.epochs, len(batches))
        tally = Tally()
        start = time.perf_counter()
        self.network.train()
        for step, (images_nhwc, labels) in enumerate(read_batches(train, batches)):
            torch.manual_seed(step_seed(self.seed, epoch, step))
            loss, logits = self.learn(images_nhwc.to(self.device), labels.to(self.device), optimizer)
            tally.add(loss, logits, labels.to(self.device))
            self.watcher.end_step(tally.loss, tally.accuracy, tally.images / (time.perf_counter() - start))
        return tally

    def learn(
        self, images_nhwc: torch.Tensor, labels: torch.Tensor, optimizer: KerasAdam
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take one step on one batch and give its mean loss and its logits."""
        optimizer.zero_grad(set_to_none=True)
        logits = self.network(to_network_input(images_nhwc, self.preprocessing))
        # The notebook's Keras finds the logits behind the softmax, and so loses no digit to it either.
        loss = F.cross_entropy(logits, labels)
        torch.autograd.backward(loss)
        optimizer.step()
        return loss.detach(), logits.detach()

    @torch.inference_mode()
    def validate(self, valid: LabelledCube) -> Tally:
        """Measure loss and accuracy without learning."""
        self.network.eval()
        tally = Tally()
        for images_nhwc, labels_cpu in in_order(valid, self.recipe.batch_size):
            labels = labels_cpu.to(self.device)
            logits = self.network(to_network_input(images_nhwc.to(self.device), self.preprocessing))
            tally.add(F.cross_entropy(logits, labels), logits, labels)
        return tally


def step_seed(seed: int, epoch: int, step: int) -> int:
    """Seed of the random numbers of one step, 64 well-mixed bits: no two steps that anyone runs share it."""
    return int(np.random.SeedSequence([seed, epoch, step]).generate_state(1, np.uint64)[0])
