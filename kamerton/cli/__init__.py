"""The ``kamerton`` command: each command builds settings, calls one public function and says where the result is.

Nothing heavy is imported before a command needs it, so that ``kamerton --help`` answers at once.
"""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from typing import Annotated, NoReturn

import typer

from kamerton.cli import data, exchange, learning, machine, results
from kamerton.cli.terminal import complain, print_any_letter, warnings_as_lines
from kamerton.errors import KamertonError

app = typer.Typer(
    help="Sorts galaxies by their shape, and tells which network does it best.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for theme in (machine, data, learning, results, exchange):
    app.add_typer(theme.app)

CTRL_C_EXIT_CODE = 130
"""128 and the number of the signal, as shells count."""


def main() -> None:
    """Run the command line; every foreseen error is one line on stderr and an exit code: 2 usage, 1 data."""
    print_any_letter()
    with suppress(ValueError):  # Not in the main thread, which alone is told of signals.
        signal.signal(signal.SIGTERM, _end)
    try:
        with warnings_as_lines():
            code = app(standalone_mode=False)
        # Typer has caught Ctrl-C itself, and says nothing.
        if code == CTRL_C_EXIT_CODE:
            complain("stopped by Ctrl-C")
    except KamertonError as error:
        complain(str(error))
        code = error.exit_code
    except typer.TyperException as error:
        message = error.format_message().strip() or type(error).__name__
        end = "" if message.endswith((".", "?")) else "."
        complain(f"{message}{end} Next: see `{_command_of(error)} --help`.")
        code = 2
    except UnicodeEncodeError as error:
        complain(
            f"A name cannot be said in the letters of this system. Received: {error.object!a}. "
            "Next: use a UTF-8 locale, as LC_ALL=C.UTF-8, and names in UTF-8."
        )
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _end(number: int, _: object) -> NoReturn:
    """Leave through every block that takes away what is half-written."""
    complain(f"stopped by {signal.Signals(number).name}")
    sys.exit(128 + number)


def _command_of(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context is not None else "kamerton"


@app.callback(invoke_without_command=True)
def version_option(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    """Sorts galaxies by their shape, and tells which network does it best."""
    if version:
        from kamerton.version import __version__

        print(f"kamerton {__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())
