"""What a network costs, counted on its own graph."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def count_flops(network: nn.Module, *, size: int, channels: int) -> int:
    """Count the floating-point operations of one image's way through a network: a multiply and an add are two.

    Convolutions and matrix products are counted, as ``torch.utils.flop_counter`` does; all else is small beside them.
    The network may be on ``meta``, and then nothing is computed.
    """
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, channels, size, size, device=device))
    finally:
        network.train(was_training)
    return int(counter.get_total_flops())
