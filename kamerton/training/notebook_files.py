"""The two files that the notebook writes, where it writes them: ``--notebook-paths``."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from kamerton.config.recipe import Recipe
from kamerton.errors import warn
from kamerton.files import cannot_write, require_new, whole_file
from kamerton.networks.registry import find_network
from kamerton.runs.folder import Run
from kamerton.runs.history import NOTEBOOK_COLUMNS

NOTEBOOK_MODELS = Path("Models")
NOTEBOOK_HISTORIES = Path("ResultLearning")


NOTEBOOK_RECIPE = "notebook"


def warn_of_another_recipe(recipe: Recipe) -> None:
    """Warn where the notebook's files will come of another recipe than the notebook's own."""
    if recipe.name != NOTEBOOK_RECIPE:
        warn(
            "The notebook's files will hold a network that was trained otherwise than the notebook's",
            received=f"the recipe {recipe.name}",
            next_step=f"take the recipe {NOTEBOOK_RECIPE} where it is to be as the notebook has it",
        )


def notebook_copies(network: str) -> dict[str, Path]:
    """Name the notebook's two files, which must not exist yet: no result is ever overwritten."""
    stem = f"{find_network(network).title.replace('-', '')}_full"
    copies = {"model": NOTEBOOK_MODELS / f"{stem}.keras", "history": NOTEBOOK_HISTORIES / f"{stem}.csv"}
    for path in copies.values():
        require_new(path)
    return copies


def make_parents(copies: Mapping[str, Path]) -> None:
    """Make the notebook's folders before the long work, so that a place without permission is known at once."""
    for path in copies.values():
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise cannot_write(path.parent, error) from error


def write_notebook_copies(run: Run, copies: Mapping[str, Path]) -> None:
    """Write the history's four columns and the model's Keras twin, where there is one."""
    if not copies:
        return
    with whole_file(copies["history"]) as partial:
        run.history()[list(NOTEBOOK_COLUMNS)].to_csv(partial)
    if run.keras_path.exists():
        with whole_file(copies["model"]) as partial:
            shutil.copyfile(run.keras_path, partial)
