"""Who judges whom: folds that no galaxy, and no neighbour of one, is on both sides of; kept in ``folds.json``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kamerton.arrays import Labels, Rows
from kamerton.config.labels import LabelsSettings
from kamerton.data.classes import shown
from kamerton.data.identity import real_ids
from kamerton.data.likeness import AlikePair, alike_pairs
from kamerton.data.sky import column_pairs, connected_groups, sky_pairs, taken_group_column
from kamerton.data.splitting import Parts, assign_parts
from kamerton.errors import CubeError, OutputError, RunError, warn
from kamerton.files import read_json, write_json
from kamerton.labelling.galaxies import Galaxies
from kamerton.progress import Progress
from kamerton.records import read_record

FOLDS_FILE = "folds.json"
FOLDS_BYTES = 1 << 28

VALID_SHARE = 0.15
"""Of the galaxies that a fold's network learns from, those that choose its weights; none of the judged ones may."""

TRAIN, VALID, HELD = 0, 1, 2
"""What a galaxy is to a fold."""


@dataclass(frozen=True)
class Folds:
    """Which fold judges each galaxy, and which galaxies stay together."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    asked: dict[str, Any]
    """All that the folds and their networks follow from: data, network, recipe and settings."""
    fold_of: tuple[int, ...]
    """Counted from 0, one a galaxy."""
    group_of: tuple[int, ...]
    """Galaxies of one number are near each other, or most likely one galaxy."""
    alike: tuple[AlikePair, ...]
    """Pairs whose pictures are most likely of one galaxy."""

    def parts(self, fold: int, labels: Labels, seed: int) -> Parts:
        """Say what each galaxy is to a fold's network: learned from, watched, or judged."""
        held = np.array(self.fold_of) == fold
        others = np.flatnonzero(~held)
        groups = np.unique(np.array(self.group_of)[others], return_inverse=True)[1].astype(np.int64)
        found = assign_parts(labels[others], groups, (1 - VALID_SHARE, VALID_SHARE), seed)
        # A class of which one group is left has it to learn from.
        for number in set(labels[others].tolist()) - set(labels[others][found == TRAIN].tolist()):
            found[np.isin(groups, groups[labels[others] == number])] = TRAIN
        parts = np.full(len(labels), HELD, np.int8)
        parts[others] = found
        return parts


def deal(galaxies: Galaxies, settings: LabelsSettings, asked: dict[str, Any], watcher: Progress) -> Folds:
    """Deal the galaxies into folds, whole groups at a time, holding every class's shares.

    Together stay those that are near each other on the sky, equal in the group column, by pixels or by id, and those
    whose pictures are alike. CubeError for a class that is in one fold alone, which nobody could learn for it.
    """
    groups, alike = _groups(galaxies, settings, watcher)
    shares = np.full(settings.folds, 1 / settings.folds)
    fold_of = assign_parts(galaxies.labels, groups, shares.tolist(), settings.seed)
    _require_learnable(galaxies, fold_of, settings.folds)
    return Folds(asked, tuple(fold_of.tolist()), tuple(groups.tolist()), tuple(alike))


def _groups(galaxies: Galaxies, settings: LabelsSettings, watcher: Progress) -> tuple[Rows, list[AlikePair]]:
    catalogue = galaxies.catalogue
    column = taken_group_column(catalogue, settings.group_column, galaxies.path)
    held = column_pairs(galaxies.digests) + column_pairs(real_ids(galaxies.ids))
    if settings.group_radius_arcsec is not None:
        near = sky_pairs(catalogue, settings.group_radius_arcsec)
        held += [(pair.first, pair.second) for pair in near or []]
    if column is not None:
        held += column_pairs(catalogue[column])
    alike = alike_pairs(galaxies.features, watcher=watcher)
    held += [(pair.first, pair.second) for pair in alike]
    return connected_groups(len(galaxies), held), alike


def _require_learnable(galaxies: Galaxies, fold_of: Parts, folds: int) -> None:
    """Refuse what a network could not learn for some fold: an empty one, or a class that is in it alone."""
    names, labels = galaxies.class_names, galaxies.labels
    in_fold = np.stack([np.bincount(labels[fold_of == fold], minlength=len(names)) for fold in range(folds)])
    if (in_fold.sum(1) == 0).any():
        raise CubeError(
            f"{galaxies.path}: too few separate galaxies for {folds} folds",
            received=f"{len(galaxies)} galaxies",
            allowed="one galaxy or group of galaxies a fold, or more",
            next_step="ask for fewer --folds, add galaxies, or use a smaller --group-radius",
        )
    counts = in_fold.sum(0)
    alone = [name for name, count, most in zip(names, counts, in_fold.max(0), strict=True) if 0 < count == most]
    if alone:
        raise CubeError(
            f"{galaxies.path}: classes of one galaxy, or of one group of galaxies that stay together",
            received=", ".join(f"{name} {counts[names.index(name)]}" for name in alone),
            allowed="2 separate galaxies of each class or more, so that a network can learn one and judge the other",
            next_step="add galaxies of these classes, join them with others, or leave them out",
        )
    few = [name for name, count in zip(names, counts, strict=True) if 0 < count < folds]
    if few:
        warn(
            f"{galaxies.path}: classes of fewer galaxies than there are folds, of which little can be learned",
            received=shown(f"{name} {counts[names.index(name)]}" for name in few),
            next_step="do not read much into what is said of their labels",
        )


def write_folds(folder: Path, folds: Folds) -> None:
    """Keep the folds, so that what goes on later is the same."""
    write_json(folder / FOLDS_FILE, dataclasses.asdict(folds))


def read_folds(folder: Path, asked: dict[str, Any], galaxies: int) -> Folds:
    """Read the folds that were begun with; OutputError where they are of another request, RunError where damaged."""
    place = folder / FOLDS_FILE
    next_step = "restore the file, or begin again with another --out"
    try:
        table = read_json(place, FOLDS_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise RunError(f"{place}: cannot be read", received=reason, next_step=next_step) from error
    if not isinstance(table, dict):
        raise RunError(f"{place}: cannot be read", received="no table", next_step=next_step)
    folds = read_record(Folds, table, str(place), RunError, next_step)
    differing = list(_differences(folds.asked, asked))
    if differing:
        raise OutputError(
            f"{folder} was begun with another request",
            received="; ".join(differing),
            next_step="give the request that it was begun with, or another --out",
        )
    most = asked["settings"]["folds"]
    for numbers, limit in ((folds.fold_of, most), (folds.group_of, galaxies)):
        if len(numbers) != galaxies or not all(0 <= number < limit for number in numbers):
            raise RunError(
                f"{place}: not a fold and a group for each galaxy",
                received=f"{len(numbers)} for {galaxies} galaxies",
                allowed=f"numbers from 0 to {limit - 1}",
                next_step=next_step,
            )
    if len(set(folds.fold_of)) < most:
        raise RunError(f"{place}: fold_of: folds without a galaxy", allowed=f"{most} folds", next_step=next_step)
    if not all(0 <= pair.first < galaxies and 0 <= pair.second < galaxies for pair in folds.alike):
        raise RunError(f"{place}: alike: galaxies that are not there", next_step=next_step)
    return folds


def _differences(kept: dict[str, Any], asked: dict[str, Any], under: str = "") -> Iterator[str]:
    """Name the settings that differ, with both values."""
    if kept.get("name") != asked.get("name"):
        # Recipes of two names differ in most of what they hold.
        yield f"{under}name {kept.get('name')}, and now {asked.get('name')}"
        return
    for name in dict.fromkeys([*kept, *asked]):
        one, two = kept.get(name), asked.get(name)
        if isinstance(one, dict) and isinstance(two, dict):
            yield from _differences(one, two, f"{name}.")
        elif _plain(one) != _plain(two):
            yield f"{under}{name} {_short(one)}, and now {_short(two)}"


def _plain(value: Any) -> Any:
    """Write tuples as JSON does."""
    return [_plain(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else value


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
