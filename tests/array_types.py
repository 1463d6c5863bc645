"""Checks the arrays that Kamerton's functions take and give against their annotations, while the tests run.

jaxtyping's import hook decorates every function and dataclass of a package; what it decorates them with is
`beartype_arrays`. Only arrays are checked: the rest is mypy's business, and tests pass wrong words on purpose.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray, install_import_hook


def check_arrays_of(package: str) -> None:
    """Check type and shape of every array that crosses a function of the package; call it before the first import."""
    install_import_hook(package, f"{__name__}.{beartype_arrays.__name__}")


def beartype_arrays(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function with beartype as far as its annotations name arrays."""
    hints = function.__annotations__
    function.__annotations__ = {name: hint if _names_array(hint) else Any for name, hint in hints.items()}
    return beartype(function)


def _names_array(hint: Any) -> bool:
    """Tell whether a hint is an array's, or has one inside, as ``Mapping[str, Labels]`` has."""
    return (inspect.isclass(hint) and issubclass(hint, AbstractArray)) or any(map(_names_array, get_args(hint)))
