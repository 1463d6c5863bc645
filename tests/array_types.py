"""Checks the arrays that Kamerton's functions take and give against their annotations, while the tests run.

jaxtyping's import hook decorates every function and dataclass of a package; what it decorates them with is
`beartype_arrays`. Only arrays are checked: the rest is mypy's business, and tests pass wrong words on purpose.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

import jaxtyping
from beartype import beartype
from jaxtyping import AbstractArray, AbstractDtype, install_import_hook

_NAME = re.compile(r"[A-Za-z_]\w*")


def check_arrays_of(package: str) -> None:
    """Check type and shape of every array that crosses a function of the package; call it before the first import."""
    jaxtyped = jaxtyping.jaxtyped

    def jaxtyped_where_arrays(*, typechecker: Any) -> Callable[[Any], Any]:
        return lambda decorated: jaxtyped(decorated, typechecker=typechecker) if _hints_array(decorated) else decorated

    # The hook would wrap all functions: five seconds more for each process of the tests, and every call takes longer.
    jaxtyping.jaxtyped = jaxtyped_where_arrays  # type: ignore[assignment]
    install_import_hook(package, f"{__name__}.{beartype_arrays.__name__}")


def beartype_arrays(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function with beartype as far as its annotations name arrays."""
    hints = function.__annotations__
    function.__annotations__ = {name: hint if _names_array(hint) else Any for name, hint in hints.items()}
    return beartype(function)


def _hints_array(decorated: Any) -> bool:
    """Tell whether what the hook decorates, a function or a dataclass, takes or gives an array."""
    return any(
        _names_array(named) or (inspect.isclass(named) and issubclass(named, AbstractDtype))
        for function in _functions_of(decorated)
        for hint in function.__annotations__.values()
        for named in [function.__globals__.get(name) for name in _NAME.findall(str(hint))]
    )


def _functions_of(decorated: Any) -> Iterator[Any]:
    """Name the functions behind what is decorated; annotations are texts yet, and mean what the module's names mean."""
    if inspect.isclass(decorated):
        decorated = decorated.__init__ if dataclasses.is_dataclass(decorated) else None
    elif isinstance(decorated, property):
        yield from (accessor for accessor in (decorated.fset, decorated.fdel) if accessor)
        decorated = decorated.fget
    decorated = getattr(decorated, "__func__", decorated)
    if inspect.isfunction(decorated):
        yield decorated


def _names_array(hint: Any) -> bool:
    """Tell whether a hint is an array's, or has one inside, as ``Mapping[str, Labels]`` has."""
    return (inspect.isclass(hint) and issubclass(hint, AbstractArray)) or any(map(_names_array, get_args(hint)))
