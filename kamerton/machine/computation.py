"""How a network is computed: one choice for training, validation and prediction, recorded in run.json."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from kamerton.config.machine import IN_TILES, ChosenLayout
from kamerton.errors import UsageError
from kamerton.machine.repeatable import full_float32
from kamerton.machine.tiled_convolutions import TiledConvolutions, tiles_available

ConvolutionAlgorithm = Literal["plain", "tiles", "mosaic"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Computation:
    """Where and how a network is computed; weights, sums and the loss are float32 in every case.

    UsageError for what the device or this PyTorch cannot do.
    """

    device: torch.device
    deterministic: bool
    """Whether the same seed is to give the same bits."""
    convolutions: ConvolutionAlgorithm = "plain"
    """PyTorch's own, or in tiles where these are faster (`kamerton.machine.tiled_convolutions`): images by themselves,
    or the batches that a network learns from side by side (`kamerton.machine.mosaics`)."""
    precision: Precision = "float32"
    """Of convolutions and matrix products; bfloat16 is autocast."""
    channels_last: bool = False
    """Whether images and kernels lie in memory as (n, height, width, channels)."""
    compiled: bool = False
    """Whether the network learns through ``torch.compile``."""

    def __post_init__(self) -> None:
        if self.in_tiles:
            _require_tiles(self.convolutions, self.device)

    @property
    def in_tiles(self) -> bool:
        """Whether convolutions are in tiles where these are faster."""
        return self.convolutions in IN_TILES

    def active(self) -> AbstractContextManager[object]:
        """Compute forward passes so until the block ends."""
        if self.precision == "bfloat16":
            return torch.autocast(self.device.type, torch.bfloat16)
        if self.device.type == "cuda":
            return full_float32()
        return TiledConvolutions(side_by_side=self.convolutions == "mosaic") if self.in_tiles else nullcontext()

    def arranged(self, images_nchw: torch.Tensor) -> torch.Tensor:
        """Lay images out in memory as the convolutions like them; the axes stay (n, channels, height, width)."""
        return images_nchw.contiguous(memory_format=torch.channels_last) if self.channels_last else images_nchw

    def lay_out(self, network: nn.Module) -> nn.Module:
        """Lay kernels out in memory as the images are, in place; before an optimizer keeps anything of their shape."""
        if self.channels_last:
            for parameter in network.parameters():
                if parameter.dim() == 4:
                    parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return network

    def prepared(self, network: nn.Module) -> nn.Module:
        """Give the network as it learns fastest; it shares its weights with ``network``."""
        self.lay_out(network)
        if not self.compiled:
            return network
        compiled: nn.Module = torch.compile(network)  # type: ignore[assignment]
        return compiled


def _require_tiles(layout: ConvolutionAlgorithm, device: torch.device) -> None:
    if device.type != "cpu":
        raise UsageError(
            "Convolutions in tiles are computed on the CPU only",
            received=f"{layout} on {device}",
            allowed="auto, plain or channels_last",
            next_step="leave --layout out, or give --device cpu",
        )
    if not tiles_available():
        raise UsageError(
            "This PyTorch has no convolutions in tiles for this CPU",
            received=f"{layout}, without NNPACK",
            allowed="auto, plain or channels_last",
            next_step="leave --layout out, or install a PyTorch with NNPACK",
        )


def choose_computation(device: torch.device, *, deterministic: bool, layout: ChosenLayout | None = None) -> Computation:
    """Choose how a device computes: in float32, uncompiled, on the CPU and where bits must be the same.

    Without a ``layout`` it is the one that most networks compute fastest with; `kamerton.networks.layouts` knows each.
    UsageError for tiles that are not to be had here.
    """
    fast = device.type != "cpu" and not deterministic
    chosen = layout or usual_layout(device, deterministic=deterministic)
    return Computation(
        device,
        deterministic,
        "plain" if chosen == "channels_last" else chosen,
        precision="bfloat16" if fast else "float32",
        channels_last=chosen == "channels_last",
        compiled=fast,
    )


def usual_layout(device: torch.device, *, deterministic: bool) -> ChosenLayout:
    """Name what most networks compute fastest with: on a CPU tiles, where a convolution gains from them."""
    if device.type == "cpu":
        return "mosaic" if tiles_available() else "plain"
    return "plain" if deterministic else "channels_last"


def layout_here(recorded: ChosenLayout | None, device: torch.device, *, deterministic: bool) -> ChosenLayout:
    """Give the layout that a run goes on with: its own, or the usual one where a machine has no tiles.

    A run that does not say what it had was never channels last, nor side by side.
    """
    usual = usual_layout(device, deterministic=deterministic)
    if recorded is None or recorded in IN_TILES:
        return (recorded or "tiles") if usual in IN_TILES else usual
    return recorded
