"""What makes a step fast: on a card bfloat16, channels last in memory and one compiled step; else tiles."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import nn

from kamerton.machine.tiled_convolutions import TiledConvolutions


@dataclass(frozen=True)
class Precision:
    """How the products of a network are computed; weights, sums and the loss stay float32."""

    device_type: str
    mixed: bool
    """bfloat16, channels last."""
    compile: bool

    @property
    def name(self) -> str:
        """Say it as run.json does."""
        return "bfloat16" if self.mixed else "float32"

    def products(self) -> AbstractContextManager[object]:
        """Compute in this precision until the block ends."""
        return torch.autocast(self.device_type, torch.bfloat16) if self.mixed else TiledConvolutions()

    def laid_out(self, images_nchw: torch.Tensor) -> torch.Tensor:
        """Lay images out in memory as the convolutions like them; the axes stay (n, channels, height, width)."""
        return images_nchw.contiguous(memory_format=torch.channels_last) if self.mixed else images_nchw

    def compiled(self, network: nn.Module) -> nn.Module:
        """Give the network as it learns fastest; it shares its weights with ``network``."""
        if self.mixed:
            for parameter in network.parameters():
                if parameter.dim() == 4:
                    parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        if not self.compile:
            return network
        compiled: nn.Module = torch.compile(network)  # type: ignore[assignment]
        return compiled


FULL = Precision("cpu", mixed=False, compile=False)


def precision_of(device: torch.device, *, deterministic: bool) -> Precision:
    """Choose the precision: float32 on the processor and where bits must be the same, else bfloat16 and compiled."""
    if device.type == "cpu" or deterministic:
        return FULL
    return Precision(device.type, mixed=True, compile=True)
