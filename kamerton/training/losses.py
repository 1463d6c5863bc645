"""What a network learns to lower: cross-entropy, with the auxiliary heads and the shares of the classes weighed in."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from kamerton.arrays import Labels
from kamerton.networks.layers import WithAuxiliary

UNSEEN = 0.5
"""Galaxies that are added to each class before its share is taken, so that none has the share 0."""


def class_offsets(labels: Labels, classes: int, logit_adjustment: float) -> torch.Tensor | None:
    """Give what is added to each class's logit in training, float32 (classes,); None where nothing is.

    It is the logarithm of the class's share, times ``logit_adjustment`` (Menon et al. 2021, eq. 10): a network need not
    learn how rare a class is, so it decides more often for the rare ones.
    """
    if logit_adjustment == 0:
        return None
    counts = np.bincount(labels, minlength=classes) + UNSEEN
    return torch.from_numpy(logit_adjustment * np.log(counts / counts.sum())).float()


def loss_of(
    outputs: torch.Tensor | WithAuxiliary,
    labels: torch.Tensor,
    label_smoothing: float,
    offsets: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the mean cross-entropy of a network's outputs in training, its auxiliary heads weighted in, and the logits.

    ``offsets`` are those of `class_offsets`. The notebook's Keras finds the logits behind the softmax, and so loses no
    digit to it either.
    """
    if isinstance(outputs, torch.Tensor):
        logits = as_float32(outputs) if offsets is None else as_float32(outputs) + offsets
        return F.cross_entropy(logits, labels, label_smoothing=label_smoothing), outputs
    loss, logits = loss_of(outputs.logits, labels, label_smoothing, offsets)
    heads = [loss_of(head, labels, label_smoothing, offsets)[0] for head in outputs.auxiliary]
    return loss + outputs.weight * torch.stack(heads).sum(), logits


def as_float32(logits: torch.Tensor) -> torch.Tensor:
    """Give logits in float32 where they come in bfloat16: a loss needs more than its three digits."""
    return logits.float() if logits.dtype == torch.bfloat16 else logits
