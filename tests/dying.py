"""A process that is killed, as it were, at any of its operations on a folder, without a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class KilledError(BaseException):
    """The process dies here; nothing that handles errors may notice."""


class Death:
    """Comes at an operation on a folder: from then on the process does nothing more there, not even cleaning up."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.left = 0
        sys.addaudithook(self._note)

    @contextmanager
    def after(self, operations: int, folder: Path) -> Iterator[None]:
        """Die after so many operations on a folder and all in it, while the block runs."""
        self.folder, self.left = str(folder), operations
        try:
            yield
        finally:
            self.folder = None

    @property
    def came(self) -> bool:
        """Tell whether it came in the last block."""
        return self.left < 0

    def _note(self, event: str, words: tuple[Any, ...]) -> None:
        if self.folder is not None and event.startswith(("open", "os.")) and self._is_inside(words):
            self.left -= 1
            if self.left < 0:
                raise KilledError

    def _is_inside(self, words: tuple[Any, ...]) -> bool:
        places = (os.fspath(word) for word in words if isinstance(word, str | os.PathLike))
        return any(str(place).startswith(str(self.folder)) for place in places)


DEATH = Death()
"""A hook of Python's cannot be taken off again."""
