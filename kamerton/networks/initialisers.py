"""Initialisers: the weights that a network starts from."""

from __future__ import annotations

from torch import nn


def glorot_uniform_(network: nn.Module) -> None:
    """Start every convolution and dense layer as Keras does (Glorot & Bengio 2010): uniform kernels, zero biases."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def he_normal_(network: nn.Module) -> None:
    """Start every convolution and dense layer as He et al. (2015): normal, of variance 2 / inputs; zero biases."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def narrow_normal_(network: nn.Module) -> None:
    """Start every convolution and dense layer normal, of deviation 0.02 cut at two (Liu et al. 2022); zero biases."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02, a=-0.04, b=0.04)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def as_built_(network: nn.Module) -> None:
    """Leave the weights as its builder made them."""
