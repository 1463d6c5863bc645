"""What all commands share: options of one meaning, and the same result for a program or for a person."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kamerton.cli.terminal import warned
from kamerton.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def console() -> Console:
    """Open the terminal for tables and progress."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def print_result(as_json: bool, content: dict[str, Any], lines: list[str]) -> None:
    """Print the same result, for a program or for a person."""
    if as_json:
        print_json(content)
    else:
        print("\n".join(lines))


def print_json(content: dict[str, Any]) -> None:
    """Print a result for a program, with the warnings of the command, in ASCII, which every reader takes."""
    print(json.dumps({**content, "warnings": warned()}, default=str))


def words(text: str) -> list[str]:
    """Part a list at its commas; a word with a comma in it stands between quotes, as in a CSV file."""
    return [word.strip() for word in next(csv.reader([text], skipinitialspace=True), []) if word.strip()]


def whole_numbers(name: str, text: str) -> list[int]:
    """Part a list of numbers at its commas; UsageError for anything else."""
    found = words(text)
    if not all(word.isdecimal() for word in found):
        raise UsageError(f"Bad value for {name}", received=repr(text), allowed="whole numbers with commas between")
    return [int(word) for word in found]
