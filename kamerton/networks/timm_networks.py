"""Every network of timm (Wightman 2019), under ``timm:NAME``, where timm is installed.

``timm:resnet50`` starts from random weights; with a tag, as in ``timm:resnet50.a1_in1k``, a training starts from timm's
weights of that tag, which are fetched then and only then.
"""

from __future__ import annotations

import difflib
from functools import partial
from typing import Any

import torch
from torch import nn

from kamerton.errors import MissingExtraError, UnknownNameError, UsageError
from kamerton.networks.entry import Network
from kamerton.networks.initialisers import as_built_

PREFIX = "timm:"

SMALLEST_SIZE = 32
"""Most of timm's networks halve an image five times; what a larger one needs, timm says itself."""

BUILD_ERRORS = (OSError, TypeError, ValueError, RuntimeError, AssertionError, LookupError)
"""What timm and PyTorch raise for images that a network cannot take, and for weights that are out of reach."""


class Standardised(nn.Module):
    """A network of timm, whose weights were learned on images less their mean and over their deviation."""

    def __init__(self, network: nn.Module, mean: tuple[float, ...], deviation: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.mean: torch.Tensor
        self.deviation: torch.Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, -1, 1, 1), persistent=False)

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network((images_nchw - self.mean) / self.deviation)
        return logits


def import_timm() -> Any:
    """Import timm; MissingExtraError names the command that installs it, or what does not fit together."""
    try:
        import timm
    except ImportError as error:
        raise MissingExtraError(
            "Networks of timm need the package timm",
            received=str(error),
            next_step="pip install timm",
        ) from error
    except (RuntimeError, AttributeError, OSError) as error:
        # A torchvision made for another PyTorch says so only as it fails.
        raise MissingExtraError(
            "timm is installed but cannot be loaded beside this PyTorch",
            received=f"PyTorch {torch.__version__}: {str(error)[:200]}",
            allowed="a torchvision made for that PyTorch",
            next_step="install PyTorch, torchvision and timm anew in one command from one index",
        ) from error
    return timm


def describe(name: str) -> Network:
    """Describe a network of timm; a tag behind a dot stands for learned weights."""
    require_name(name)
    return Network(
        name=f"{PREFIX}{name}",
        title=name,
        year=2019,
        paper="Wightman 2019, timm",
        smallest_size=SMALLEST_SIZE,
        build=partial(build, name),
        initialise=as_built_,
        build_learned=partial(build, name, learned=True) if "." in name else None,
    )


def require_name(name: str) -> None:
    """Raise UnknownNameError for a name or a tag that timm does not know, with the closest ones."""
    timm = import_timm()
    plain, _, tag = name.partition(".")
    if not timm.is_model(plain):
        known = difflib.get_close_matches(plain, timm.list_models(), n=5) or timm.list_models()[:5]
        raise UnknownNameError("timm network", name, known)
    known = timm.list_pretrained(f"{plain}.*")
    if tag and name not in known:
        raise UnknownNameError("timm network", name, [plain, *known])


def build(name: str, size: int, channels: int, classes: int, *, learned: bool = False) -> nn.Module:
    """Build a network of timm; images (n, channels, size, size) scaled to 0..1 give logits (n, classes).

    Its weights are random, or with ``learned`` those of its tag, which timm fetches; the classifier is random always.
    Raises UsageError for images that timm cannot build it for, and where the weights cannot be fetched.
    """
    timm = import_timm()
    settings = timm.get_pretrained_cfg(name)
    # Only networks of a fixed size are told theirs; the others do not know the word.
    sized = {"img_size": size} if settings is not None and settings.fixed_input_size else {}
    try:
        network = timm.create_model(name, pretrained=learned, in_chans=channels, num_classes=classes, **sized)
    except BUILD_ERRORS as error:
        raise UsageError(
            f"timm cannot build {name} for these images" + (" or cannot fetch its weights" if learned else ""),
            received=f"{size} x {size} pixels, {channels} channels: {str(error)[:200]}",
            next_step="use another size, as its description in timm says, or another network",
        ) from error
    return Standardised(network, *_statistics(settings, channels))


def licence(name: str) -> str | None:
    """Tell under which licence timm gives the learned weights of a tag; None where it does not say."""
    settings = import_timm().get_pretrained_cfg(name)
    found = getattr(settings, "license", None)
    return found if isinstance(found, str) else None


def learned_bands(name: str) -> int | None:
    """Tell how many bands the images had that a tag's weights were learned from; None where timm does not say."""
    settings = import_timm().get_pretrained_cfg(name)
    return None if settings is None else int(settings.input_size[0])


def _statistics(settings: Any, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give mean and deviation of each channel, which timm tells for colour images; for others their average."""
    mean, deviation = ((0.5,), (0.5,)) if settings is None else (settings.mean, settings.std)
    if len(mean) == channels:
        return tuple(mean), tuple(deviation)
    return (sum(mean) / len(mean),) * channels, (sum(deviation) / len(deviation),) * channels
