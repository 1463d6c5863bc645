"""Write the references, docs/cli.md and docs/api.md, from the code: ``make docs``."""

from __future__ import annotations

import ast
import dataclasses
import functools
import html
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import typer.cli

import kamerton
from kamerton.cli.command import app

NOTE = "<!-- Made by `make docs` from the code; change it there. -->\n\n"
LINE_LENGTH = 100


def cli_reference() -> str:
    """Every command with its arguments, options and defaults, as Typer itself tells of them."""
    command = typer.main.get_command(app)
    text = typer.cli.get_docs_for_click(
        obj=command, ctx=typer.Context(command, info_name="kamerton"), name="kamerton", title="Commands"
    )
    # Typer cuts its lists of commands in the middle of a sentence; the headings name them all.
    lists = re.compile(r"^\*\*Commands\*\*:\n\n(?:\*.*\n)+\n", re.MULTILINE)
    lone_help = re.compile(r"^\* `--help`: .*\n", re.MULTILINE)
    bare = lone_help.sub("", lists.sub("", html.unescape(text)))
    return NOTE + re.sub(r"\*\*Options\*\*:\n\n(?!\*)", "", bare).strip() + "\n"


def api_reference() -> str:
    """Every public name, then the types that their signatures name."""
    public = {name: getattr(kamerton, name) for name in kamerton.__all__ if not name.startswith("__")}
    types = sorted(
        {kind for kind in _types_of(public.values()) if kind.__name__ not in public}, key=lambda kind: kind.__name__
    )
    parts = [
        "# API\n\nThe public names of `kamerton`, in `kamerton.__all__`; `kamerton.__version__` is its version.",
        *(_section(name, value) for name, value in sorted(public.items(), key=lambda item: item[0].lower())),
        "# Types\n\nWhat the functions above take and give.",
        *(_section(f"{kind.__module__}.{kind.__name__}", kind) for kind in types),
    ]
    return NOTE + "\n\n".join(parts) + "\n"


def _types_of(values: Iterable[Any]) -> Iterator[type]:
    """The package's own classes that signatures of functions name."""
    for value in filter(inspect.isfunction, values):
        words = re.findall(r"\w+", " ".join(map(str, value.__annotations__.values())))
        named = (value.__globals__.get(word) for word in words)
        yield from (kind for kind in named if inspect.isclass(kind) and kind.__module__.startswith("kamerton."))


def _section(name: str, value: Any) -> str:
    if inspect.isfunction(value):
        return f"## {name}\n\n{_call(name, value)}\n\n{_text(value)}"
    if inspect.isclass(value):
        return "\n\n".join([f"## {name}", _text(value), *_construction(value), *_fields(value), *_members(value)])
    return f"## {name}\n\n{', '.join(f'`{key}`' for key in value)}."


def _construction(kind: type) -> Iterator[str]:
    """How a class is called, where it says so itself; a dataclass is told by its fields, a protocol is not called."""
    if "__init__" in vars(kind) and not dataclasses.is_dataclass(kind) and not getattr(kind, "_is_protocol", False):
        yield _call(kind.__name__, kind)


def _fields(kind: type) -> Iterator[str]:
    """The fields of a dataclass or record, each with the sentences that stand below it."""
    (tree,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(tree, ast.ClassDef)
    lines = []
    for node, after in itertools.pairwise([*tree.body, None]):
        if isinstance(node, ast.AnnAssign) and not ast.unparse(node.target).startswith("_"):
            told = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            lines.append(f"- `{ast.unparse(node)}` {' '.join(str(told).split())}".rstrip())
    if lines:
        yield "\n".join(lines)


def _members(kind: type) -> Iterator[str]:
    """The public methods and properties of a class."""
    for name, member in vars(kind).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property | functools.cached_property):
            yield f"`.{name}`: {_text(member)}"
        elif inspect.isfunction(member):
            yield f"{_call('.' + name, member)}\n\n{_text(member)}"


class _AsWritten(str):
    """Words that `inspect` shows without quotes around them."""

    __slots__ = ()
    __repr__ = str.__str__


def _call(name: str, function: Callable[..., Any]) -> str:
    """A call as it is written in Python, one parameter a line where it is long."""
    signature = inspect.signature(function)
    shown = signature.replace(
        parameters=[_parameter(one) for one in signature.parameters.values() if one.name != "self"],
        return_annotation=signature.empty if inspect.isclass(function) else _AsWritten(signature.return_annotation),
    )
    return f"```python\n{_folded(name + str(shown), [str(one) for one in shown.parameters.values()])}\n```"


def _folded(line: str, parameters: list[str]) -> str:
    """Give each parameter a line of its own where they do not fit on one."""
    if len(line) > LINE_LENGTH:
        line = line.replace("(", "(\n    ", 1)
        for parameter in parameters:
            line = line.replace(f"{parameter}, ", f"{parameter},\n    ", 1).replace(
                f"{parameter})", f"{parameter},\n)", 1
            )
        line = line.replace("*, ", "*,\n    ", 1)
    return line


def _parameter(parameter: inspect.Parameter) -> inspect.Parameter:
    """A parameter whose annotation, and whose default where it is a class, are shown as they are written."""
    default = parameter.default
    if default is not parameter.empty and hasattr(default, "__name__"):
        default = _AsWritten(default.__name__)
    return parameter.replace(annotation=_AsWritten(parameter.annotation), default=default)


def _text(value: Any) -> str:
    return inspect.getdoc(value) or ""


REFERENCES = {"cli.md": cli_reference, "api.md": api_reference}
"""Each reference and what it is made of."""


def main(folder: Path) -> None:
    """Write both references."""
    for name, made in REFERENCES.items():
        (folder / name).write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
