"""Reading a dataclass from a table of a TOML or JSON file, with every name and type checked."""

from __future__ import annotations

from collections.abc import Mapping
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
        first = problem.errors(include_url=False)[0]
        refusal = first.get("ctx", {}).get("error")
        if isinstance(refusal, KamertonError):
            raise error(f"{where}: {refusal}") from problem
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        shown = repr(first["input"])
        raise error(
            f"{where}: {place}: {first['msg'].lower()}",
            received=shown if len(shown) <= 80 else shown[:77] + "...",
            next_step=next_step,
        ) from problem


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Build the reader of a dataclass once: that takes thirty times as long as to read one."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
