"""What a recipe adds to a network while it learns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from kamerton.config.recipe import Recipe


@contextmanager
def regularised(network: nn.Module, recipe: Recipe) -> Iterator[None]:
    """Drop features before the last dense layer while the block runs, where the network drops none itself.

    The recipe's momentum of batch normalisation is set for good: it changes no prediction.
    """
    for module in network.modules():
        if recipe.norm_momentum is not None and isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = recipe.norm_momentum
    drops = any(isinstance(module, nn.Dropout) for module in network.modules())
    dense = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if recipe.dropout == 0 or drops or not dense:
        yield
        return

    def drop(module: nn.Module, inputs: tuple[Any, ...]) -> torch.Tensor:
        return F.dropout(inputs[0], recipe.dropout, module.training)

    hook = dense[-1].register_forward_pre_hook(drop)
    try:
        yield
    finally:
        hook.remove()
