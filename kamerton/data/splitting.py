"""Splitting a cube into train, valid and test: ``kamerton data split``.

Stratified by class, seeded, and grouped: overlapping pieces of sky never lie in two splits.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int8

from kamerton.arrays import Labels, Mask, Rows
from kamerton.config.surveys import SPLIT_NAMES, SplitSettings
from kamerton.data.classes import warn_of_empty, warn_of_look_alikes, warn_of_missing
from kamerton.data.cubes.cube import LabelledCube, fingerprint_of, open_cube
from kamerton.data.cubes.own import require_another, require_own_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.data.sky import SkyPair, column_pairs, connected_groups, sky_pairs, taken_group_column
from kamerton.errors import CubeError, OutputError
from kamerton.files import (
    OR_OVERWRITE,
    new_whole_folder,
    read_json,
    require_new,
    require_own_folder,
    whole_folder,
    write_json,
)
from kamerton.plurals import counted
from kamerton.progress import Progress
from kamerton.version import __version__

Parts = Int8[np.ndarray, " n"]
"""The part that each galaxy is dealt to; of a split, its place in `SPLIT_NAMES`."""

SPLIT_JSON = "split.json"
SPLIT_JSON_BYTES = 1 << 30
OWN_FILES = (*(f"{split}.fits" for split in SPLIT_NAMES), SPLIT_JSON)
HISTORY_LINES_KEPT = 10
"""Of the source's HISTORY; a header of fixed length has no room for every foreign one."""


@dataclass(frozen=True)
class SplitSummary:
    """What was written."""

    folder: str
    galaxies: dict[str, int]
    """By split."""
    kept_together: int
    """Galaxies that share their split with a neighbour or a member of their group."""
    positions_known: bool
    group_radius_arcsec: float | None
    group_column: str | None = None
    """The column whose equal values stayed together."""

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {count}" for name, count in self.galaxies.items())
        return f"SplitSummary({self.folder}: {counts}; {self.kept_together} kept together)"

    def describe(self) -> str:
        """Say in a line or two what was made."""
        counts = ", ".join(f"{name} {count}" for name, count in self.galaxies.items())
        is_one = self.kept_together == 1
        with_whom = "stays with its neighbours or group" if is_one else "stay with their neighbours or group"
        held = f"{counted(self.kept_together, 'galaxy')} {with_whom}"
        if self.group_column is not None:
            held += f", by the column {self.group_column}"
        if self.group_radius_arcsec is not None and not self.positions_known:
            held += "; no positions are known, so overlaps on the sky could not be looked for"
        return f"{self.folder}: {counts}; {held} ({SPLIT_JSON})"


@dataclass(frozen=True)
class Grouping:
    """Which rows stay together, and why."""

    groups: Rows
    """Number of each row's group."""
    pairs: list[SkyPair] | None
    """Pairs on the sky; None where no positions are known or none were asked for."""
    column: str | None = None
    """The column of the catalogue whose equal values stay together."""


def split_cube(
    cube_path: str | Path,
    out_dir: str | Path,
    *,
    fractions: tuple[float, float, float] = SplitSettings.fractions,
    group_radius_arcsec: float | None = SplitSettings.group_radius_arcsec,
    group_column: str | None = SplitSettings.group_column,
    seed: int = SplitSettings.seed,
    overwrite: bool = False,
    watcher: Progress | None = None,
) -> SplitSummary:
    """Write ``train.fits``, ``valid.fits``, ``test.fits`` and ``split.json`` into ``out_dir``.

    ``fractions`` are the shares of the three; galaxies within ``group_radius_arcsec`` of each other on the sky stay
    together (None looks at no positions), and so do those of one value in ``group_column`` of the catalogue, by default
    in its column ``group``, where it has one. Raises
    UsageError for a bad setting, CubeError for a cube that is not sound or has too few groups for three splits,
    UsageError for an unknown group column, OutputError where one of the files exists; then nothing is written. With
    ``overwrite`` a folder that holds nothing but an earlier split is replaced as a whole.
    """
    settings = SplitSettings(fractions, group_radius_arcsec, group_column, seed)
    folder = Path(out_dir)
    if overwrite and os.path.lexists(folder):
        made = replaced_split(folder, Path(cube_path))
    else:
        for name in OWN_FILES:
            require_new(folder / name, OR_OVERWRITE)
        made = whole_folder(folder, existing="add") if folder.exists() else new_whole_folder(folder)
    with open_cube(cube_path, watcher=watcher) as cube, made as place:
        summary = write_splits(cube, place, settings, source=cube.path)
    return dataclasses.replace(summary, folder=str(folder))


def write_splits(cube: LabelledCube, place: Path, settings: SplitSettings, *, source: Path) -> SplitSummary:
    """Write the three cubes and the record of a split into an empty folder; ``source`` is what the cube is called."""
    grouping = group_galaxies(cube, settings)
    parts = assign_splits(cube.labels, grouping.groups, settings)
    _require_all_splits(cube, source, parts)
    _warn_of_classes(cube, source, parts)
    _write_cubes(cube, place, parts, settings)
    write_json(place / SPLIT_JSON, _split_record(cube, source, grouping, parts, settings))
    counts = {name: int((parts == number).sum()) for number, name in enumerate(SPLIT_NAMES)}
    alone = np.bincount(grouping.groups)[grouping.groups] == 1
    return SplitSummary(
        str(place),
        counts,
        int((~alone).sum()),
        grouping.pairs is not None,
        settings.group_radius_arcsec,
        grouping.column,
    )


def replaced_split(folder: Path, source: Path | None = None) -> AbstractContextManager[Path]:
    """Give a place for a split that takes that of an earlier one as a whole.

    OutputError at once where ``folder`` holds anything but a split that was made here, or the cube ``source``.
    """
    require_own_folder(folder, OWN_FILES)
    for cube in (folder / f"{split}.fits" for split in SPLIT_NAMES):
        if os.path.lexists(cube):
            require_own_cube(cube)
            if source is not None:
                require_another(source, cube)
    if any(folder.iterdir()) and not _is_own_record(folder / SPLIT_JSON):
        raise OutputError(
            f"{folder} holds no split that Kamerton made",
            received=f"no {SPLIT_JSON} that it wrote",
            next_step="choose another name or move it away; nothing was changed",
        )
    return whole_folder(folder, existing="replace", own=OWN_FILES)


def _is_own_record(path: Path) -> bool:
    try:
        record = read_json(path, SPLIT_JSON_BYTES)
    except (OSError, ValueError):
        return False
    return not path.is_symlink() and isinstance(record, dict) and {"kamerton", "source", "splits"} <= record.keys()


def group_galaxies(cube: LabelledCube, settings: SplitSettings) -> Grouping:
    """Find the galaxies of a cube that must stay together: near each other on the sky, or equal in a column."""
    pairs = None
    if settings.group_radius_arcsec is not None:
        pairs = sky_pairs(cube.catalogue, settings.group_radius_arcsec)
    held = [(pair.first, pair.second) for pair in pairs or []]
    column = taken_group_column(cube.catalogue, settings.group_column, cube.path)
    if column is not None:
        held += column_pairs(cube.catalogue[column])
    return Grouping(connected_groups(len(cube), held), pairs, column)


def assign_splits(labels: Labels, groups: Rows, settings: SplitSettings) -> Parts:
    """Give each galaxy its split, 0 train, 1 valid, 2 test, as `assign_parts` does."""
    return assign_parts(labels, groups, settings.fractions, settings.seed)


def assign_parts(labels: Labels, groups: Rows, fractions: Sequence[float], seed: int) -> Parts:
    """Give each galaxy its part, counted from 0, whole groups at a time, holding every class's shares.

    Groups come in random order, the larger first, and each goes where its classes have the smallest part of what they
    are to have there (Sechidis et al. 2011, ECML PKDD 6913, 145); so of three galaxies each of three parts has one.
    """
    order = np.random.default_rng(seed).permutation(int(groups.max()) + 1)
    sizes = np.bincount(groups)
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])
    # One column more than there are classes counts all galaxies, and decides where the classes do not.
    wanted = np.outer(fractions, np.append(np.bincount(labels), len(labels))) + 1e-12
    have = np.zeros_like(wanted)
    parts = np.empty(len(labels), np.int8)
    for group in order[np.argsort(-sizes[order], kind="stable")]:
        rows = members[group]
        classes = labels[rows]
        filled = have / wanted
        part = int(np.lexsort((filled[:, -1], filled[:, classes].mean(axis=1)))[0])
        parts[rows] = part
        np.add.at(have[part], classes, 1)
        have[part, -1] += len(rows)
    return parts


def _require_all_splits(cube: LabelledCube, source: Path, parts: Parts) -> None:
    empty = [name for number, name in enumerate(SPLIT_NAMES) if not (parts == number).any()]
    if empty:
        raise CubeError(
            f"{source}: too few separate galaxies for three splits",
            received=f"{len(cube)} galaxies, and none left for {' and '.join(empty)}",
            allowed="3 galaxies or groups of galaxies or more",
            next_step="add galaxies, or use a smaller group radius or another group column",
        )


def _warn_of_classes(cube: LabelledCube, source: Path, parts: Parts) -> None:
    warn_of_look_alikes(str(source), cube.class_names)
    counts = {name: _class_counts(cube, parts == number) for number, name in enumerate(SPLIT_NAMES)}
    warn_of_missing(str(source), counts)
    warn_of_empty(str(source), _class_counts(cube, parts >= 0))


def _class_counts(cube: LabelledCube, chosen: Mask) -> dict[str, int]:
    counts = np.bincount(cube.labels[chosen], minlength=len(cube.class_names))
    return dict(zip(cube.class_names, counts.tolist(), strict=True))


def _write_cubes(cube: LabelledCube, folder: Path, parts: Parts, settings: SplitSettings) -> None:
    """Copy the images to their splits in one pass, in bounded memory."""
    with ExitStack() as files:
        writers = [
            files.enter_context(
                CubeWriter(
                    folder / f"{name}.fits",
                    image_shape=cube.image_shape,
                    dtype=cube.dtype,
                    class_names=cube.class_names,
                )
            )
            for name in SPLIT_NAMES
        ]
        for rows, images_nhwc in cube.chunks():
            for number, writer in enumerate(writers):
                writer.append(images_nhwc[parts[rows] == number])
        for number, writer in enumerate(writers):
            chosen = parts == number
            origin = f"{SPLIT_NAMES[number]} split of {cube.path.name}, seed {settings.seed}, kamerton data split"
            history = [*cube.history[-HISTORY_LINES_KEPT:], origin]
            writer.finish(cube.labels[chosen], cube.catalogue[chosen], history, cube.origin)


def _split_record(
    cube: LabelledCube, source: Path, grouping: Grouping, parts: Parts, settings: SplitSettings
) -> dict[str, Any]:
    """Tell in ``split.json`` what was split, how, into what, and which galaxies stayed together."""
    ids = cube.ids
    rows_of_group: dict[int, list[int]] = {}
    for row, group in enumerate(grouping.groups.tolist()):
        rows_of_group.setdefault(group, []).append(row)
    together = [rows for rows in rows_of_group.values() if len(rows) > 1]
    return {
        "kamerton": __version__,
        "source": {"path": str(source), "galaxies": len(cube), "fingerprint": cube.fingerprint()},
        "settings": dataclasses.asdict(settings) | {"group_column": grouping.column},
        "class_names": list(cube.class_names),
        "splits": {name: _part_record(cube, parts == number) for number, name in enumerate(SPLIT_NAMES)},
        "pairs_on_the_sky": None if grouping.pairs is None else [_pair_record(pair, ids) for pair in grouping.pairs],
        "groups": [
            {"split": SPLIT_NAMES[parts[rows[0]]], "rows": rows, "ids": [ids[row] for row in rows]} for rows in together
        ],
    }


def _part_record(cube: LabelledCube, chosen: Mask) -> dict[str, Any]:
    labels = cube.labels[chosen]
    digests = [cube.galaxy_fingerprints()[row] for row in np.flatnonzero(chosen)]
    return {
        "galaxies": len(labels),
        "share": len(labels) / len(cube),
        "of_class": _class_counts(cube, chosen),
        "fingerprint": fingerprint_of(digests, labels, cube.class_names),
    }


def _pair_record(pair: SkyPair, ids: Sequence[str]) -> dict[str, Any]:
    return {
        "rows": [pair.first, pair.second],
        "ids": [ids[pair.first], ids[pair.second]],
        "separation_arcsec": round(pair.separation_arcsec, 4),
    }
