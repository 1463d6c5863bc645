"""The networks: ``NETWORKS`` is the table of contents; adding one is a function in a module here and one entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from kamerton.errors import UnknownNameError, UsageError
from kamerton.networks import (
    alexnet,
    alexnet2012,
    convnext,
    densenet,
    efficientnet,
    googlenet,
    lenet5,
    p4m,
    resnet,
    timm_networks,
    vgg,
)
from kamerton.networks.starts import as_built_, glorot_uniform_, he_normal_, narrow_normal_


@dataclass(frozen=True)
class Network:
    """One entry of the table: how a network is called, where it comes from and how it is built."""

    title: str
    """The name a reader knows."""
    year: int
    paper: str
    smallest_size: int
    """Side of the smallest image it can take, pixels."""
    build: Callable[[int, int, int], nn.Module]
    """(size, channels, classes) -> network from images (n, channels, size, size) to logits (n, classes)."""
    start: Callable[[nn.Module], None] = glorot_uniform_
    """Gives a network that was just built its starting weights."""
    build_learned: Callable[[int, int, int], nn.Module] | None = None
    """As ``build``, with weights that were learned elsewhere and may have to be fetched; None where there are none."""


NETWORKS: dict[str, Network] = {
    "lenet5": Network("LeNet-5", 1998, "LeCun et al. 1998, Proc. IEEE 86, 2278", lenet5.SMALLEST_SIZE, lenet5.lenet5),
    "alexnet": Network(
        "AlexNet", 2012, "Krizhevsky et al. 2012, NeurIPS 25, 1097", alexnet.SMALLEST_SIZE, alexnet.alexnet
    ),
    "alexnet2012": Network(
        "AlexNet-2012",
        2012,
        "Krizhevsky et al. 2012, NeurIPS 25, 1097",
        alexnet2012.SMALLEST_SIZE,
        alexnet2012.alexnet2012,
        he_normal_,
    ),
    "vgg16": Network(
        "VGG-16", 2015, "Simonyan & Zisserman 2015, arXiv:1409.1556", vgg.SMALLEST_SIZE, vgg.vgg16, he_normal_
    ),
    "googlenet": Network(
        "GoogLeNet",
        2015,
        "Szegedy et al. 2015, arXiv:1409.4842",
        googlenet.SMALLEST_SIZE,
        googlenet.googlenet,
        he_normal_,
    ),
    "resnet18": Network(
        "ResNet-18", 2016, "He et al. 2016, arXiv:1512.03385", resnet.SMALLEST_SIZE, resnet.resnet18, he_normal_
    ),
    "resnet50": Network(
        "ResNet-50", 2016, "He et al. 2016, arXiv:1512.03385", resnet.SMALLEST_SIZE, resnet.resnet50, he_normal_
    ),
    "densenet121": Network(
        "DenseNet-121",
        2017,
        "Huang et al. 2017, arXiv:1608.06993",
        densenet.SMALLEST_SIZE,
        densenet.densenet121,
        he_normal_,
    ),
    "efficientnet_b0": Network(
        "EfficientNet-B0",
        2019,
        "Tan & Le 2019, arXiv:1905.11946",
        efficientnet.SMALLEST_SIZE,
        efficientnet.efficientnet_b0,
        he_normal_,
    ),
    "convnext": Network(
        "ConvNeXt", 2022, "Liu et al. 2022, arXiv:2201.03545", convnext.SMALLEST_SIZE, convnext.convnext, narrow_normal_
    ),
    "p4m_resnet": Network(
        "p4m-ResNet",
        2016,
        "Cohen & Welling 2016, arXiv:1602.07576",
        p4m.SMALLEST_SIZE,
        p4m.p4m_resnet,
        p4m.he_normal_orbits_,
    ),
}


def find_network(name: str) -> Network:
    """Look a network up by name, or one of timm as ``timm:NAME``.

    UnknownNameError lists the known ones; MissingExtraError tells how timm is installed.
    """
    if name.startswith(timm_networks.PREFIX):
        return _network_of_timm(name.removeprefix(timm_networks.PREFIX))
    if name not in NETWORKS:
        raise UnknownNameError("network", name, NETWORKS)
    return NETWORKS[name]


def _network_of_timm(name: str) -> Network:
    """Describe a network of timm; a tag behind a dot stands for learned weights."""
    timm_networks.require_name(name)
    build = partial(timm_networks.build, name)
    return Network(
        name,
        2019,
        "Wightman 2019, timm",
        timm_networks.SMALLEST_SIZE,
        build,
        as_built_,
        partial(build, learned=True) if "." in name else None,
    )


def build_network(name: str, *, size: int, channels: int, classes: int, seed: int = 0) -> nn.Module:
    """Build a network by name with its starting weights, a pure function of ``seed``.

    It maps images (n, channels, size, size) scaled to 0..1 to logits (n, classes). Raises UnknownNameError, and
    UsageError for an image too small for it.
    """
    entry = find_network(name)
    if size < entry.smallest_size:
        raise UsageError(
            f"Images are too small for {entry.title}",
            received=f"{size} x {size} pixels",
            allowed=f"{entry.smallest_size} x {entry.smallest_size} pixels or more",
            next_step=f"use larger cutouts, `--size {entry.smallest_size}` or more, or a smaller network",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = entry.build(size, channels, classes)
        if not next(network.parameters()).is_meta:
            entry.start(network)
    return network


def load_learned(network: nn.Module, name: str, *, size: int, channels: int, classes: int, seed: int = 0) -> bool:
    """Give a network the weights that its name promises, learned elsewhere; False where it promises none.

    For the start of a training only: a run keeps its own weights, and nothing is fetched to read it.
    """
    build_learned = find_network(name).build_learned
    if build_learned is None:
        return False
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network.load_state_dict(build_learned(size, channels, classes).state_dict())
    return True


def count_parameters(network: nn.Module) -> tuple[int, int]:
    """Count (trainable, not trainable) parameters as Keras does: running means and variances are of the second kind."""
    trainable = sum(p.numel() for p in network.parameters())
    running = sum(b.numel() for b in network.buffers() if b.is_floating_point())
    return trainable, running
