"""Adam as Keras computes it, and AdamW; both can be taken up again to the bit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import nn

from kamerton.config.recipe import AdamSettings, AdamWSettings, Recipe


class Layer(NamedTuple):
    """Parameters that learn at one rate."""

    parameters: list[nn.Parameter]
    share: float
    """Of the learning rate."""


class Resumable(torch.optim.Optimizer):
    """What the optimizers here share: a learning rate that is set, and a state that comes back."""

    AVERAGES: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq")
    """PyTorch's names of the running means of the gradient and of its square."""

    steps_done: int = 0

    def set_learning_rate(self, learning_rate: float) -> None:
        """Use ``learning_rate`` from the next step on, or the share of it that a layer has."""
        for group in self.param_groups:
            group["lr"] = learning_rate * group.get("share", 1.0)

    def averages(self, parameter: nn.Parameter) -> dict[str, torch.Tensor]:
        """Give the running means of a parameter by name; nothing before its first step."""
        state = self.state.get(parameter, {})
        return {name: state[name] for name in self.AVERAGES if name in state}

    def restore(self, parameter: nn.Parameter, steps_done: int, averages: Mapping[str, torch.Tensor | None]) -> None:
        """Take up the running means of a parameter after ``steps_done`` steps; ValueError where a shape differs."""
        known = {name: tensor for name, tensor in averages.items() if tensor is not None}
        if any(tensor.shape != parameter.shape or tensor.dtype != parameter.dtype for tensor in known.values()):
            raise ValueError("Adam's averages have another shape than their parameter")
        if not known:
            self.state.pop(parameter, None)
            return
        step = torch.tensor(float(steps_done), device=parameter.device)
        # In memory as the parameter is, for the two are gone through together.
        kept = {name: torch.empty_like(parameter.detach()).copy_(tensor) for name, tensor in known.items()}
        self.state[parameter] = {"step": step, **kept}


class KerasAdam(torch.optim.Adam, Resumable):
    """PyTorch's fused Adam with the epsilon of Keras's formula (Kingma & Ba 2015, section 2, last paragraph).

    Keras divides by ``sqrt(v) + epsilon``, PyTorch by ``sqrt(v / (1 - beta_2^t)) + epsilon``: the two agree when
    PyTorch's epsilon is divided by ``sqrt(1 - beta_2^t)`` at every step t.
    """

    def __init__(self, layers: Iterable[Layer], settings: AdamSettings) -> None:
        self.settings = settings
        super().__init__(
            [{"params": layer.parameters, "share": layer.share} for layer in layers],
            lr=settings.learning_rate,
            betas=(settings.beta_1, settings.beta_2),
            eps=settings.epsilon,
            fused=True,
        )

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update the parameters from their gradients."""
        self.steps_done += 1
        epsilon = self.settings.epsilon / math.sqrt(1 - self.settings.beta_2**self.steps_done)
        for group in self.param_groups:
            group["eps"] = epsilon
        super().step(closure)


class DecayingAdam(torch.optim.AdamW, Resumable):
    """PyTorch's fused AdamW; only kernels decay."""

    def __init__(self, layers: Iterable[Layer], settings: AdamWSettings) -> None:
        groups: list[dict[str, Any]] = []
        for layer in layers:
            kernels = [parameter for parameter in layer.parameters if parameter.dim() > 1]
            others = [parameter for parameter in layer.parameters if parameter.dim() <= 1]
            groups.append({"params": kernels, "weight_decay": settings.weight_decay, "share": layer.share})
            groups.append({"params": others, "weight_decay": 0.0, "share": layer.share})
        super().__init__(
            [group for group in groups if group["params"]],
            lr=settings.learning_rate,
            betas=(settings.beta_1, settings.beta_2),
            eps=settings.epsilon,
            fused=True,
        )

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update the parameters from their gradients."""
        self.steps_done += 1
        super().step(closure)


def make_optimizer(network: nn.Module, recipe: Recipe) -> Resumable:
    """Make the optimizer that a recipe names, for all parameters of a network."""
    layers = layers_of(network, recipe.first_layer_rate)
    if isinstance(recipe.optimizer, AdamWSettings):
        return DecayingAdam(layers, recipe.optimizer)
    return KerasAdam(layers, recipe.optimizer)


def layers_of(network: nn.Module, first_layer_rate: float | None) -> list[Layer]:
    """Part a network's parameters by layer, in the order in which it was built; without a rate they are one layer.

    The shares rise as powers, so that each layer learns faster than the one before it by the same factor.
    """
    if first_layer_rate is None:
        return [Layer(list(network.parameters()), 1.0)]
    modules = [list(module.parameters(recurse=False)) for module in network.modules()]
    layers = [parameters for parameters in modules if parameters]
    last = max(len(layers) - 1, 1)
    return [
        Layer(parameters, first_layer_rate ** (1 - place / last) if len(layers) > 1 else 1.0)
        for place, parameters in enumerate(layers)
    ]
