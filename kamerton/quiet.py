"""Warnings of libraries passed over, or turned into errors, in any number of threads."""

from __future__ import annotations

import itertools
import re
import threading
import warnings
from types import TracebackType
from typing import Literal, NamedTuple

_NUMBERS = itertools.count()
"""Of contexts; a comment in each pattern has it, so that equal filters of a user or of another context are others."""


class Filter(NamedTuple):
    """One filter: what to do with warnings of a category, whose text and module match, for `warnings`."""

    action: Literal["ignore", "error"]
    category: type[Warning]
    message: str = ""
    module: str = ""


class Quiet:
    """A context in which warnings are filtered while any thread is inside; of its filters the last one counts first.

    Filters belong to the whole process. `warnings.catch_warnings` puts back the list that it has found, so that of
    two threads the one takes away what the other still needs, or leaves behind what nobody wants. This one adds its
    filters each time that a thread comes in, whatever has become of the list, and takes out no others than its own.
    """

    def __init__(self, *filters: Filter) -> None:
        own = f"(?#kamerton {next(_NUMBERS)})"
        self._filters = [one._replace(message=one.message + own) for one in filters]
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            for one in self._filters:
                warnings.filterwarnings(one.action, one.message, one.category, one.module)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                own = {_as_kept(one) for one in self._filters}
                warnings.filters[:] = [kept for kept in warnings.filters if kept not in own]  # type: ignore[index]


def _as_kept(one: Filter) -> tuple[object, ...]:
    """Give a filter as `warnings.filterwarnings` keeps it in `warnings.filters`."""
    message = re.compile(one.message, re.IGNORECASE)
    return one.action, message, one.category, re.compile(one.module) if one.module else None, 0
