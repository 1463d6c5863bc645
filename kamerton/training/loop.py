"""The training loop, plain PyTorch.

Nothing in a step depends on what came before it but the session: the batch follows from (seed, epoch, step), and so do
the views of its galaxies and the dropout.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kamerton.config import Preprocessing, Recipe
from kamerton.data.augment import augment
from kamerton.data.batches import batch_indices, in_order, read_batches, shuffled_order, to_network_input
from kamerton.data.cubes import LabelledCube
from kamerton.networks.layers import WithAuxiliary
from kamerton.training.optimizers import Resumable
from kamerton.training.progress import Watcher
from kamerton.training.session import Session, Tally


class Keeper(Protocol):
    """Who keeps what was learned."""

    def after_step(self, session: Session) -> None:
        """A batch is done."""

    def after_epoch(self, session: Session) -> None:
        """An epoch and its validation are done."""


@dataclass(frozen=True)
class Trainer:
    """How a network learns."""

    network: nn.Module
    recipe: Recipe
    preprocessing: Preprocessing
    seed: int
    device: torch.device
    watcher: Watcher

    def fit(self, session: Session, train: LabelledCube, valid: LabelledCube, keeper: Keeper) -> None:
        """Train from where the session stands to the end of the recipe's epochs, with validation after each."""
        while session.epoch < self.recipe.epochs:
            learning_rate = self.run_epoch(session, train, keeper)
            start = time.perf_counter()
            tested = self.validate(valid)
            row = session.end_epoch(tested, time.perf_counter() - start, learning_rate)
            keeper.after_epoch(session)
            self.watcher.end_epoch(session.epoch - 1, row)

    def run_epoch(self, session: Session, train: LabelledCube, keeper: Keeper) -> float:
        """Learn from every image once, and give the last learning rate.

        The tally is of what was seen while the weights were changing, as Keras's is.
        """
        epoch = session.epoch
        batches = batch_indices(shuffled_order(len(train), self.seed, epoch), self.recipe.batch_size)
        self.watcher.begin_epoch(epoch, self.recipe.epochs, len(batches), session.step)
        start = time.perf_counter() - session.seconds
        self.network.train()
        for images_nhwc, labels in read_batches(train, batches[session.step :]):
            seed = step_seed(self.seed, epoch, session.step)
            session.optimizer.set_learning_rate(session.schedule.rate(epoch + session.step / len(batches)))
            loss, logits = self.learn(images_nhwc.to(self.device), labels.to(self.device), session.optimizer, seed)
            session.tally.add(loss, logits, labels.to(self.device))
            session.step += 1
            session.seconds = time.perf_counter() - start
            self.watcher.end_step(session.tally.loss, session.tally.accuracy, session.tally.images / session.seconds)
            keeper.after_step(session)
        return session.schedule.rate(epoch + (len(batches) - 1) / len(batches))

    def learn(
        self, images_nhwc: torch.Tensor, labels: torch.Tensor, optimizer: Resumable, seed: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take one step on one batch and give its mean loss and its logits; dropout and views follow from ``seed``."""
        torch.manual_seed(seed)
        optimizer.zero_grad(set_to_none=True)
        images_nchw = to_network_input(images_nhwc, self.preprocessing)
        if self.recipe.augment is not None:
            images_nchw = augment(images_nchw, self.recipe.augment, torch.Generator().manual_seed(seed))
        loss, logits = loss_of(self.network(images_nchw), labels, self.recipe.label_smoothing)
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


def loss_of(
    answer: torch.Tensor | WithAuxiliary, labels: torch.Tensor, label_smoothing: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the mean cross-entropy of a network's answer in training, its auxiliary heads weighted in, and the logits.

    The notebook's Keras finds the logits behind the softmax, and so loses no digit to it either.
    """
    if not isinstance(answer, WithAuxiliary):
        return F.cross_entropy(answer, labels, label_smoothing=label_smoothing), answer
    loss, logits = loss_of(answer.logits, labels, label_smoothing)
    heads = [loss_of(head, labels, label_smoothing)[0] for head in answer.auxiliary]
    return loss + answer.weight * torch.stack(heads).sum(), logits


def step_seed(seed: int, epoch: int, step: int) -> int:
    """Seed of the random numbers of one step, 64 well-mixed bits: no two steps that anyone runs share it."""
    return int(np.random.SeedSequence([seed, epoch, step]).generate_state(1, np.uint64)[0])
