"""The table of networks for a person or a program: ``kamerton networks``.

Counting takes PyTorch, whose import alone takes longer than a person waits for a table. So the rows for images of the
usual size lie beside this module, as they were counted, with the fingerprint of the code that shapes them; where that
is another, or the size is, they are counted anew. ``python -m kamerton.networks.table`` writes them, and ``make`` calls
it where a source is newer.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kamerton.config.machine import TableSettings
from kamerton.files import json_sha256, read_json, write_json

if TYPE_CHECKING:
    from rich.console import Console

COUNTED = Path(__file__).with_name("counted.json")
SOURCES = Path(__file__).parent
COUNTED_BYTES = 1 << 20

SHAPES_NOTHING = ("table.py", "initialisers.py", "layouts.py", "timm_networks.py")
"""Modules that change no number of the table."""


def network_table(settings: TableSettings | None = None) -> list[dict[str, Any]]:
    """Describe every network for images of one size; one too large for them has no numbers (None).

    FLOPs are those of one image, an addition and a multiplication being two.
    """
    settings = settings or TableSettings()
    if settings == TableSettings() and (rows := _rows_counted_before()) is not None:
        return rows
    return _count(settings)


def _rows_counted_before() -> list[dict[str, Any]] | None:
    try:
        content = read_json(COUNTED, COUNTED_BYTES)
        rows: list[dict[str, Any]] = content["rows"]
        return rows if content["sources"] == sources_sha256() else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def counted_names() -> list[str]:
    """Name the networks at once, as they were counted last; none where they never were."""
    try:
        return [str(row["name"]) for row in read_json(COUNTED, COUNTED_BYTES)["rows"]]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _count(settings: TableSettings) -> list[dict[str, Any]]:
    from kamerton.networks.counting import count_networks

    return count_networks(size=settings.size, classes=settings.classes)


def sources_sha256(folder: Path = SOURCES) -> str:
    """SHA-256 of the code that shapes the networks; comments, docstrings and layout do not count."""
    paths = (path for path in sorted(folder.glob("*.py")) if path.name not in SHAPES_NOTHING)
    return json_sha256({path.name: _plain(ast.parse(path.read_bytes())) for path in paths})


def _plain(node: Any) -> Any:
    """Give a syntax tree as plain values without docstrings; `ast.dump` differs between versions of Python."""
    if isinstance(node, ast.AST):
        fields = {name: _plain(value) for name, value in ast.iter_fields(node) if value is not None and value != []}
        return {"node": type(node).__name__, **fields}
    if isinstance(node, list):
        return [_plain(part) for part in node if not _is_docstring(part)]
    return repr(node)


def _is_docstring(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def write_counted(path: Path = COUNTED) -> None:
    """Count the networks at the usual size and keep the rows."""
    write_json(path, {"sources": sources_sha256(), "rows": _count(TableSettings())})


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


if __name__ == "__main__":
    write_counted()
