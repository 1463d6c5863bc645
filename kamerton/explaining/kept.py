"""Explanations that are kept in a run folder, read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kamerton.catalogue.columns import class_slugs
from kamerton.errors import RunError, warn
from kamerton.explaining.receipt import Receipt
from kamerton.files import is_unfinished, read_json
from kamerton.records import read_record
from kamerton.runs.folder import EXPLANATIONS, RECEIPT_FILE, Run

RECEIPT_BYTES = 1 << 20
"""A longer receipt is none: it has about 16 KiB, and 1000 class names would add 20."""


@dataclass(frozen=True)
class Explained:
    """What a receipt says that its maps are of."""

    fingerprint: str | None
    """Of the run as it was explained."""
    method: str
    layer: str | None
    explained: int


@dataclass(frozen=True)
class Kept:
    """An explanation in a run folder."""

    path: Path
    of: Explained
    receipt: Receipt
    galleries: dict[str, Path]
    """By class, in the order of the run's."""


def kept_explanations(run: Run) -> Iterator[Kept]:
    """Read those of the run's present weights, in the order of their names; what cannot be read is left out aloud."""
    results = run.record.results
    slugs = dict(zip(run.record.class_names, class_slugs(run.record.class_names), strict=True))
    for place in sorted(run.path.glob(f"{EXPLANATIONS}/*/{RECEIPT_FILE}")):
        if is_unfinished(place.parent):
            continue
        try:
            content = read_json(place, RECEIPT_BYTES)
            of = read_record(Explained, content, str(place), RunError)
            receipt = read_record(Receipt, content, str(place), RunError)
        except (OSError, ValueError, RunError) as error:
            warn(f"{place}: not a receipt of `kamerton explain`, and left out", received=str(error))
            continue
        if results is not None and of.fingerprint == results.fingerprint and receipt.cascade:
            paths = {name: place.with_name(f"gallery_{slug}.png") for name, slug in slugs.items()}
            yield Kept(place.parent, of, receipt, {name: path for name, path in paths.items() if path.is_file()})
