"""What all commands share: options of one meaning, and the same result for a program or for a person."""

from __future__ import annotations

import csv
import functools
import inspect
import time
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Annotated, Any, get_args

import typer
from typer.core import TyperGroup
from typer.models import ArgumentInfo, OptionInfo

from kamerton.cli.terminal import LOG, print_json, terminal
from kamerton.errors import BadValueError, UsageError
from kamerton.machine.memory import peak_memory_bytes

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
OverwriteFlag = Annotated[
    bool, typer.Option("--overwrite", help="Replace what Kamerton itself wrote there before, and nothing else.")
]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
VerboseFlag = Annotated[bool, typer.Option("--verbose", "-v", help="Also show what is read and settled, and times.")]

Command = Callable[..., None]

MORE_LETTERS = 1000
"""Than a sentence of help has."""


class WholeSentences(TyperGroup):
    """A list of commands with the whole sentence of each, which Typer would cut at the end of the line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        told = [
            (name, command.get_short_help_str(MORE_LETTERS))
            for name, command in commands
            if command and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(told)


class Commands(typer.Typer):
    """Commands of a theme; each also takes --quiet and --verbose."""

    def __init__(self, **more: Any) -> None:
        # Rich's boxes cut long options at 80 columns; plain help gives them a line of their own.
        super().__init__(cls=WholeSentences, rich_markup_mode=None, **more)

    def command(self, name: str | None = None, **more: Any) -> Callable[[Command], Command]:  # type: ignore[override]
        """Take a function as a command."""
        register = super().command(name, **more)
        return lambda function: register(_heard(function))


def _heard(function: Command) -> Command:
    """Let a command take --quiet and --verbose, and say what it was given and how long it took."""

    @functools.wraps(function)
    def run(*, quiet: bool, verbose: bool, **given: Any) -> None:
        terminal().listen(quiet=quiet, verbose=verbose)
        LOG.info("given: %s", ", ".join(f"{names[name]} {_shown(value)}" for name, value in given.items()))
        start = time.monotonic()
        try:
            function(**given)
        except BadValueError as error:
            raise _by_option(error, names) from error
        finally:
            LOG.info("%.1f s, %.0f MB of memory at most", time.monotonic() - start, peak_memory_bytes() / 1e6)

    signature = inspect.signature(function, eval_str=True)
    names = {name: _typed(parameter) for name, parameter in signature.parameters.items()}
    flags = {"quiet": QuietFlag, "verbose": VerboseFlag}
    added = [Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=False) for name, kind in flags.items()]
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *added])  # type: ignore[attr-defined]
    return run


def _by_option(error: BadValueError, names: Mapping[str, str]) -> UsageError:
    """Name a bad setting by the option that it was given with, where there is one."""
    setting = error.setting.replace(" ", "_")
    option = next((typed for name, typed in names.items() if setting in {name, name.removesuffix("_arcsec")}), None)
    if option is None:
        return error
    return UsageError(
        f"Bad value for {option}", received=error.received, allowed=error.allowed, next_step=f"change {option}"
    )


def _typed(parameter: Parameter) -> str:
    """Give the word that a user knows a parameter by: its option, or the name of its place in the command's help."""
    for about in get_args(parameter.annotation)[1:]:
        if isinstance(about, ArgumentInfo):
            return (about.metavar or parameter.name.upper()).removesuffix("...")
        if isinstance(about, OptionInfo):
            # Beside an annotation Typer takes the first word as it would a default.
            typed = (str(about.default), *(about.param_decls or ()))
            return next((word.partition("/")[0] for word in typed if word.startswith("--")), _as_option(parameter.name))
    return _as_option(parameter.name)


def _as_option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _shown(value: Any) -> str:
    """Write a value as it would be typed."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "not given"}[value]
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def print_result(as_json: bool, content: dict[str, Any], lines: list[str]) -> None:
    """Print the same result, for a program or for a person."""
    if as_json:
        print_json(content)
    else:
        print("\n".join(lines))


def words(text: str) -> list[str]:
    """Part a list at its commas; a word with a comma in it stands between quotes, as in a CSV file."""
    return [word.strip() for word in next(csv.reader([text], skipinitialspace=True), []) if word.strip()]


def whole_numbers(name: str, text: str) -> list[int]:
    """Part a list of numbers at its commas; UsageError for anything else."""
    found = words(text)
    if not all(word.isdecimal() for word in found):
        raise UsageError(
            f"Bad value for {_as_option(name)}", received=repr(text), allowed="whole numbers with commas between"
        )
    return [int(word) for word in found]
