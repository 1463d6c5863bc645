"""What a catalogue can be sorted by."""

from __future__ import annotations

from collections.abc import Sequence

from kamerton.catalogue.columns import FEATURES_COLUMN, FLAGS_COLUMN, ID, PREDICTED_CLASS
from kamerton.catalogue.readers.opened import OpenedCatalogue
from kamerton.config.browsing import NO_CLASS, Wanted
from kamerton.errors import UnknownNameError

SET_SIZE = "set_size"
"""Column of calibrated catalogues."""

PROBABILITY, MARGIN = "probability", "margin"
"""What is reckoned from the probabilities: that of the likeliest class, and by how much it is before the second."""

NEXT = "next"
"""The order in which `kamerton next` asks for labels."""


def orders(catalogue: OpenedCatalogue) -> list[str]:
    """Name what a catalogue can be sorted by."""
    slugs = catalogue.class_names
    probabilities = [f"p_{slug}" for slug in slugs]
    reckoned = [PROBABILITY, MARGIN] if set(probabilities) <= set(catalogue.columns) and probabilities else []
    others = {FEATURES_COLUMN, FLAGS_COLUMN, *(f"set_{slug}" for slug in slugs), *probabilities}
    first = [name for name in (ID.name, PREDICTED_CLASS.name, SET_SIZE) if name in catalogue.columns]
    rest = [name for name in catalogue.columns if name not in {*others, *first}]
    return [*reckoned, *first, *rest, *(name for name in probabilities if name in catalogue.columns)]


def require_known(wanted: Wanted, catalogue: OpenedCatalogue) -> None:
    """Refuse a class or a column that the catalogue does not have (UnknownNameError lists those that it has)."""
    known: Sequence[str] = [*catalogue.class_names.values(), NO_CLASS]
    if wanted.predicted and wanted.predicted not in known:
        raise UnknownNameError("class name", wanted.predicted, known)
    known = [*orders(catalogue), NEXT]
    if wanted.order and wanted.order not in known:
        raise UnknownNameError("order", wanted.order, known)
