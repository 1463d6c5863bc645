"""Which runs repeat one training with another seed, and how the others are told apart by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kamerton.config.recipe import Recipe
from kamerton.evaluation.results import RunPredictions
from kamerton.runs.ensembles import title_of
from kamerton.runs.record import CubeRecord, RunRecord, flattened
from kamerton.training.schedules import knows_its_end

IMPORTED = "imported"
"""In the name of a network whose weights came from elsewhere, in the place of a recipe."""

RECIPE = "recipe"

FROZEN = "recipe.frozen"

NOT_THERE = {RECIPE: IMPORTED, "extended": "not extended", "start": "not started"}
"""Keys of TRAITS for what a training has not got."""

FINGERPRINT_LETTERS = 6
"""Enough to tell a handful of cubes apart."""

TRAITS = {
    RECIPE: "{value}",
    "recipe.epochs": "{value} epochs",
    "1 recipe.epochs": "1 epoch",
    "recipe.batch_size": "batches of {value}",
    "recipe.weights_chosen_by": "weights of the {value}",
    "recipe.frozen": "linear probe",
    "not recipe.frozen": "all layers learned",
    "size": "{value} px",
    "channels": "{value} channels",
    "train": "trained on {value}",
    "valid": "validated on {value}",
    "start": "starting from {value}",
    "not started": "starting from random weights",
    "extended": "extended from {value} epochs",
    "1 extended": "extended from 1 epoch",
    "not extended": "not extended",
    "views": "views averaged: {value}",
    "precision": "{value}",
    "run": "{value}",
    "ensemble": "ensemble of {value}",
    "other": "{name} {value}",
    "without": "without {name}",
    IMPORTED: IMPORTED,
}
"""How a name tells what is not the same in two trainings of a network; ``other`` is any other setting of a recipe."""


@dataclass(frozen=True)
class Trait:
    """A setting that tells one training of a network from another."""

    kind: str
    """A key of TRAITS, or the dotted name of a recipe's setting."""
    value: str | float | None


@dataclass(frozen=True)
class Repeats:
    """Runs that differ in the seed, and in nothing that shapes what is learned."""

    title: str
    traits: tuple[Trait, ...]
    """What tells them from the other runs of that title; empty where there are none."""
    predictions: tuple[RunPredictions, ...]


def find_repeats(predictions: Sequence[RunPredictions]) -> list[Repeats]:
    """Part runs into those that repeat each other, in the order of the first of each."""
    groups: dict[tuple[tuple[str, Any], ...], list[RunPredictions]] = {}
    for one in predictions:
        groups.setdefault(tuple(_settings(one).items()), []).append(one)
    settings = [dict(key) for key in groups]
    titles = [title_of(runs[0].run.record) for runs in groups.values()]
    return [
        Repeats(titles[place], tuple(_traits(place, titles, settings, runs[0].run.record)), tuple(runs))
        for place, runs in enumerate(groups.values())
    ]


def name_of(
    title: str,
    traits: Iterable[Trait],
    words: Mapping[str, str] = TRAITS,
    write: Callable[[float], str] = str,
) -> str:
    """Name a network with what tells it from others, in a language's words and numbers."""
    told = [_told(trait, words, write) for trait in traits]
    # In brackets, for the names are listed with commas between.
    return f"{title} ({', '.join(told)})" if told else title


def _told(trait: Trait, words: Mapping[str, str], write: Callable[[float], str]) -> str:
    name = trait.kind.partition(".")[2].removesuffix(".name")
    if trait.value is None:
        return words[NOT_THERE.get(trait.kind, "without")].format(name=name)
    if isinstance(trait.value, bool):
        return words[trait.kind if trait.value else f"not {trait.kind}"]
    value = trait.value if isinstance(trait.value, str) else write(trait.value)
    one = words.get(f"1 {trait.kind}") if str(trait.value) == "1" else None
    return one or words.get(trait.kind, words["other"]).format(name=name, value=value)


def _traits(
    place: int, titles: Sequence[str], settings: Sequence[Mapping[str, Any]], record: RunRecord
) -> Iterator[Trait]:
    own = settings[place]
    if record.members:
        yield Trait("ensemble", len(record.members))
    else:
        # Of its recipe a probe has so little that the recipe's name alone would tell a reader something else.
        probe = own.get(FROZEN, False)
        beside = [others for others in settings if RECIPE in others and not (probe and not others.get(FROZEN))]
        if probe:
            yield Trait(FROZEN, probe)
        if len({others[RECIPE] for others in beside}) > 1:
            yield Trait(RECIPE, own[RECIPE])
    of_title = [others for title, others in zip(titles, settings, strict=True) if title == titles[place]]
    # What one recipe has otherwise than another, its name stands for.
    of_recipe = [others for others in of_title if others.get(RECIPE) == own.get(RECIPE)]
    for kind, value in own.items():
        if kind.startswith(f"{RECIPE}."):
            # And for what a probe has otherwise than a training, that it is one.
            alike = [others for others in of_recipe if kind == FROZEN or others.get(FROZEN) == own.get(FROZEN)]
            differs = any(kind not in others or others[kind] != value for others in alike)
        else:
            differs = any(kind in others and others[kind] != value for others in of_title)
        if differs and kind != RECIPE and not (kind == FROZEN and value):
            yield Trait(kind, _cube_name(record.data[kind]) if kind in record.data else value)


def _settings(tested: RunPredictions) -> dict[str, Any]:
    """Give all that shapes what a run learned and how it was tested, but for the seed and the machine's part."""
    record, recipe = tested.run.record, tested.run.record.recipe
    manner = {"views": tested.metrics.views, "precision": tested.metrics.precision}
    if record.members:
        # Each is made of other runs, so none of them repeats another.
        return {"run": f"{tested.run.name} {tested.metrics.weights_sha256[:FINGERPRINT_LETTERS]}"} | manner
    found: dict[str, Any] = {"network": record.network, RECIPE: None if recipe is None else recipe.name}
    if recipe is None:
        # Nobody knows how weights from elsewhere were trained, so none of them repeats another.
        found["run"] = tested.run.name
    else:
        table = flattened(dataclasses.asdict(recipe), f"{RECIPE}.")
        found |= {name: value for name, value in table if name != f"{RECIPE}.name"}
        found["extended"] = _extended_from(record, recipe)
        found["start"] = _start_name(record)
    found |= {"size": record.preprocessing.size, "channels": record.preprocessing.channels}
    found |= {split: cube.fingerprint for split, cube in sorted(record.data.items())}
    return found | manner


def _start_name(record: RunRecord) -> str | None:
    """Name the learned weights that a training began with; a run or a file with the beginning of its fingerprint."""
    start = record.start
    if start is None or start.kind in {"table", "timm"}:
        return None if start is None else start.name
    return f"{start.name} {start.sha256[:FINGERPRINT_LETTERS]}"


def _extended_from(record: RunRecord, recipe: Recipe) -> str | None:
    """Name the numbers of epochs from which a training was extended that would have been another from the start."""
    before = [str(change.old) for change in record.changes if change.field == "recipe.epochs"]
    return ", ".join(before) if before and knows_its_end(recipe) else None


def _cube_name(cube: CubeRecord) -> str:
    """Name a cube by its file, in its folder, and by the beginning of its fingerprint."""
    path = Path(cube.path)
    return f"{path.parent.name}/{path.name} {cube.fingerprint[:FINGERPRINT_LETTERS]}"
