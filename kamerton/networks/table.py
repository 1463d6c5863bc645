"""The table of networks: ``kamerton networks``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from kamerton.networks import NETWORKS, build_network, count_parameters

if TYPE_CHECKING:
    from rich.console import Console


def network_table(*, size: int, channels: int = 3, classes: int = 10) -> list[dict[str, Any]]:
    """Describe every network for images of ``size`` pixels; one too large for them has no parameters (None)."""
    rows = []
    for name, entry in NETWORKS.items():
        parameters = None
        if size >= entry.smallest_size:
            with torch.device("meta"):
                parameters = sum(count_parameters(build_network(name, size=size, channels=channels, classes=classes)))
        rows.append(
            {
                "name": name,
                "title": entry.title,
                "parameters": parameters,
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
    from rich.table import Table

    table = Table(title=f"Networks at {rows[0]['size_px']} px, {rows[0]['classes']} classes")
    for heading in ("name", "network", "year", "paper"):
        table.add_column(heading)
    table.add_column("parameters", justify="right")
    table.add_column("smallest, px", justify="right")
    for row in rows:
        parameters = "too small" if row["parameters"] is None else f"{row['parameters']:,}"
        table.add_row(
            row["name"], row["title"], str(row["year"]), row["paper"], parameters, str(row["smallest_size_px"])
        )
    console.print(table)
