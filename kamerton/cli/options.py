"""A command's options, made of its settings: the fields of a dataclass in config/, with its docstrings as help."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, reduce
from inspect import Parameter
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from kamerton.checks import Settings
from kamerton.cli import completion
from kamerton.cli.shared import whole_numbers, words

Command = TypeVar("Command", bound=Callable[..., None])

UNITS = ("arcsec",)
"""A field whose name ends in one shows it as the value's placeholder, and not in the option's name."""


class WithTuples(TyperCommand):
    """A command that takes the values of one option with commas between, as well as one after another."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Part ``A,B,C`` after an option of three values into three."""
        several = {word: option.nargs for option in self.params for word in option.opts if option.nargs > 1}
        parted: list[str] = []
        for arg in args:
            word, is_joined, values = arg.partition("=") if arg.startswith("--") else ("", "", "")
            if is_joined and word in several:
                parted += [word, *values.split(",")]
            elif parted and parted[-1] in several and "," in arg:
                parted += arg.split(",")
            else:
                parted.append(arg)
        return super().parse_args(ctx, parted)


def with_options(settings: type[Settings]) -> Callable[[Command], Command]:
    """Give a command one option for each field of its settings, in the place of its ``**settings``."""

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
        # In the help they follow the arguments.
        place = sum(p.kind is not Parameter.KEYWORD_ONLY for p in own)
        own[place:place] = list(_options(settings))
        command.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]
        return command

    return decorate


def _options(settings: type[Settings]) -> Iterator[Parameter]:
    hints = get_type_hints(settings)
    for field in dataclasses.fields(settings):
        default = Parameter.empty if field.default is dataclasses.MISSING else field.default
        option = _Option(field.name, hints[field.name], default, _help(settings, field.name))
        yield option.parameter()


@dataclass(frozen=True)
class _Option:
    """One field on the command line."""

    name: str
    hint: Any
    default: Any
    help: str

    @property
    def kinds(self) -> list[Any]:
        """The types that can be typed in; a recipe that is built already cannot."""
        parts = get_args(self.hint) if get_origin(self.hint) in {Union, UnionType} else (self.hint,)
        return [part for part in parts if part is not NoneType and not dataclasses.is_dataclass(part)]

    @property
    def is_list(self) -> bool:
        return any(get_args(kind)[1:] == (...,) for kind in self.kinds)

    @property
    def is_on_by_default(self) -> bool:
        """Whether it is a number that None switches off; on a command line 0 does."""
        return NoneType in get_args(self.hint) and self.default is not None and float in self.kinds

    @property
    def is_number_or_word(self) -> bool:
        """Whether it is a whole number, or a word in its place."""
        return int in self.kinds and any(get_origin(kind) is Literal for kind in self.kinds)

    def parameter(self) -> Parameter:
        """Say it in Typer's words."""
        if self.is_list:
            return self._listed()
        if self.is_number_or_word:
            return self._number_or_word()
        kind = reduce(or_, self.kinds if self.default is not None else [*self.kinds, None])
        if self.is_on_by_default:
            return self._typer(float, self.default, f"{self.help} 0 is off.", callback=lambda value: value or None)
        return self._typer(kind, self.default, self.help)

    def _listed(self) -> Parameter:
        """Take a list as one word with commas."""
        numbers = get_args(self.kinds[0])[0] is int
        parted = (lambda text: whole_numbers(self.name, text)) if numbers else words
        plain = self.default is Parameter.empty or self.default is None
        default = self.default if plain else ",".join(map(str, self.default))
        kind = str | None if self.default is None else str
        return self._typer(
            kind, default, self.help, metavar="A,B,...", callback=lambda text: text if text is None else parted(text)
        )

    def _number_or_word(self) -> Parameter:
        """Take digits as a number; what other words there are, the settings know."""
        return self._typer(
            str,
            str(self.default),
            self.help,
            metavar="N|" + "|".join(word for kind in self.kinds for word in get_args(kind)),
            callback=lambda text: int(text) if text.isdecimal() else text,
        )

    def _typer(self, kind: Any, default: Any, text: str, **more: Any) -> Parameter:
        name, _, unit = self.name.rpartition("_")
        if unit in UNITS:
            more["metavar"] = unit.upper()
        else:
            name = self.name
        word = f"--{name.replace('_', '-')}"
        if bool in self.kinds and self.default is None:
            word += word.replace("--", "/--no-", 1)
        option = typer.Option(word, help=text, autocompletion=completion.OF_SETTINGS.get(self.name), **more)
        return Parameter(self.name, Parameter.KEYWORD_ONLY, annotation=Annotated[kind, option], default=default)


def _help(settings: type[Settings], name: str) -> str:
    """Give the docstring of a field, wherever in the settings' family it stands."""
    family = (kind for kind in settings.__mro__ if kind is not object)
    return next(texts[name] for kind in family if name in (texts := docstrings(kind)))


def docstrings(settings: type[object]) -> dict[str, str]:
    """Give the docstrings of a class's own fields, out of its source: Python itself keeps none of them."""
    return _docstrings_by_class(settings.__module__).get(settings.__name__, {})


@cache
def _docstrings_by_class(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: dict(_field_docstrings(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _field_docstrings(kind: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in zip(kind.body, kind.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            yield ast.unparse(field.target), str(text.value.value)
