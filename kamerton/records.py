"""Reading a dataclass from a table of a TOML or JSON file, with every name and type checked."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from kamerton.errors import KamertonError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Record = TypeVar("Record")


def read_record(
    kind: type[Record],
    table: Mapping[str, Any],
    where: str,
    error: type[KamertonError],
    next_step: str = "correct that field; a file of another version of Kamerton must be made again",
) -> Record:
    """Build ``kind`` from ``table``; ``error`` names ``where``, the first wrong field and what stood there."""
    from pydantic import ValidationError

    try:
        return cast(Record, _adapter(cast(Any, kind)).validate_python(table))
    except ValidationError as problem:
        errors = problem.errors(include_url=False)
        # A name that is written wrong is also missing: the wrong one is what a reader looks for.
        first = next((one for one in errors if one["type"] == UNKNOWN), errors[0])
        refusal = first.get("ctx", {}).get("error")
        if isinstance(refusal, KamertonError):
            raise error(f"{where}: {refusal}") from problem
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        shown = repr(first["input"])
        meant = _meant(first["loc"], errors, kind) if first["type"] == UNKNOWN else None
        raise error(
            f"{where}: {place}: {'no such field' if first['type'] == UNKNOWN else first['msg'].lower()}",
            received=shown if len(shown) <= 80 else shown[:77] + "...",
            next_step=next_step if meant is None else f"did you mean {meant!r}?",
        ) from problem


UNKNOWN = "unexpected_keyword_argument"
"""What Pydantic calls a name that a dataclass has not."""


def _meant(unknown: tuple[Any, ...], errors: Sequence[Any], kind: type[Any]) -> str | None:
    """Guess which field an unknown name stands for: one that is missing beside it, or any of the whole record."""
    *place, name = unknown
    beside = [str(one["loc"][-1]) for one in errors if one["type"] == "missing" and [*one["loc"][:-1]] == place]
    own = [] if place else [field.name for field in dataclasses.fields(kind)]
    close = difflib.get_close_matches(str(name), [*beside, *own], n=1)
    return close[0] if close else None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Build the reader of a dataclass once: that takes thirty times as long as to read one."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
