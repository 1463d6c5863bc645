"""The table of networks, counted on the networks themselves."""

from __future__ import annotations

from typing import Any

import torch

from kamerton.networks.cost import count_flops
from kamerton.networks.meta_shapes import SHAPES
from kamerton.networks.registry import NETWORKS, build_network, count_parameters


def count_networks(*, size: int, channels: int = 3, classes: int = 10) -> list[dict[str, Any]]:
    """Describe every network for images of ``size`` pixels; one too large for them has no numbers (None).

    FLOPs are those of one image, an addition and a multiplication being two.
    """
    rows = []
    for name, entry in NETWORKS.items():
        parameters = flops = None
        if size >= entry.smallest_size:
            with torch.device("meta"):
                network = build_network(name, size=size, channels=channels, classes=classes)
            parameters = sum(count_parameters(network))
            flops = count_flops(network, size=size, channels=channels, shapes=SHAPES)
        rows.append(
            {
                "name": name,
                "title": entry.title,
                "parameters": parameters,
                "flops": flops,
                "smallest_size_px": entry.smallest_size,
                "year": entry.year,
                "paper": entry.paper,
                "size_px": size,
                "classes": classes,
            }
        )
    return rows
