"""What is known of the galaxies on a page, read from the few parts of the catalogue that they are in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kamerton.arrays import Rows
from kamerton.browsing.orders import SET_SIZE
from kamerton.catalogue.columns import FEATURES_COLUMN, FLAGS_COLUMN, ID, POSITION, PREDICTED_CLASS, STATUS
from kamerton.catalogue.readers.opened import OpenedCatalogue, texts, values
from kamerton.certainty.judging import FAR, UNCLEAR


@dataclass(frozen=True)
class ListedGalaxy:
    """One galaxy, and what the network says of it."""

    row: int
    """In the catalogue, from 0."""
    id: str
    predicted_class: str
    """Empty where there is no answer."""
    probabilities: Mapping[str, float]
    """By class, in the catalogue's order; empty where there is no answer."""
    likely_classes: tuple[str, ...] | None
    """Those of its set; None where the catalogue is not calibrated."""
    flags: int
    status: str
    """Why there is no answer; empty where there is one."""
    ra: float | None
    dec: float | None
    """Degrees, ICRS; None where they are not known."""
    others: Mapping[str, str]
    """The columns of its source, as text."""

    @property
    def probability(self) -> float | None:
        """That of the likeliest class; None where there is no answer."""
        return max(self.probabilities.values(), default=None)

    @property
    def is_unlike(self) -> bool:
        """Whether it is unlike all that the network learned from."""
        return bool(self.flags & (FAR | UNCLEAR))


def listed(catalogue: OpenedCatalogue, rows: Rows) -> list[ListedGalaxy]:
    """Read galaxies in the order of their rows."""
    if not len(rows):
        return []
    slugs = catalogue.class_names
    own = {ID.name, PREDICTED_CLASS.name, STATUS.name, SET_SIZE, FLAGS_COLUMN, *(column.name for column in POSITION)}
    own |= {f"p_{slug}" for slug in slugs} | {f"set_{slug}" for slug in slugs}
    wanted = [name for name in catalogue.columns if name != FEATURES_COLUMN]
    table = catalogue.pick(rows, wanted)
    probabilities = {name: values(table, f"p_{slug}").tolist() for slug, name in slugs.items()}
    is_calibrated = SET_SIZE in catalogue.columns
    sets = {name: _truth(texts(table, f"set_{slug}")) for slug, name in slugs.items()}
    flags = np.nan_to_num(values(table, FLAGS_COLUMN)).astype(np.int64).tolist()
    ra_deg, dec_deg = (values(table, column.name).tolist() for column in POSITION)
    ids, predicted, status = (texts(table, column.name) for column in (ID, PREDICTED_CLASS, STATUS))
    others = {name: texts(table, name) for name in wanted if name not in own}
    return [
        ListedGalaxy(
            int(row),
            ids[place],
            predicted[place],
            {name: cells[place] for name, cells in probabilities.items() if math.isfinite(cells[place])},
            tuple(name for name, cells in sets.items() if cells[place]) if is_calibrated else None,
            flags[place],
            status[place],
            _known(ra_deg[place]),
            _known(dec_deg[place]),
            {name: "" if cells[place] == "nan" else cells[place] for name, cells in others.items()},
        )
        for place, row in enumerate(rows.tolist())
    ]


def _truth(cells: list[str]) -> list[bool]:
    """Read truth values, however their file spells them."""
    return [cell.lower() in {"true", "1"} for cell in cells]


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
