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
from kamerton.networks.head import head_parameters


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


def how_it_learns(network: nn.Module, recipe: Recipe, *, started: bool) -> str:
    """Say what of a network learns, and what of it is tested, where that is not all of it as it is; else empty.

    ``started`` tells whether it begins with learned weights.
    """
    if recipe.frozen:
        head = head_parameters(network)
        sizes = {name: parameter.numel() for name, parameter in network.named_parameters()}
        learns = sum(size for name, size in sizes.items() if name in head)
        return f"the last layer alone learns, {learns:,} of {sum(sizes.values()):,} weights: a linear probe"
    told: list[str] = []
    if _norms(network) and recipe.keeps_statistics:
        told.append("batch normalisation keeps the statistics that it has learned")
    elif _norms(network) and started:
        told.append(
            f"recipe {recipe.name} lets batch normalisation follow these galaxies; made for learned weights is "
            "--recipe finetune"
        )
    if recipe.average_decay is not None:
        told.append("tested and kept is the moving average of the weights, so val_loss is of other weights than loss")
    return "; ".join(told)


def _norms(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    return [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]


def _of_normalisation(network: nn.Module, recipe: Recipe) -> Iterator[RemovableHandle]:
    for norm in _norms(network):
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
