"""Cubes with the labels that a person decided on: ``kamerton labels DATA --apply decisions.csv``."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from kamerton.arrays import Labels
from kamerton.checks import as_path
from kamerton.data.classes import warn_of_empty
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.cubes.own import require_another
from kamerton.data.cubes.writer import HISTORY_CHARACTERS, CubeWriter, require_cube_name
from kamerton.data.fits.letters import to_ascii
from kamerton.errors import UsageError
from kamerton.files import new_whole_folder, require_new
from kamerton.labelling.decisions import Decisions, read_decisions
from kamerton.labelling.galaxies import all_places
from kamerton.plurals import counted
from kamerton.progress import Progress


@dataclass(frozen=True)
class Relabelled:
    """What was written, and what is other in it."""

    path: Path
    decisions: int
    changed: dict[tuple[str, str], int]
    """How many labels became another, by (from, to)."""

    @property
    def count(self) -> int:
        """How many labels are other than before."""
        return sum(self.changed.values())

    def __repr__(self) -> str:
        return f"Relabelled({self.path}, {self.count} of {counted(self.decisions, 'decision')} changed a label)"

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        changed = [{"from": one, "to": two, "labels": count} for (one, two), count in self.changed.items()]
        return {"path": str(self.path), "decisions": self.decisions, "changed": changed}

    def describe(self) -> list[str]:
        """Say what was decided, and where it is."""
        kept = self.decisions - self.count
        return [
            f"{counted(self.decisions, 'decision')}: {counted(self.count, 'label')} changed, {kept} kept as given",
            *(f"  from {one} to {two}: {count}" for (one, two), count in self.changed.items()),
            f"corrected: {self.path}",
        ]


def relabel(data: str | Path, decisions: str | Path, *, out: str | Path, watcher: Progress | None = None) -> Relabelled:
    """Write a cube, or a folder's cubes, with the labels of a list of decisions, and tell in the header what changed.

    ``decisions`` has the columns ``id`` and ``label``, the name of a class; ``data`` stays as it is. Of a folder the
    test set takes part where a decision names a galaxy of it. Raises DataError for decisions that do not fit,
    UsageError for another name than a cube's, and OutputError where ``out`` exists.
    """
    data, out = as_path(data, "data"), as_path(out, "out")
    places = all_places(data)
    if not places:
        raise UsageError(f"{data}: no cubes", allowed="a cube, or a folder with train.fits and valid.fits")
    if data.is_dir():
        require_another(data, out)
    else:
        require_cube_name(out)
        require_another(data, out)
    require_new(out)
    with ExitStack() as held:
        cubes = [held.enter_context(open_cube(place, watcher=watcher)) for place in places]
        names = _class_names(cubes)
        made = read_decisions(Path(decisions), [name for cube in cubes for name in cube.ids], names)
        for cube in cubes:
            # What is damaged must not get sums that hold.
            cube.check_sums()
        changed: Counter[tuple[str, str]] = Counter()
        if data.is_dir():
            with new_whole_folder(out) as folder:
                for cube in cubes:
                    changed += _write(cube, names, made, folder / cube.path.name)
        else:
            changed += _write(cubes[0], names, made, out)
    return Relabelled(out, len(made.label_of), dict(changed.most_common()))


def _class_names(cubes: Sequence[LabelledCube]) -> tuple[str, ...]:
    """Give the classes of cubes that were made together; UsageError where they are others."""
    names = {cube.class_names for cube in cubes}
    if len(names) > 1:
        raise UsageError(
            f"{cubes[0].path.parent}: cubes of other classes",
            received=" beside ".join(", ".join(one) for one in sorted(names)),
            next_step="correct one cube after the other",
        )
    return cubes[0].class_names


def _write(cube: LabelledCube, names: tuple[str, ...], made: Decisions, place: Path) -> Counter[tuple[str, str]]:
    """Write a cube with its new labels; one that no decision is about is copied as it is."""
    ids = [name.strip() for name in cube.ids]
    decided = {row: names.index(made.label_of[name]) for row, name in enumerate(ids) if name in made.label_of}
    if not decided:
        shutil.copyfile(cube.path, place)
        return Counter()
    labels = cube.labels.copy()
    labels[list(decided)] = list(decided.values())
    rows = np.flatnonzero(labels != cube.labels)
    changed = Counter((names[cube.labels[row]], names[labels[row]]) for row in rows)
    history = [*cube.history, *_history(made, [ids[row] for row in rows], len(decided), changed)]
    with CubeWriter(
        place, image_shape=cube.image_shape, dtype=cube.dtype, class_names=names, history_cards=len(history)
    ) as writer:
        for _, images_nhwc in cube.chunks():
            writer.append(images_nhwc)
        writer.finish(labels, cube.catalogue, history, cube.origin)
    _warn_of_classes(place, labels, names)
    return changed


def _history(made: Decisions, ids: Sequence[str], decided: int, changed: Counter[tuple[str, str]]) -> list[str]:
    """Tell what was changed; what tells the most comes last, since a split keeps the last lines."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    lines = [f"relabelled: {', '.join(ids)}"] if ids else []
    lines += [f"labels from {one} to {two}: {count}" for (one, two), count in changed.most_common()]
    lines += [
        f"sha256:{made.sha256}",
        f"{counted(sum(changed.values()), 'label')} changed of {decided} decided in {made.path.name}, {today},",
        "kamerton labels --apply",
    ]
    return [card for line in lines for card in textwrap.wrap(to_ascii(line), HISTORY_CHARACTERS)]


def _warn_of_classes(place: Path, labels: Labels, names: tuple[str, ...]) -> None:
    counts = np.bincount(labels, minlength=len(names)).tolist()
    warn_of_empty(str(place), dict(zip(names, counts, strict=True)))
