"""A linear probe: the last dense layer alone learns, from features that are computed once.

It is logistic regression on standardised features, with a penalty on large weights; an epoch is one strength of that
penalty, from strong to weak, and the validation set chooses among them. Each begins anew, so that a resumed training
needs nothing of the one before.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kamerton.batches.augment import EIGHT, eight_views
from kamerton.batches.reading import batch_indices, to_network_input
from kamerton.batches.resident import batches_on
from kamerton.config.pictures import Preprocessing
from kamerton.data.cubes.cube import LabelledCube
from kamerton.errors import UsageError
from kamerton.networks.features import WithFeatures
from kamerton.plurals import counted
from kamerton.runs.history import PENALTY
from kamerton.training.loop import Keeper, Trainer
from kamerton.training.session import RunningTally, Session, Tally, batch_sums

STRONGEST, WEAKEST = 1e-4, 1e-1
"""The penalty's inverse strength C, as scikit-learn's LogisticRegression means it, of the first and the last epoch."""

EIGHT_VIEWS_UP_TO = 5_000
"""Galaxies that are learned from in all eight views, where the recipe turns them; more show turns enough themselves."""

MOST_ITERATIONS = 300
"""Of L-BFGS, which needs some dozens."""


class Features(NamedTuple):
    """What a network makes of the images of a cube before it decides."""

    values: torch.Tensor
    """(n, features)"""
    labels: torch.Tensor
    views: int = 1
    """Rows of each galaxy."""


class FrozenTrainer(Trainer):
    """How the head of a network learns alone."""

    def fit(self, session: Session, train: LabelledCube, valid: LabelledCube, keeper: Keeper) -> None:
        """Try one strength an epoch, from where the session stands."""
        # The features are part of what the first strength takes.
        start = time.perf_counter()
        tapped, head = with_head(self.network, self.preprocessing)
        augment = self.recipe.augment
        turns = augment is not None and augment.turns != "none" and len(train) <= EIGHT_VIEWS_UP_TO
        known = self.features_of(tapped, train, views=EIGHT if turns else 1)
        held_out = self.features_of(tapped, valid)
        strengths = np.geomspace(STRONGEST, WEAKEST, self.recipe.epochs)
        while session.epoch < self.recipe.epochs:
            self.watcher.begin_epoch(session.epoch, self.recipe.epochs, 1)
            weight, bias = fitted(known, head.out_features, float(strengths[session.epoch]))
            with torch.no_grad():
                head.weight.copy_(weight)
                head.bias.copy_(bias)
            session.tally = RunningTally(_tested(head, known))
            tested = _tested(head, held_out)
            session.seconds = time.perf_counter() - start
            row = session.end_epoch(tested, 0.0, float(strengths[session.epoch]), PENALTY)
            keeper.after_epoch(session)
            self.watcher.end_epoch(session.epoch - 1, row)
            start = time.perf_counter()
        chosen = session.epoch if session.best is None else session.best.epoch
        tried = (
            f"the {session.recipe.weights_chosen_by} of {counted(len(strengths), 'strength')} from {STRONGEST:g} to "
            f"{WEAKEST:g}"
            if len(strengths) > 1
            else f"the strongest, and the only one tried; more --epochs try others, up to {WEAKEST:g}"
        )
        self.watcher.say(f"penalty C {session.history[chosen - 1][PENALTY]:.3g}, {tried}")

    @torch.no_grad()
    def features_of(self, tapped: WithFeatures, cube: LabelledCube, views: int = 1) -> Features:
        """Compute the features of all images of a cube, in the first ``views`` of the eight; the first is as it is."""
        values, labels = [], []
        batches = batch_indices(np.arange(len(cube)), self.recipe.batch_size)
        with self.watcher.task(f"features of {cube.path.name}", len(cube), "images") as advance:
            for images_nhwc, answers in batches_on(self.device, cube, batches):
                images_nchw = to_network_input(images_nhwc, self.preprocessing)
                for view in islice(eight_views(images_nchw), views):
                    with self.computation.active():
                        values.append(tapped(self.computation.arranged(view))[2].float())
                    labels.append(answers)
                advance(len(answers))
        return Features(torch.cat(values), torch.cat(labels), views)


def with_head(network: nn.Module, preprocessing: Preprocessing) -> tuple[WithFeatures, nn.Linear]:
    """Give a network with its features, and its last dense layer; UsageError where it ends in anything else."""
    tapped = WithFeatures(network.eval(), (preprocessing.size, preprocessing.size, preprocessing.channels))
    if tapped.last is None:
        raise UsageError(
            "Only the last dense layer of a network can learn alone",
            received="a network that ends in anything else",
            next_step="leave --freeze out, or take another network",
        )
    return tapped, tapped.last


def fitted(known: Features, classes: int, strength: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the kernel (classes, features) and the biases of the dense layer that fits best, for raw features.

    All views of a galaxy weigh as much as one galaxy against the penalty.
    """
    values = known.values.double()
    mean, deviation = values.mean(0), values.std(0, correction=0)
    # A feature that is the same for all says nothing.
    scale = torch.where(deviation > 0, deviation, torch.inf)
    standard = (values - mean) / scale
    kernel = standard.new_zeros((classes, standard.shape[1]), requires_grad=True)
    bias = standard.new_zeros(classes, requires_grad=True)
    search = torch.optim.LBFGS([kernel, bias], max_iter=MOST_ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> float:
        search.zero_grad()
        loss = F.cross_entropy(F.linear(standard, kernel, bias), known.labels)
        loss = loss + kernel.square().sum() / (2 * strength * len(values) / known.views)
        torch.autograd.backward(loss)
        return float(loss.detach())

    search.step(closure)  # type: ignore[no-untyped-call]
    raw = kernel.detach() / scale
    return raw, bias.detach() - raw @ mean


@torch.no_grad()
def _tested(head: nn.Linear, features: Features) -> Tally:
    logits = head(features.values)
    sums = batch_sums(F.cross_entropy(logits, features.labels), logits, features.labels)
    tally = RunningTally()
    tally.add(sums, len(features.labels))
    return tally.value()
