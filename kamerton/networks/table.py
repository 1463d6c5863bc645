"""The table of networks: ``kamerton networks``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from kamerton.networks import NETWORKS, build_network, count_parameters
from kamerton.networks.cost import count_flops

if TYPE_CHECKING:
    from rich.console import Console


def network_table(*, size: int, channels: int = 3, classes: int = 10) -> list[dict[str, Any]]:
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
            flops = count_flops(network, size=size, channels=channels)
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


def print_network_table(rows: list[dict[str, Any]], console: Console) -> None:
    """Print the table for a person."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = f"Networks at {rows[0]['size_px']} px, {rows[0]['classes']} classes"
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("name", no_wrap=True)
    for heading in ("parameters", "GFLOP an\nimage", "smallest\npx"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("network and paper", overflow="fold")
    for row in rows:
        parameters = "too small" if row["parameters"] is None else f"{row['parameters']:,}"
        operations = "" if row["flops"] is None else f"{row['flops'] / 1e9:.3g}"
        # Every paper names its year.
        source = f"{row['title']}: {row['paper']}"
        table.add_row(row["name"], parameters, operations, str(row["smallest_size_px"]), source)
    console.print(table)
