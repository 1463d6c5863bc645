"""Which layer of a network is explained, and where on the image its cells lie; found by watching a pass through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float, Int64
from torch import nn
from torch.nn import functional as F

Images = Float[torch.Tensor, "n channels size size"]
"""What a network is given, scaled to 0..1."""

Classes = Int64[torch.Tensor, "n"]
"""The class of each galaxy that is explained, by its number."""

Cells = Float[torch.Tensor, "n maps side side"]

CellMaps = Float[torch.Tensor, "n side side"]
"""A number a cell of a layer."""

PixelMaps = Float[torch.Tensor, "n size size"]
"""A number a pixel of what the network is given."""

FEWEST_CELLS = 2
"""Along a side. The last layer with so many is explained: earlier ones show finer detail, and have worse receipts
(docs/log.md, Why)."""

MOST_PREFIX_TOKENS = 16
"""Before the tokens that stand for patches: of a transformer's class, and its registers."""

Layout = Literal["channels first", "channels last", "tokens"]

Pair = tuple[float, float]
"""Pixels from one cell's middle to the next, and the middle of the first; the first pixel's own is 0."""


@dataclass(frozen=True)
class MapLayer:
    """One output of one module, whose values have places on the image."""

    name: str
    """The module's path in the network; empty for the network itself."""
    call: int
    """Which of the module's calls in a pass, counted from 0."""
    layout: Layout
    side: int
    """Cells along each side."""
    size: int
    """Pixels along each side of what the network is given."""
    step_px: float
    """From the middle of one cell to that of the next, by the strides of the layers before it."""
    start_px: float
    """Middle of the first cell, counted from the middle of the first pixel."""

    def cells(self, values: torch.Tensor) -> Cells:
        """Put the values of the layer in the order (n, channels, side, side)."""
        if self.layout == "tokens":
            patches = values[:, values.shape[1] - self.side**2 :].transpose(1, 2)
            return patches.reshape(*patches.shape[:2], self.side, self.side)
        return values.movedim(-1, 1) if self.layout == "channels last" else values

    def on_pixels(self, maps: CellMaps) -> PixelMaps:
        """Lay maps of cells on the image, each cell with its middle where its strides have put it, bilinear between.

        Beyond the outermost cells a map fades to 0 within one step.
        """
        at = (torch.arange(self.size, device=maps.device, dtype=maps.dtype) - self.start_px) / self.step_px
        across = 2 * at / max(1, self.side - 1) - 1
        places = torch.stack(torch.meshgrid(across, across, indexing="xy"), -1).expand(len(maps), -1, -1, -1)
        found = F.grid_sample(maps[:, None], places, mode="bilinear", padding_mode="zeros", align_corners=True)
        return found[:, 0]


def find_layer(network: nn.Module, image_shape: tuple[int, int, int]) -> MapLayer | None:
    """Find the last layer with an image of `FEWEST_CELLS` a side, and through which all of the answer passes.

    ``image_shape`` is (height, width, channels). Where no layer has so many cells it is the last of those with the
    most; None for a network without any image inside, as one of dense layers alone.
    """
    height, width, channels = image_shape
    device = next(network.parameters()).device
    noise = torch.Generator("cpu").manual_seed(0)
    trial = torch.rand((1, channels, height, width), generator=noise).to(device)
    found = _images_inside(network, trial)
    for enough in sorted({min(layer.side, FEWEST_CELLS) for layer in found}, reverse=True):
        fitting = (layer for layer in reversed(found) if layer.side >= enough)
        passed = next((layer for layer in fitting if _all_passes(network, layer, trial)), None)
        if passed is not None:
            return passed
    return None


def _images_inside(network: nn.Module, trial: Images) -> list[MapLayer]:
    """List the outputs of modules that are images and that the answer depends on, in the order in which they are made.

    Sides never grow in it.
    """
    size = trial.shape[-1]
    places: dict[int, Pair] = {size: (1.0, 0.0)}
    found: list[MapLayer] = []
    outputs: list[torch.Tensor] = []
    calls: Counter[str] = Counter()

    def look(name: str, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
        call = calls[name]
        calls[name] += 1
        form = _form(output, min(places))
        if form is None:
            if isinstance(module, nn.ZeroPad2d):
                _note_padded(module, _side_of(inputs[0]), places)
            return output
        layout, side = form
        if side not in places:
            before = _side_of(inputs[0] if inputs else None)
            places[side] = _moved(module, before, side, places.get(before)) or _spread(size, side)
        found.append(MapLayer(name, call, layout, side, size, *places[side]))
        outputs.append(output)
        # The next layer may write into what it is given.
        return output.clone()

    with _hooks((module, _named(look, name)) for name, module in network.named_modules()), torch.enable_grad():
        score = _of_all_classes(network(trial.clone().requires_grad_()))
    gradients = torch.autograd.grad(score, outputs, allow_unused=True) if outputs else ()
    return [
        layer
        for layer, gradient in zip(found, gradients, strict=True)
        if gradient is not None and bool((layer.cells(gradient) != 0).any())
    ]


def _named(look: Callable[..., Any], name: str) -> Callable[..., Any]:
    return lambda module, inputs, output: look(name, module, inputs, output)


def _of_all_classes(logits: torch.Tensor) -> torch.Tensor:
    """Weigh the classes by numbers of no meaning, so that none cancel."""
    return (logits * torch.linspace(1, 2, logits.shape[1], device=logits.device)).sum()


@contextmanager
def _hooks(pairs: Iterator[tuple[nn.Module, Callable[..., Any]]]) -> Iterator[None]:
    watching = [module.register_forward_hook(hook) for module, hook in pairs]
    try:
        yield
    finally:
        for one in watching:
            one.remove()


def _form(output: Any, smallest: int) -> tuple[Layout, int] | None:
    """Tell how an output is an image of more than one cell, and of how many a side; None for anything else."""
    if not isinstance(output, torch.Tensor) or not output.is_floating_point():
        return None
    shape = output.shape
    layout: Layout = "tokens"
    side = smallest
    if len(shape) == 4 and shape[2] == shape[3]:
        layout, side = "channels first", shape[2]
    elif len(shape) == 4 and shape[1] == shape[2]:
        layout, side = "channels last", shape[1]
    elif len(shape) != 3 or not 0 <= shape[1] - side**2 <= MOST_PREFIX_TOKENS:
        return None
    # Weights of attention are squares, too, of more cells than the image before them.
    return (layout, side) if 1 < side <= smallest else None


def _side_of(value: Any) -> int:
    return value.shape[-1] if isinstance(value, torch.Tensor) and value.dim() == 4 else 0


def _moved(module: nn.Module, before: int, side: int, place: Pair | None) -> Pair | None:
    """Tell where the cells lie behind a convolution or a pooling; None where that is not known."""
    if place is None or not isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        return None
    kernel, stride, padding = (_one(getattr(module, word)) for word in ("kernel_size", "stride", "padding"))
    dilation = _one(getattr(module, "dilation", 1))
    if kernel is None or stride is None or padding is None or dilation is None:
        return None
    # A module that pads by itself gives another side.
    if (before + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1 != side:
        return None
    step, start = place
    return step * stride, start + step * (dilation * (kernel - 1) / 2 - padding)


def _note_padded(pad: nn.ZeroPad2d, before: int, places: dict[int, Pair]) -> None:
    """Note where the cells lie of an image with zeros around it, which the next layer is given."""
    left, right, top, bottom = pad.padding
    if before in places and (left, right) == (top, bottom):
        step, start = places[before]
        places.setdefault(before + left + right, (step, start - step * left))


def _one(value: Any) -> int | None:
    """Take a number, or two that are equal."""
    numbers = set(value) if isinstance(value, tuple) else {value}
    return next(iter(numbers)) if len(numbers) == 1 and all(isinstance(number, int) for number in numbers) else None


def _spread(size: int, side: int) -> Pair:
    """Spread cells evenly over the image."""
    step = size / side
    return step, (step - 1) / 2


def values_and_gradients(
    network: nn.Module, layer: MapLayer, images_nchw: Images, classes: Classes
) -> tuple[Cells, Cells]:
    """Give what a layer holds, and the gradient of each image's class by it: of the logit, before the softmax."""
    logits, values = _cut(network, layer, images_nchw)
    score = logits.gather(1, classes[:, None]).sum()
    (gradients,) = torch.autograd.grad(score, [values])
    return layer.cells(values.detach()), layer.cells(gradients)


def _cut(network: nn.Module, layer: MapLayer, images_nchw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give logits, and the values of a layer that they are computed from as if these had come from nowhere."""
    kept: list[torch.Tensor] = []
    calls = 0

    def cut(_: nn.Module, __: Any, output: torch.Tensor) -> torch.Tensor | None:
        nonlocal calls
        calls += 1
        if calls - 1 != layer.call:
            return None
        kept.append(output.detach().requires_grad_())
        # The next layer may write into what it is given.
        return kept[-1].clone()

    with _hooks(iter([(network.get_submodule(layer.name), cut)])), torch.enable_grad():
        logits = network(images_nchw)
    return logits, kept[0]


def _all_passes(network: nn.Module, layer: MapLayer, trial: Images) -> bool:
    """Tell whether all of the answer comes through a layer, as it does through no inner one of a branch."""
    images_nchw = trial.clone().requires_grad_()
    logits, _ = _cut(network, layer, images_nchw)
    if not logits.requires_grad:
        return False
    (beside,) = torch.autograd.grad(_of_all_classes(logits), [images_nchw], allow_unused=True)
    return beside is None
