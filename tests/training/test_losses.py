"""The loss is the cross-entropy, whatever is weighed into it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from kamerton.networks.layers import WithAuxiliary
from kamerton.training.losses import class_offsets, loss_of

LABELS = torch.tensor([0, 1, 2, 3, 0])
LOGITS = torch.rand(5, 4, generator=torch.Generator().manual_seed(1))


def test_auxiliary_heads_are_weighted_into_the_loss_and_leave_the_answer_alone() -> None:
    """GoogLeNet's paper adds the losses of its two heads with the weight 0.3."""
    logits, first, second = torch.rand(3, 5, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 3, 0])
    loss, answer = loss_of(WithAuxiliary(logits, (first, second), 0.3), labels, 0.1)
    one, two, three = (F.cross_entropy(part, labels, label_smoothing=0.1) for part in (logits, first, second))
    torch.testing.assert_close(loss, one + 0.3 * (two + three))
    assert answer is logits


def test_the_shares_of_the_classes_are_weighed_in_as_published() -> None:
    """Menon et al. 2021, eq. 10: each other class counts by how much more frequent it is, to the power."""
    offsets = class_offsets(np.repeat(np.arange(4), [1, 10, 100, 1000]), 4, 0.5)
    assert offsets is not None
    shares = (np.array([1, 10, 100, 1000]) + 0.5) / 1113
    logits = LOGITS.double().numpy()
    losses = [
        np.log(
            1 + sum((shares[k] / shares[label]) ** 0.5 * np.exp(one[k] - one[label]) for k in range(4) if k != label)
        )
        for one, label in zip(logits, LABELS.tolist(), strict=True)
    ]
    loss, answer = loss_of(LOGITS, LABELS, 0.0, offsets)
    assert loss.item() == pytest.approx(np.mean(losses), rel=1e-6)
    assert answer is LOGITS


def test_a_class_without_galaxies_has_a_finite_offset() -> None:
    offsets = class_offsets(np.zeros(3, np.int64), 2, 1.0)
    assert offsets is not None
    assert torch.isfinite(offsets).all()


def test_without_adjustment_there_are_no_offsets() -> None:
    assert class_offsets(np.zeros(3, np.int64), 2, 0.0) is None
