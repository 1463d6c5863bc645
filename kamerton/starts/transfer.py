"""Weights of one network put into another of the same kind, for other classes, bands and sizes where that can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from kamerton.errors import UsageError
from kamerton.networks.registry import build_network, find_network


@dataclass(frozen=True)
class Shape:
    """What a network is built for."""

    size: int
    channels: int
    classes: int

    def weights(self, network: str) -> dict[str, torch.Tensor]:
        """Give the tensors of such a network, empty ones (``meta``)."""
        with torch.device("meta"):
            built = build_network(network, size=self.size, channels=self.channels, classes=self.classes)
        return dict(built.state_dict())


@dataclass(frozen=True)
class Fit:
    """Which tensors follow from what a network is built for."""

    of_classes: frozenset[str]
    """Those that name the classes: a network's head, and its auxiliary heads."""
    of_channels: frozenset[str]

    @classmethod
    def of(cls, network: str, shape: Shape) -> Fit:
        """Find out by building the network for another number of classes, and of channels."""
        here = shape.weights(network)
        others = (
            Shape(shape.size, shape.channels, shape.classes + 1),
            Shape(shape.size, shape.channels + 1, shape.classes),
        )
        changed = [
            frozenset(name for name, tensor in other.weights(network).items() if tensor.shape != here[name].shape)
            for other in others
        ]
        return cls(*changed)


def transfer(
    learned: Mapping[str, torch.Tensor], network: nn.Module, name: str, shape: Shape, *, source: str, keep_head: bool
) -> None:
    """Put learned weights into a network that was just built, in place; a head that is not kept begins at zero.

    So all classes are as likely at first, and the first gradients do not undo what was learned (Kolesnikov et al. 2020,
    Big Transfer). Kernels for another number of bands are repeated or summed over bands, so that a grey image gives
    what it gave. Raises UsageError naming the first tensor that does not fit, and then the network is as it was.
    """
    fit = Fit.of(name, shape)
    own = network.state_dict()
    parameters = {key for key, _ in network.named_parameters()}
    wanted = {key for key in own if keep_head or key not in fit.of_classes}
    missing = sorted(key for key in wanted - set(learned) if key in parameters)
    unknown = sorted(set(learned) - set(own))
    if missing or unknown:
        raise _of_another(name, source, missing, unknown)
    taken = {} if keep_head else {key: torch.zeros_like(own[key]) for key in fit.of_classes}
    for key in wanted & set(learned):
        if learned[key].shape == own[key].shape:
            taken[key] = learned[key].to(own[key].dtype)
        elif key in fit.of_channels:
            if key in parameters:
                taken[key] = _for_channels(learned[key], own[key], key, source)
        else:
            raise _does_not_fit(name, source, key, learned[key], own[key], shape)
    network.load_state_dict(taken, strict=False)


def _for_channels(tensor: torch.Tensor, own: torch.Tensor, key: str, source: str) -> torch.Tensor:
    """Repeat kernels over the bands, or add them up for a single one, with the same sum."""
    axes = [axis for axis in range(own.dim()) if tensor.dim() == own.dim() and tensor.shape[axis] != own.shape[axis]]
    if len(axes) != 1:
        raise UsageError(
            f"{source}: its kernels cannot be made to fit other bands",
            received=f"{key} of shape {tuple(tensor.shape)} instead of {tuple(own.shape)}",
            next_step="begin with weights for as many bands, or leave --start out",
        )
    (axis,) = axes
    bands, wanted = tensor.shape[axis], own.shape[axis]
    order = torch.arange(wanted) % bands
    share = torch.bincount(order, minlength=bands)[order].reciprocal() if wanted >= bands else torch.ones(wanted)
    if wanted < bands:
        groups = torch.arange(bands) % wanted
        return torch.zeros_like(own, dtype=tensor.dtype).index_add(axis, groups, tensor)
    shape = [1] * tensor.dim()
    shape[axis] = wanted
    return tensor.index_select(axis, order) * share.view(shape)


def _of_another(name: str, source: str, missing: list[str], unknown: list[str]) -> UsageError:
    parts = [f"no {', '.join(missing[:3])}"] if missing else []
    parts += [f"{', '.join(key[:60] for key in unknown[:3])} beside what it has"] if unknown else []
    return UsageError(
        f"{source}: not weights of {find_network(name).title}, as Kamerton names them",
        received="; ".join(parts),
        next_step="train the network that they are of with --network, or begin with others",
    )


def _does_not_fit(
    name: str, source: str, key: str, tensor: torch.Tensor, own: torch.Tensor, shape: Shape
) -> UsageError:
    return UsageError(
        f"{source}: its weights do not fit a {find_network(name).title} for images of {shape.size} pixels",
        received=f"{key} of shape {tuple(tensor.shape)} instead of {tuple(own.shape)}",
        next_step="give --size as those weights were learned with, or begin with others",
    )
