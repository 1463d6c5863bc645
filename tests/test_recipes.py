"""A recipe file says all of it, and a wrong one is answered with its field."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from kamerton.config.recipe import AdamSettings, PlateauSettings, Recipe
from kamerton.errors import UnknownNameError, UsageError
from kamerton.recipes import load_recipe, recipe_folder, recipe_names

NOTEBOOK_TEXT = (recipe_folder() / "notebook.toml").read_text(encoding="utf-8")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Where a recipe of one's own lies."""
    return tmp_path / "own.toml"


def test_the_notebooks_recipe_is_the_notebook_to_the_last_digit() -> None:
    """The numbers of the notebook's model.compile, model.fit and ReduceLROnPlateau, and Keras's own defaults."""
    assert load_recipe("notebook") == Recipe(
        name="notebook",
        epochs=10,
        batch_size=32,
        optimizer=AdamSettings(learning_rate=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-7),
        schedule=PlateauSettings(
            monitor="accuracy", factor=0.001, patience=1, min_delta=0.01, mode="auto", cooldown=0, min_lr=0.0
        ),
        weights_chosen_by="last epoch",
        label_smoothing=0.0,
        dropout=0.0,
    )


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_that_comes_with_kamerton_is_sound_and_named_as_its_file(name: str) -> None:
    assert load_recipe(name).name == name


def test_epochs_and_batch_size_given_take_the_place_of_the_recipes() -> None:
    recipe = load_recipe("notebook", epochs=3, batch_size=7)
    assert (recipe.epochs, recipe.batch_size) == (3, 7)
    assert recipe.optimizer == load_recipe("notebook").optimizer


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"epochs": 0}, "Bad value for epochs.*Received: 0"),
        ({"epochs": -1}, "Bad value for epochs"),
        ({"batch_size": 0}, "Bad value for batch size.*Received: 0"),
    ],
)
def test_a_bad_number_given_is_refused_and_not_taken_for_none(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load_recipe("notebook", **given)


@pytest.mark.parametrize("name", ["notebok", "", "../recipes/notebook", "notebook.tom"])
def test_an_unknown_recipe_is_answered_with_the_known(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown recipe .*Allowed: .*notebook"):
        load_recipe(name)


def test_a_probe_has_no_settings_of_layers_that_do_not_learn() -> None:
    recipe = load_recipe("finetune", freeze=True)
    assert recipe.frozen
    assert (recipe.head_epochs, recipe.first_layer_rate, recipe.average_decay) == (0, None, None)
    assert recipe.weights_chosen_by == "best val_loss"
    assert load_recipe(recipe, freeze=True, epochs=4).epochs == 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("head_epochs", value) for value in (-1, 16)),
        *(("first_layer_rate", value) for value in (0.0, 1.5)),
        *(("average_decay", value) for value in (0.0, 1.0)),
        *(("logit_adjustment", value) for value in (-0.5, 2.5)),
    ],
)
def test_settings_of_finetuning_outside_their_range_are_refused(field: str, value: Any) -> None:
    given: dict[str, Any] = {field: value}
    with pytest.raises(UsageError, match=f"Bad value for {field}"):
        dataclasses.replace(load_recipe("finetune"), **given)


def test_a_slip_of_the_pen_is_answered_with_what_was_meant() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'notebook'"):
        load_recipe("notebok")


def test_a_path_names_a_recipe_of_ones_own(own: Path) -> None:
    own.write_text(NOTEBOOK_TEXT.replace("epochs = 10", "epochs = 4").replace('"notebook"', '"own"'), encoding="utf-8")
    recipe = load_recipe(str(own))
    assert (recipe.name, recipe.epochs) == ("own", 4)


def test_a_path_may_lead_to_kamertons_own_recipe() -> None:
    assert load_recipe(str(recipe_folder() / "notebook.toml")) == load_recipe("notebook")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("epochs = 10", "epochs = 'ten'", r"own\.toml: epochs: .*Received: 'ten'"),
        ("epochs = 10", "epochs = 1.5", r"own\.toml: epochs: "),
        ("epochs = 10", "epochs = 0", "Bad value for epochs"),
        ("epochs = 10", "", r"own\.toml: epochs: field required"),
        ("epochs = 10", "epochs = 10\nepoch = 3", r"own\.toml: epoch: "),
        ("beta_1 = 0.9", "beta_1 = 'high'", r"own\.toml: optimizer\.adam\.beta_1: "),
        ("beta_1 = 0.9", "beta_1 = 1.0", "Bad value for beta_1"),
        ("epsilon = 1e-7", "", r"own\.toml: optimizer\.adam\.epsilon: field required"),
        (
            'monitor = "accuracy"',
            'monitor = "acc"',
            r"own\.toml: schedule\.plateau\.monitor: .*'val_accuracy'.*Received: 'acc'",
        ),
        ("factor = 0.001", "factor = 10", "Bad value for factor"),
        ('weights_chosen_by = "last epoch"', 'weights_chosen_by = "test"', r"own\.toml: weights_chosen_by: "),
        ("[schedule]", "[shedule]", r"own\.toml: shedule: no such field.*did you mean 'schedule'\?"),
        ("dropout = 0.0", "dropuot = 0.2", r"own\.toml: dropuot: no such field.*Received: 0\.2.*mean 'dropout'\?"),
        ("beta_1 = 0.9", "beta1 = 0.9", r"own\.toml: optimizer\.adam\.beta1: no such field.*mean 'beta_1'\?"),
        ("epochs = 10", "epochs = 10\nhead_epoch = 3", r"head_epoch: no such field.*mean 'head_epochs'\?"),
        ('name = "adam"', 'name = "sgd"', r"own\.toml: optimizer: .*'adam', 'adamw'"),
        ('name = "adam"', "", r"own\.toml: optimizer: .*'name'"),
        ("[optimizer]\n", "[adam]\n", r'own\.toml: \[adam\] is written otherwise now.*\[optimizer\].*name = "adam"'),
        ("label_smoothing = 0.0", "label_smoothing = 1.0", "Bad value for label_smoothing"),
    ],
)
def test_a_wrong_field_is_named_with_what_stood_there(own: Path, old: str, new: str, says: str) -> None:
    assert NOTEBOOK_TEXT.count(old) == 1
    own.write_text(NOTEBOOK_TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError, match=says) as caught:
        load_recipe(str(own))
    assert "own.toml" in str(caught.value)


def test_a_recipe_that_is_not_there_is_answered_with_those_that_are(own: Path) -> None:
    with pytest.raises(UsageError, match=r"No such file.*Next: name a file that is there, or one of .*modern"):
        load_recipe(str(own))


@pytest.mark.parametrize("content", [b"epochs = ", b"\xff\xfe", None])
def test_a_file_that_is_no_toml_is_one_line(own: Path, content: bytes | None) -> None:
    if content is not None:
        own.write_bytes(content)
    with pytest.raises(UsageError, match=r"own\.toml: cannot be read as a recipe") as caught:
        load_recipe(str(own))
    assert "\n" not in str(caught.value)
