"""The ``kamerton`` command: each command builds settings, calls one public function and says where the result is.

Nothing heavy is imported before a command needs it, so that ``kamerton --help`` answers at once.
"""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Answer the command line of this process, and exit."""
    try:
        # Here, so that Ctrl-C is answered while it is imported, too.
        from kamerton.cli.command import answer

        code = answer(sys.argv[1:])
    except KeyboardInterrupt:
        print("kamerton: stopped by Ctrl-C", file=sys.stderr)
        code = 128 + signal.SIGINT
    sys.exit(code)
