"""Adam as Keras computes it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from kamerton.config import AdamSettings


class KerasAdam(torch.optim.Adam):
    """PyTorch's fused Adam with the epsilon of Keras's formula (Kingma & Ba 2015, section 2, last paragraph).

    Keras divides by ``sqrt(v) + epsilon``, PyTorch by ``sqrt(v / (1 - beta_2^t)) + epsilon``: the two agree when
    PyTorch's epsilon is divided by ``sqrt(1 - beta_2^t)`` at every step t.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], settings: AdamSettings) -> None:
        self.settings = settings
        super().__init__(
            parameters,
            lr=settings.learning_rate,
            betas=(settings.beta_1, settings.beta_2),
            eps=settings.epsilon,
            fused=True,
        )
        self.steps_done = 0

    def set_learning_rate(self, learning_rate: float) -> None:
        """Use ``learning_rate`` from the next step on."""
        for group in self.param_groups:
            group["lr"] = learning_rate

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update the parameters from their gradients."""
        self.steps_done += 1
        epsilon = self.settings.epsilon / math.sqrt(1 - self.settings.beta_2**self.steps_done)
        for group in self.param_groups:
            group["eps"] = epsilon
        super().step(closure)
