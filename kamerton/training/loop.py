"""The training loop, plain PyTorch.

Nothing in a step depends on what came before it but the session: the batch follows from (seed, epoch, step), and so do
the views of its galaxies and the dropout. Nothing in a step waits for a GPU.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kamerton.batches.augment import augment
from kamerton.batches.reading import batch_indices, shuffled_order, to_network_input
from kamerton.batches.resident import ResidentCube, batches_on, resident
from kamerton.config.pictures import Preprocessing
from kamerton.config.recipe import Recipe
from kamerton.data.cubes.cube import LabelledCube
from kamerton.machine.computation import Computation
from kamerton.networks.head import head_parameters
from kamerton.training.losses import as_float32, class_offsets, loss_of
from kamerton.training.optimizers import Resumable
from kamerton.training.processes import ALONE, Part, Processes
from kamerton.training.progress import Silent, Watcher
from kamerton.training.session import RunningTally, Session, Tally, batch_sums


class Keeper(Protocol):
    """Who keeps what was learned."""

    def after_step(self, session: Session) -> None:
        """A batch is done."""

    def after_epoch(self, session: Session) -> None:
        """An epoch and its validation are done."""


@dataclass(kw_only=True)
class Trainer:
    """How a network learns."""

    network: nn.Module
    """On the computation's device."""
    recipe: Recipe
    preprocessing: Preprocessing
    seed: int
    computation: Computation
    watcher: Watcher = field(default_factory=Silent)
    processes: Processes = ALONE
    learner: nn.Module = field(init=False)
    """The network as it learns: compiled, and with its gradients averaged over the processes."""
    offsets: torch.Tensor | None = field(init=False, default=None)
    """What is added to the logits while they learn (`class_offsets`)."""

    def __post_init__(self) -> None:
        prepared = self.computation.prepared(self.network)
        # Where only the head learns at first, PyTorch must look which parameters take part.
        looks = self.computation.deterministic or self.recipe.head_epochs > 0
        self.learner = self.processes.learner(prepared, self.device, fixed_order=looks)

    @property
    def device(self) -> torch.device:
        """Where the network learns."""
        return self.computation.device

    def fit(self, session: Session, train: LabelledCube, valid: LabelledCube, keeper: Keeper) -> None:
        """Train from where the session stands to the end of the recipe's epochs, with validation after each."""
        offsets = class_offsets(train.labels, len(train.class_names), self.recipe.logit_adjustment)
        self.offsets = None if offsets is None else offsets.to(self.device)
        here = [resident(cube, self.device) or cube for cube in (train, valid)]
        while session.epoch < self.recipe.epochs:
            learning_rate = self.run_epoch(session, here[0], keeper)
            start = time.perf_counter()
            tested = self.validate(here[1], session.learned)
            row = session.end_epoch(tested, time.perf_counter() - start, learning_rate)
            keeper.after_epoch(session)
            self.watcher.end_epoch(session.epoch - 1, row)

    def run_epoch(self, session: Session, train: LabelledCube | ResidentCube, keeper: Keeper) -> float:
        """Learn from every image once, and give the last learning rate.

        The tally is of what was seen while the weights were changing, as Keras's is.
        """
        epoch = session.epoch
        session.begin_epoch()
        batches = batch_indices(shuffled_order(len(train), self.seed, epoch), self.recipe.batch_size)
        parts = [self.processes.part_of(rows) for rows in batches]
        self.watcher.begin_epoch(epoch, self.recipe.epochs, len(batches), session.step)
        start = time.perf_counter() - session.seconds
        self._let_learn(head_alone=session.is_of_the_head)
        for images_nhwc, labels in batches_on(self.device, train, [part.rows for part in parts[session.step :]]):
            part = parts[session.step]
            seed = step_seed(self.seed, epoch, session.step)
            session.optimizer.set_learning_rate(session.rate(session.step, len(batches)))
            loss, logits = self.learn(images_nhwc, labels, session.optimizer, seed, part)
            self._count(session.tally, part, loss, logits, labels)
            session.end_step()
            session.seconds = time.perf_counter() - start
            self.watcher.end_step(session.tally.value, session.tally.images / session.seconds)
            keeper.after_step(session)
        # Waits for the GPU, so that the time is that of the whole epoch.
        session.tally.value()
        session.seconds = time.perf_counter() - start
        return session.rate(len(batches) - 1, len(batches))

    def _let_learn(self, *, head_alone: bool) -> None:
        """Put the network into training; with ``head_alone`` only its last dense layer's weights change.

        Running statistics follow the images all the same.
        """
        head = head_parameters(self.network) if head_alone else None
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(head is None or name in head)
        self.learner.train()

    def _count(
        self, tally: RunningTally, part: Part, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor
    ) -> None:
        sums = batch_sums(loss, logits, labels)
        tally.add(self.processes.add_up(sums if part.counted else torch.zeros_like(sums)), part.images)

    def learn(
        self,
        images_nhwc: torch.Tensor,
        labels: torch.Tensor,
        optimizer: Resumable,
        seed: int,
        part: Part | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take one step on one batch, or on a part of it, and give its mean loss and its logits.

        Dropout and views follow from ``seed``: the views are those of the whole batch, and each process drops others.
        """
        part = part or ALONE.part_of(np.arange(len(labels)))
        torch.manual_seed(seed if self.processes.is_first else step_seed(seed, self.processes.rank))
        optimizer.zero_grad(set_to_none=True)
        images_nchw = self.computation.arranged(to_network_input(images_nhwc, self.preprocessing))
        if self.recipe.augment is not None:
            random = torch.Generator().manual_seed(seed)
            images_nchw = augment(images_nchw, self.recipe.augment, random, share=part.share, batch_images=part.images)
        with self.computation.active():
            outputs = self.learner(images_nchw)
        loss, logits = loss_of(outputs, labels, self.recipe.label_smoothing, self.offsets)
        torch.autograd.backward(loss if self.processes.count == 1 else loss * self.processes.weight(part))
        optimizer.step()
        return loss.detach(), logits.detach()

    @torch.inference_mode()
    def validate(self, valid: LabelledCube | ResidentCube, network: nn.Module | None = None) -> Tally:
        """Measure loss and accuracy without learning, of the network or of the averages of its weights."""
        network = network or self.network
        self.processes.share_buffers(network)
        network.eval()
        tally = RunningTally()
        parts = [self.processes.part_of(rows) for rows in batch_indices(np.arange(len(valid)), self.recipe.batch_size)]
        rows_on_device = batches_on(self.device, valid, [part.rows for part in parts])
        for part, (images_nhwc, labels) in zip(parts, rows_on_device, strict=True):
            images_nchw = self.computation.arranged(to_network_input(images_nhwc, self.preprocessing))
            with self.computation.active():
                logits = as_float32(network(images_nchw))
            self._count(tally, part, F.cross_entropy(logits, labels), logits, labels)
        return tally.value()


def step_seed(seed: int, *places: int) -> int:
    """Seed of the random numbers of a step by (epoch, step): 64 well-mixed bits, which no two steps share."""
    return int(np.random.SeedSequence([seed, *places]).generate_state(1, np.uint64)[0])
