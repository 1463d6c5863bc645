"""Recipes: TOML files that say how a network is trained."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kamerton.config.recipe import Recipe
from kamerton.errors import UnknownNameError, UsageError
from kamerton.files import read_text
from kamerton.records import read_record
from kamerton.version import PACKAGE

RECIPE_BYTES = 1 << 20
"""A longer file is no recipe: `modern` has about 1 KiB."""

FORMER_HEADINGS = {"adam": "optimizer", "adamw": "optimizer", "plateau": "schedule", "cosine": "schedule"}


def recipe_folder() -> Path:
    """Find the recipes: inside an installed package, or beside the package in a checkout."""
    inside = PACKAGE / "recipes"
    return inside if inside.is_dir() else PACKAGE.parent / "recipes"


def recipe_names() -> list[str]:
    """List the recipes that come with Kamerton."""
    return sorted(path.stem for path in recipe_folder().glob("*.toml"))


PROBE_EPOCHS = 7
"""Strengths of the penalty that a linear probe tries: two to a power of ten."""


def load_recipe(
    name: str | Recipe, *, epochs: int | None = None, batch_size: int | None = None, freeze: bool = False
) -> Recipe:
    """Read a recipe by name, or from a path that ends in ``.toml``, with its epochs or batch size replaced where given.

    With ``freeze`` it becomes that of a linear probe, whose epochs are strengths of its penalty.

    One that is read already is taken as it is. Raises UnknownNameError, and UsageError naming the field for a recipe
    that is not sound.
    """
    recipe = name if isinstance(name, Recipe) else _read_recipe(name)
    if freeze and not recipe.frozen:
        recipe = dataclasses.replace(
            recipe, frozen=True, epochs=PROBE_EPOCHS, head_epochs=0, first_layer_rate=None, average_decay=None
        )
    return dataclasses.replace(
        recipe,
        epochs=recipe.epochs if epochs is None else epochs,
        batch_size=recipe.batch_size if batch_size is None else batch_size,
    )


def _read_recipe(name: str) -> Recipe:
    own = name.endswith(".toml")
    if not own and name not in recipe_names():
        raise UnknownNameError("recipe", name, recipe_names())
    path = Path(name) if own else recipe_folder() / f"{name}.toml"
    try:
        table = tomllib.loads(read_text(path, RECIPE_BYTES))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read as a recipe",
            received=error.strerror,
            next_step=f"name a file that is there, or one of {', '.join(recipe_names())}",
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: cannot be read as a recipe", received=error, next_step="correct the file") from error
    _require_present_form(table, path)
    return read_record(Recipe, table, str(path), UsageError)


def _require_present_form(table: Mapping[str, Any], path: Path) -> None:
    """Refuse a recipe whose optimizer or schedule is named by the table's heading, as in early versions."""
    for name, heading in FORMER_HEADINGS.items():
        if name in table:
            raise UsageError(
                f"{path}: [{name}] is written otherwise now",
                allowed=f'[{heading}] and below it name = "{name}"',
                next_step="change that heading",
            )
