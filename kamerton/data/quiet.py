"""What Pillow and Astropy warn of while files are read: turned into errors or passed over, in any number of threads."""

from __future__ import annotations

import threading
import warnings
from types import TracebackType

from astropy.utils.exceptions import AstropyWarning

LIBRARIES = r"(PIL|astropy|erfa)\b"

TRUNCATED = "(?s).*(truncated|smaller than the expected|file is corrupted)"
"""What Astropy only warns of where a FITS file is damaged."""


class _QuietLibraries:
    """A context in which warnings of libraries are not shown, and Astropy's of a damaged file are errors.

    Filters of warnings are those of the whole process, and whoever puts them back puts back what he has found. So the
    first of several threads sets them, and the last one puts them back; warnings of others are shown all the while.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._before = warnings.catch_warnings()
                self._before.__enter__()
                warnings.filterwarnings("ignore", module=LIBRARIES)
                warnings.simplefilter("ignore", AstropyWarning)
                warnings.filterwarnings("error", TRUNCATED, AstropyWarning)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._before.__exit__(kind, error, trace)


quiet_libraries = _QuietLibraries()
