"""Weights of one network put into another of the same kind, for other classes, bands and sizes where that can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from kamerton.errors import ModelFileError, UsageError
from kamerton.networks.registry import build_network, find_network
from kamerton.plurals import counted

NAMED_TENSORS = 3
"""Of those that are missing, or that no one knows."""


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
    what it gave. Raises UsageError naming the first tensor that does not fit, ModelFileError where some are missing;
    then the network is as it was.
    """
    fit = Fit.of(name, shape)
    own = network.state_dict()
    parameters = {key for key, _ in network.named_parameters()}
    wanted = {key for key in own if keep_head or key not in fit.of_classes}
    _require_names(set(learned), wanted & parameters, set(own), name, source)
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


def require_names(learned: Mapping[str, torch.Tensor], name: str, shape: Shape, *, source: str) -> None:
    """Refuse tensors whose names are not those of a network, its head aside (UsageError, ModelFileError)."""
    with torch.device("meta"):
        built = build_network(name, size=shape.size, channels=shape.channels, classes=shape.classes)
    parameters = {key for key, _ in built.named_parameters()}
    _require_names(set(learned), parameters - Fit.of(name, shape).of_classes, set(built.state_dict()), name, source)


def _require_names(learned: set[str], wanted: set[str], own: set[str], name: str, source: str) -> None:
    missing, unknown = sorted(wanted - learned), sorted(learned - own)
    if missing and not unknown and learned & wanted:
        raise ModelFileError(
            f"{source}: incomplete weights of {find_network(name).title}",
            received=f"{counted(len(learned), 'tensor')}, and no {_first(missing)}",
            allowed="every tensor of the network but those that name its classes",
            next_step="fetch or make the file again, begin with another, or give the --network that they are whole for",
        )
    if missing or unknown:
        raise _of_another(name, source, missing, unknown)


def _first(names: list[str]) -> str:
    """Name the first of some tensors, and count the others."""
    rest = len(names) - NAMED_TENSORS
    named = ", ".join(name[:60] for name in names[:NAMED_TENSORS])
    return f"{named} and {rest} more" if rest > 0 else named


def bands_of(learned: Mapping[str, torch.Tensor], name: str, shape: Shape) -> int | None:
    """Tell how many bands the images had that weights were learned from, as their kernels show it; None: not at all."""
    own = shape.weights(name)
    for key in Fit.of(name, shape).of_channels & set(learned):
        axes = _other_axes(learned[key], own[key])
        if len(axes) == 1:
            return learned[key].shape[axes[0]]
    return None


def _other_axes(tensor: torch.Tensor, own: torch.Tensor) -> list[int]:
    """Name the axes that are longer or shorter than those of the network's own tensor, of as many axes."""
    return [axis for axis in range(own.dim()) if tensor.dim() == own.dim() and tensor.shape[axis] != own.shape[axis]]


def _for_channels(tensor: torch.Tensor, own: torch.Tensor, key: str, source: str) -> torch.Tensor:
    """Repeat kernels over the bands, or add them up for a single one, with the same sum."""
    axes = _other_axes(tensor, own)
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
    parts = [f"no {_first(missing)}"] if missing else []
    parts += [f"{_first(unknown)} beside what it has"] if unknown else []
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
