"""What a recipe adds to a network while it learns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.hooks import RemovableHandle

from kamerton.config.recipe import Recipe


@contextmanager
def regularised(network: nn.Module, recipe: Recipe) -> Iterator[None]:
    """Let a network learn as the recipe says while the block runs.

    Features are dropped before the last dense layer, where the network drops none itself, and batch normalisation keeps
    its statistics where the recipe says so. Its momentum is set for good: it changes no prediction.
    """
    with ExitStack() as added:
        for hook in (*_of_normalisation(network, recipe), *_of_dropout(network, recipe)):
            added.callback(hook.remove)
        yield


def _of_normalisation(network: nn.Module, recipe: Recipe) -> Iterator[RemovableHandle]:
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        if recipe.keeps_statistics:
            yield norm.register_forward_pre_hook(_as_in_a_test)
        elif recipe.norm_momentum:
            norm.momentum = recipe.norm_momentum


def _as_in_a_test(module: nn.Module, _: tuple[Any, ...]) -> None:
    module.eval()


def _of_dropout(network: nn.Module, recipe: Recipe) -> Iterator[RemovableHandle]:
    drops = any(isinstance(module, nn.Dropout) for module in network.modules())
    dense = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if recipe.dropout == 0 or drops or not dense:
        return

    def drop(module: nn.Module, inputs: tuple[Any, ...]) -> torch.Tensor:
        return F.dropout(inputs[0], recipe.dropout, module.training)

    yield dense[-1].register_forward_pre_hook(drop)
