"""METHODS: how a map is made that says where on a galaxy a network saw what speaks for a class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from numpy.typing import ArrayLike
from torch import nn

from kamerton.batches.augment import EIGHT, turned
from kamerton.config.answers import ExplainMethod
from kamerton.errors import MissingExtraError, UsageError
from kamerton.explaining.layers import (
    CellMaps,
    Cells,
    Classes,
    Images,
    MapLayer,
    PixelMaps,
    find_layer,
    values_and_gradients,
)
from kamerton.explaining.sky import sky_like
from kamerton.inference.engines import AnswerEngine, Answers

Numbers = Float32[torch.Tensor, "n"]

PATCHES = 10
"""Along each side, that hide a part of the galaxy one after another."""
PATCH_SHARE = 1 / 6
"""Of the image's side, so that neighbours overlap by about half."""

INTEGRATED_STEPS = 32
"""Of the way from blank sky to the galaxy."""

COARSE_CELLS = 8
"""Along a side of the random maps that a map of pixels is held against."""


@dataclass(frozen=True)
class Subject:
    """What is explained: a network, or what answers for one."""

    answers: AnswerEngine
    network: nn.Module | None
    """Whose gradients are known; None where only answers are."""

    @torch.no_grad()
    def logits(self, images_nchw: Images, classes: Classes) -> Numbers:
        """Give the logit of each galaxy's class."""
        return _of_class(self.answers(images_nchw).logits, images_nchw, classes)

    @torch.no_grad()
    def probabilities(self, images_nchw: Images, classes: Classes) -> Numbers:
        """Give the probability of each galaxy's class, as the network says it."""
        return _of_class(self.answers(images_nchw).probabilities, images_nchw, classes)


def _of_class(values: ArrayLike, images_nchw: Images, classes: Classes) -> Numbers:
    return torch.as_tensor(np.asarray(values), device=images_nchw.device).gather(1, classes[:, None])[:, 0]


def subject_of(network: nn.Module) -> Subject:
    """Take a network that answers by itself, in PyTorch."""

    def answers(images_nchw: Images) -> Answers:
        logits = network(images_nchw)
        said = logits.float().cpu().numpy()
        return Answers(logits.softmax(1).float().cpu().numpy(), said, said)

    return Subject(answers, network)


Mapper = Callable[[Subject, Images, Classes], PixelMaps]
"""From galaxies and classes to maps, in logits: positive where something speaks for the class."""


@dataclass(frozen=True)
class Maker:
    """A method, made ready for networks of one build."""

    method: ExplainMethod
    maps: Mapper
    layer: MapLayer | None
    """That is looked at; None for methods that look at pixels."""
    passes: int
    """Passes through the network that a map costs, about."""

    @property
    def cells(self) -> int:
        """Along each side of a map, about: what finer detail it has is made by interpolation."""
        return COARSE_CELLS if self.layer is None else self.layer.side


def hirescam(values: Cells, gradients: Cells) -> CellMaps:
    """Weigh each cell by its own gradient (Draelos & Carin 2020, arXiv:2011.08891).

    Behind a last dense layer, the map adds up to the logit but for the bias: what it shows is what was used.
    """
    return (values * gradients).sum(1)


def gradcam(values: Cells, gradients: Cells) -> CellMaps:
    """Weigh each channel by its mean gradient, and keep what is positive (Selvaraju et al. 2017, arXiv:1610.02391)."""
    return (values * gradients.mean((2, 3), keepdim=True)).sum(1).relu()


def _of_layer(method: ExplainMethod, combine: Callable[[Cells, Cells], CellMaps]) -> Callable[..., Maker]:
    def make(network: nn.Module, image_shape: tuple[int, int, int]) -> Maker:
        layer = find_layer(network, image_shape)
        if layer is None:
            raise UsageError(
                f"No layer of this network is an image, which {method} would weigh",
                allowed="a network of convolutions, or of patches",
                next_step="use --method occlusion",
            )

        def maps(subject: Subject, images_nchw: Images, classes: Classes) -> PixelMaps:
            assert subject.network is not None, "a method with gradients is given a network"
            found = combine(*values_and_gradients(subject.network, layer, images_nchw, classes))
            return layer.on_pixels(found)

        return Maker(method, maps, layer, passes=3)

    return make


def occlusion(_network: nn.Module, _image_shape: tuple[int, int, int]) -> Maker:
    """Hide a part of the galaxy after another behind its own sky, and see what that costs (Zeiler & Fergus 2014)."""

    @torch.no_grad()
    def maps(subject: Subject, images_nchw: Images, classes: Classes) -> PixelMaps:
        size = images_nchw.shape[-1]
        patch = max(1, round(PATCH_SHARE * size))
        count = min(PATCHES, size - patch + 1)
        starts = [round(place * (size - patch) / max(1, count - 1)) for place in range(count)]
        sky = sky_like(images_nchw)
        whole = subject.logits(images_nchw, classes)
        lost, times = torch.zeros_like(images_nchw[:, 0]), torch.zeros_like(images_nchw[:, 0])
        for top in starts:
            for left in starts:
                hidden = (..., slice(top, top + patch), slice(left, left + patch))
                images = images_nchw.clone()
                images[hidden] = sky[hidden]
                cost = whole - subject.logits(images, classes)
                lost[hidden] += cost[:, None, None]
                times[hidden] += 1
        return lost / times.clamp(min=1)

    return Maker("occlusion", maps, None, passes=PATCHES**2)


def integrated(_network: nn.Module, _image_shape: tuple[int, int, int]) -> Maker:
    """Integrate gradients along the way from blank sky to the galaxy (Sundararajan et al. 2017), by captum."""
    captum = _import_captum()

    def maps(subject: Subject, images_nchw: Images, classes: Classes) -> PixelMaps:
        way = captum.IntegratedGradients(subject.network)
        found: torch.Tensor = way.attribute(
            images_nchw,
            baselines=sky_like(images_nchw),
            target=classes,
            n_steps=INTEGRATED_STEPS,
            internal_batch_size=max(1, len(images_nchw)),
        )
        return found.detach().sum(1)

    return Maker("integrated", maps, None, passes=3 * INTEGRATED_STEPS)


def _import_captum() -> Any:
    try:
        from captum import attr
    except ImportError as error:
        raise MissingExtraError(
            "Integrated gradients need the package captum (extra `explain`)",
            received=str(error),
            next_step="pip install captum, or use --method hirescam",
        ) from error
    return attr


METHODS: dict[ExplainMethod, Callable[[nn.Module, tuple[int, int, int]], Maker]] = {
    "hirescam": _of_layer("hirescam", hirescam),
    "gradcam": _of_layer("gradcam", gradcam),
    "occlusion": occlusion,
    "integrated": integrated,
}
"""By name; each finds what it needs in a network for images of (height, width, channels)."""

WITHOUT_GRADIENTS: tuple[ExplainMethod, ...] = ("occlusion",)


def over_eight_views(maps: Mapper) -> Mapper:
    """Average the maps of the eight views, each turned back, as a prediction of eight views is averaged."""

    def mean(subject: Subject, images_nchw: Images, classes: Classes) -> PixelMaps:
        views = [turned_back(maps(subject, turned(images_nchw, n), classes), n) for n in range(EIGHT)]
        return torch.stack(views).mean(0)

    return mean


def turned_back(maps: PixelMaps, number: int) -> PixelMaps:
    """Undo one of the eight views; a mirror image is its own opposite."""
    return turned(maps, number if number >= 4 else -number % 4)
