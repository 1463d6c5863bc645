"""What every class of settings shares: types and ranges, checked where the values come together."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, cast, get_type_hints

from kamerton.errors import BadValueError, UsageError

SEEDS = "a whole number from 0 to 4294967295"

Item = TypeVar("Item")


@dataclass(frozen=True)
class Settings:
    """The base of the dataclasses that hold settings: a bad type or value is one line (UsageError) that names it.

    Numbers of NumPy count as Python's own, and a list as a tuple.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        for name, adapter in _adapters(type(self)).items():  # type: ignore[arg-type]
            object.__setattr__(self, name, _checked(name, getattr(self, name), adapter))
        self.check()

    def check(self) -> None:
        """Refuse values outside their range (UsageError); the types are right by now."""


@dataclass(frozen=True)
class ToldBy:
    """Marks a union of settings as told apart by a field of theirs, so that an error names that of the one meant."""

    field: str

    def __get_pydantic_core_schema__(self, union: Any, handler: Any) -> Any:
        from pydantic import Field

        return handler(Annotated[union, Field(discriminator=self.field)])


@cache
def _adapters(settings: type[Any]) -> dict[str, Any]:
    """Make what checks each field's type."""
    # Settings are built long after `kamerton --help` has been answered.
    from pydantic import TypeAdapter

    hints = get_type_hints(settings, include_extras=True)
    # Neither infinity nor NaN is a number that anything can be set to: not in JSON, not in a sum.
    finite: Any = {"allow_inf_nan": False}
    return {field.name: TypeAdapter(hints[field.name], config=finite) for field in dataclasses.fields(settings)}


def _checked(name: str, value: Any, adapter: Any) -> Any:
    from pydantic import ValidationError

    plain = _plain(value)
    plain = tuple(map(_plain, plain)) if isinstance(plain, list | tuple) else plain
    try:
        return adapter.validate_python(plain, strict=True)
    except ValidationError as problem:
        allowed = problem.errors(include_url=False)[0]["msg"].removeprefix("Input should be ")
        raise bad_value(name, value, allowed) from problem


def _plain(value: Any) -> Any:
    """Make numbers, texts and arrays of NumPy Python's own."""
    return value.tolist() if hasattr(value, "tolist") else value


def bad_value(setting: str, received: object, allowed: str) -> UsageError:
    """Make the error about a setting whose value is not allowed."""
    return BadValueError(setting, received, allowed)


def is_shown(name: str) -> bool:
    """Whether a name has printable letters alone, and no blanks at its ends."""
    return name.isprintable() and name.strip() == name != ""


def require(holds: bool, setting: str, received: object, allowed: str) -> None:
    """Refuse a setting whose value is outside its range (UsageError)."""
    if not holds:
        raise bad_value(setting, received, allowed)


def as_path(given: object, setting: str) -> Path:
    """Take a text or a path as a path; what is neither is refused (UsageError)."""
    if not isinstance(given, str | os.PathLike):
        raise bad_value(setting, given, "a path, as text or pathlib.Path")
    return Path(given)


def several(given: Item | Iterable[Item], *kinds: type[Any]) -> tuple[Item, ...]:
    """Take one item of these kinds, or what is no list, as several of one; a text is never a list of letters."""
    if isinstance(given, Iterable) and not isinstance(given, (str, *kinds)):
        return tuple(given)
    return (cast(Item, given),)
