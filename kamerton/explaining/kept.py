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


def explanation_places(run: Run) -> list[Path]:
    """Name the folders of a run's explanations, in the order of their names; unfinished ones are left out."""
    receipts = sorted(run.path.glob(f"{EXPLANATIONS}/*/{RECEIPT_FILE}"))
    return [place.parent for place in receipts if not is_unfinished(place.parent)]


def read_explained(place: Path) -> tuple[Explained, Receipt]:
    """Read what an explanation says of itself; RunError where that is no receipt."""
    path = place / RECEIPT_FILE
    try:
        content = read_json(path, RECEIPT_BYTES)
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read", received=error, next_step="explain again with --overwrite") from error
    return read_record(Explained, content, str(path), RunError), read_record(Receipt, content, str(path), RunError)


def of_present_weights(run: Run, of: Explained) -> bool:
    """Tell whether an explanation is of the run as it is now, and not of before its training was extended."""
    results = run.record.results
    return results is not None and of.fingerprint == results.fingerprint


def kept_explanations(run: Run) -> Iterator[Kept]:
    """Read those of the run's present weights, in the order of their names; what cannot be read is left out aloud."""
    slugs = dict(zip(run.record.class_names, class_slugs(run.record.class_names), strict=True))
    for place in explanation_places(run):
        try:
            of, receipt = read_explained(place)
        except RunError as error:
            warn(f"{place / RECEIPT_FILE}: not a receipt of `kamerton explain`, and left out", received=str(error))
            continue
        if of_present_weights(run, of) and receipt.cascade:
            paths = {name: place / f"gallery_{slug}.png" for name, slug in slugs.items()}
            yield Kept(place, of, receipt, {name: path for name, path in paths.items() if path.is_file()})
