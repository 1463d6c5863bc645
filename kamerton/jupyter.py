"""How a result looks in a Jupyter notebook: a heading, tables and lines, in which every text is escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

PICTURE_BYTES = 2 << 20
"""A larger picture is not put into a notebook, which would keep it for good."""

WARNING_STYLE = "color:#b3261e;font-weight:600;margin:.2em 0"


def block(heading: str, *parts: str) -> str:
    """Put parts that are HTML already under a heading that is text."""
    return f"<div><p><b>{escape(heading)}</b></p>{''.join(parts)}</div>"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out texts, one row each; without names of columns there is no head."""
    head = "".join(f'<th style="text-align:left">{escape(name)}</th>' for name in columns)
    body = "".join(
        f"<tr>{''.join(f'<td style=text-align:left>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if columns else ''}<tbody>{body}</tbody></table>"


def _cell(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def warnings(texts: Iterable[str]) -> str:
    """Say what must be known first."""
    return "".join(f'<p style="{WARNING_STYLE}">{escape(text)}</p>' for text in texts)


def items(texts: Iterable[str]) -> str:
    """List sentences."""
    found = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>{found}</ul>" if found else ""


def picture(path: Path, words: str) -> str:
    """Show a PNG file as it is now; nothing where there is none."""
    try:
        content = path.read_bytes() if path.is_file() and path.stat().st_size <= PICTURE_BYTES else b""
    except OSError:
        content = b""
    if not content:
        return ""
    data = base64.b64encode(content).decode()
    return f'<img alt="{escape(words)}" style="max-width:40em" src="data:image/png;base64,{data}">'
