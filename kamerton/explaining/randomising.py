"""Weights made random from the last layer to the first: a map that stays as it was does not show the network."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from kamerton.explaining.layers import Images


@dataclass(frozen=True)
class Randomised:
    """A network whose last layers are random again."""

    name: str
    """The layer that was made random last, and all behind it."""
    share: float
    """Of the parameters that are random."""
    network: nn.Module


def cascade(network: nn.Module, fresh: nn.Module, images_nchw: Images, steps: int) -> Iterator[Randomised]:
    """Give copies of a network with more and more layers random, from the last to the first (Adebayo et al. 2018).

    ``fresh`` is the same network as it was before it learned anything. The order is that in which a pass meets the
    layers; the steps take about equally many of them.
    """
    names = _met(network, images_nchw)
    changing, learned, total = copy.deepcopy(network), 0, sum(p.numel() for p in network.parameters())
    ends = {round(len(names) * step / steps) for step in range(1, steps + 1)} - {0}
    for count, name in enumerate(reversed(names), start=1):
        own = changing.get_submodule(name)
        _take_over(own, fresh.get_submodule(name))
        learned += sum(parameter.numel() for parameter in own.parameters(recurse=False))
        if count in ends:
            yield Randomised(name, learned / max(1, total), copy.deepcopy(changing))


@torch.no_grad()
def _take_over(own: nn.Module, fresh: nn.Module) -> None:
    """Put another module's own tensors, and none of modules inside it, in the place of these."""
    for ours, theirs in (
        (own.named_parameters(recurse=False), fresh.named_parameters(recurse=False)),
        (own.named_buffers(recurse=False), fresh.named_buffers(recurse=False)),
    ):
        for (_, tensor), (_, new) in zip(ours, theirs, strict=True):
            tensor.copy_(new.to(tensor.device))


@torch.no_grad()
def _met(network: nn.Module, images_nchw: Images) -> list[str]:
    """List the modules with parameters of their own in the order in which a pass enters them."""
    met: dict[str, None] = {}

    def enter(name: str) -> Any:
        return lambda _module, _inputs: met.setdefault(name)

    having = [(name, module) for name, module in network.named_modules() if [*module.parameters(recurse=False)]]
    watching = [module.register_forward_pre_hook(enter(name)) for name, module in having]
    try:
        network(images_nchw[:1])
    finally:
        for one in watching:
            one.remove()
    # What a pass does not enter, as auxiliary heads, decides nothing.
    return list(met)
