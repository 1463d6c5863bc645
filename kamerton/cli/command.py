"""All commands as one, and how it says an error."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import Annotated, NoReturn

import typer

from kamerton.cli import catalogue, data, exchange, explaining, labels, learning, machine, neighbours, results, serving
from kamerton.cli.shared import Commands, QuietFlag, VerboseFlag
from kamerton.cli.terminal import complain, print_error, speaking, terminal
from kamerton.errors import KamertonError, UsageError
from kamerton.version import PACKAGE

USAGE_EXIT_CODE, DATA_EXIT_CODE = 2, 1
CTRL_C_EXIT_CODE = 128 + signal.SIGINT
"""As shells count."""
DEFECT_EXIT_CODE = 70
"""A defect of Kamerton's own, as in sysexits.h."""
CLOSED_PIPE_EXIT_CODE = 141
"""128 and the number of SIGPIPE, as shells count."""

app = Commands(
    help="Sorts galaxies by their shape, and tells which network does it best.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for theme in (machine, data, learning, results, catalogue, explaining, labels, neighbours, serving, exchange):
    app.add_typer(theme.app)
app.add_typer(catalogue.finishing)


def answer(words: list[str]) -> int:
    """Run a command line and give its exit code; every error is one line on stderr, and JSON under ``--json``.

    The codes: 0 done, 1 the data are wrong, 2 the request is wrong, 70 a defect of Kamerton, and 128 with the number of
    a signal: 130 Ctrl-C, 141 a closed pipe.
    """
    with suppress(ValueError):  # Not in the main thread, which alone is told of signals.
        signal.signal(signal.SIGTERM, _end)
    with speaking(words):
        try:
            _require_utf_8(words)
            code = app(words, standalone_mode=False)
            # What still waits to be written may meet a closed pipe.
            print(end="", flush=True)
            # Typer has caught Ctrl-C itself, and says nothing.
            if code == CTRL_C_EXIT_CODE:
                raise KeyboardInterrupt
        except KamertonError as error:
            code = _failed(error, error.exit_code)
        except typer.TyperException as error:
            code = _failed(_wrong_usage(error, words), USAGE_EXIT_CODE)
        except KeyboardInterrupt:
            code = _failed("stopped by Ctrl-C", CTRL_C_EXIT_CODE)
        except BrokenPipeError:
            code = _nobody_reads()
        except SystemExit as end:
            # Typer and Rich leave so where nobody reads what they print.
            if not isinstance(end.__context__, BrokenPipeError):
                raise
            code = _nobody_reads()
        except UnicodeEncodeError as error:
            code = _failed(_unsayable(error), DATA_EXIT_CODE)
        except OSError as error:
            code = _failed(*_of_the_system(error))
        except Exception as error:  # noqa: BLE001  # whatever is unforeseen is said in one line, too
            code = _failed(_defect(error), DEFECT_EXIT_CODE)
    return code if isinstance(code, int) else 0


def _end(number: int, _: object) -> NoReturn:
    """Leave through every block that takes away what is half-written."""
    complain(f"stopped by {signal.Signals(number).name}")
    sys.exit(128 + number)


def _require_utf_8(words: list[str]) -> None:
    """Refuse names that are no UTF-8, which Arrow and safetensors cannot open; `kamerton data` needs neither."""
    strange = [word for word in words if any("\ud800" <= letter <= "\udfff" for letter in word)]
    if strange and data.app.info.name not in words:
        raise UsageError(
            f"The name {strange[0]!a} is no UTF-8 here",
            allowed="names in UTF-8, in a UTF-8 locale",
            next_step="rename it, or set LC_ALL=C.UTF-8",
        )


def _failed(error: KamertonError | str, code: int) -> int:
    try:
        print_error(error, code)
        print(end="", flush=True)
    except BrokenPipeError:
        _nobody_reads()
    return code


def _nobody_reads() -> int:
    """Let nothing be written to a closed pipe when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in filter(None, (sys.__stdout__, sys.__stderr__)):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())
    return CLOSED_PIPE_EXIT_CODE


def _wrong_usage(error: typer.TyperException, words: list[str]) -> KamertonError:
    what = error.format_message().strip() or type(error).__name__
    return KamertonError(what, next_step=f"see `{_command_among(words)} --help`")


def _command_among(words: list[str]) -> str:
    """Name the command that was meant: an error about an option's value does not say to which it belongs."""
    path, command = ["kamerton"], typer.main.get_command(app)
    for word in words:
        known = getattr(command, "commands", {})
        if word in known:
            command = known[word]
            path.append(word)
    return " ".join(path)


def _unsayable(error: UnicodeEncodeError) -> KamertonError:
    return KamertonError(
        "A name cannot be said in the letters of this system",
        received=f"{error.object!a}",
        next_step="use a UTF-8 locale, as LC_ALL=C.UTF-8, and names in UTF-8",
    )


def _of_the_system(error: OSError) -> tuple[KamertonError, int]:
    """Say what the system answers of a file; without one it is a defect."""
    if error.filename is None:
        return _defect(error), DEFECT_EXIT_CODE
    if terminal().verbose:
        traceback.print_exception(error)
    what = f"{os.fsdecode(error.filename)}: cannot be used"
    return KamertonError(
        what, received=error.strerror, next_step="check the name and your permissions"
    ), USAGE_EXIT_CODE


def _defect(error: Exception) -> KamertonError:
    """Say in one line where Kamerton failed; the whole traceback under ``--verbose``."""
    if terminal().verbose:
        traceback.print_exception(error)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(PACKAGE))]
    place = f" at {own[-1].filename.removeprefix(str(PACKAGE.parent) + os.sep)}:{own[-1].lineno}" if own else ""
    return KamertonError(
        f"A defect of Kamerton: {type(error).__name__}{place}",
        received=str(error) or None,
        next_step="report this line, and what -v shows",
    )


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
    quiet: QuietFlag = False,
    verbose: VerboseFlag = False,
) -> None:
    """Sorts galaxies by their shape, and tells which network does it best."""
    terminal().listen(quiet=quiet, verbose=verbose)
    if version:
        from kamerton.version import __version__

        print(f"kamerton {__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())
