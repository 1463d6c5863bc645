"""Pictures and FITS cutouts, one file a galaxy, as a stream of batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.table import Table

from kamerton.arrays import RgbHWC, SquaresNHWC
from kamerton.config.pictures import WAVELENGTH_ORDER, Framing
from kamerton.data.cubes.images import CHUNK_GALAXIES
from kamerton.data.importers.source import ImportRequest, LeftOut, StreamFindings
from kamerton.data.pictures.alike import Likeness, require_alike
from kamerton.data.pictures.picture import Picture, read_picture
from kamerton.data.pictures.stretch import Stretch
from kamerton.errors import DataError, PictureError, warn


def picture_batches(
    paths: Sequence[Path], origins: Iterable[str], request: ImportRequest, catalogue: Table, found: StreamFindings
) -> Iterator[SquaresNHWC]:
    """Read pictures in batches, and put in the catalogue how each was stretched and where on the sky it lies.

    ``origins`` says for each path where it was listed, at the start of an error's message. A picture of another size
    than the first is refused, and so is one whose pixels came to be in another way; one that cannot be read is left out
    where the request says so.
    """
    pictures: dict[int, PictureFacts] = {}
    batch: list[RgbHWC] = []
    for row, (path, origin) in enumerate(zip(paths, origins, strict=False)):
        try:
            picture = read_picture(path, request.settings)
        except PictureError as error:
            if not request.skip_bad:
                raise PictureError(f"{origin}{error}") from error
            found.left_out[row] = LeftOut(path, str(error))
            continue
        pictures[row] = PictureFacts(path, picture)
        require_alike(
            pictures[row].likeness,
            next(iter(pictures.values())).likeness,
            listed=origin,
            one_size="one size in a cube",
            other_size="pass --size to resize them all",
            other_way="import them into cubes of their own; --bands names the bands of cutouts whose headers do not",
        )
        batch.append(picture.image_hwc)
        if len(batch) == CHUNK_GALAXIES:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)
    _require_some(request.source, pictures, found)
    first = next(iter(pictures.values()))
    found.origin = replace(first.origin, framing=_framing(pictures.values()))
    _warn_of_bands(first, request.settings.bands)
    rows = [pictures.get(row) for row in range(len(paths))]
    _record_stretches(catalogue, [None if facts is None else facts.stretch for facts in rows])
    _record_positions(catalogue, [None if facts is None else facts.position_deg for facts in rows])


class PictureFacts:
    """What is kept of a picture once its pixels are written."""

    def __init__(self, path: Path, picture: Picture) -> None:
        self.path = path
        self.likeness = Likeness(path, len(picture.image_hwc), picture.origin)
        self.stretch, self.origin, self.planes = picture.stretch, picture.origin, picture.planes
        self.position_deg = picture.position_deg


def _framing(pictures: Iterable[PictureFacts]) -> Framing:
    """Tell what all images show of their pictures, which may differ in size."""
    framings = [facts.origin.framing for facts in pictures if facts.origin.framing is not None]
    sides = [framing.sides[0] for framing in framings]
    kept = [framing.kept[0] for framing in framings]
    return Framing((min(sides), max(sides)), (min(kept), max(kept)), framings[0].size)


def _require_some(source: Path, pictures: Mapping[int, PictureFacts], found: StreamFindings) -> None:
    if not pictures:
        raise DataError(
            f"{source}: not one galaxy can be read",
            received=f"{len(found.left_out)} that cannot, the first: {found.left_out[0].reason}",
            next_step="mend what the first one says",
        )


def _warn_of_bands(first: PictureFacts, given: str | None) -> None:
    """Say which bands nobody has named, and in which order planes are taken where their wavelengths are not known."""
    names = first.origin.bands
    if first.planes == 1 and names is None:
        warn(
            f"{first.path}: nothing says which band it is of, and nothing in the cutouts after it",
            received="one plane, shown in grey",
            next_step="name it, as in --bands r or --bands F814W",
        )
    if first.planes == 3 and names is not None and given is None and not set(names) <= set(WAVELENGTH_ORDER):
        warn(
            f"{first.path}: the wavelengths of its bands are not known here",
            received=f"{', '.join(names)}, taken in this order from blue to red, with equal weights",
            next_step="if that is their order, say so with --bands " + ",".join(names),
        )
    if first.planes == 3 and names is None:
        warn(
            f"{first.path}: nothing says which bands its planes are, here and in the cutouts after it",
            received="three planes, taken from blue to red, with equal weights",
            next_step="name them, as in --bands grz",
        )


def _record_stretches(catalogue: Table, stretches: Sequence[Stretch | None]) -> None:
    """Add the asinh stretch of each FITS cutout to its catalogue row; a picture that already was pixels has NaN."""
    if not any(stretches):
        return
    nothing = (np.nan,) * 8
    rows = np.array(
        [nothing if s is None else (s.q, s.stretch, *s.sky_rgb, *s.weight_rgb) for s in stretches], np.float64
    )
    colours = ("red", "green", "blue")
    names = ["asinh_q", "asinh_stretch", *(f"sky_{c}" for c in colours), *(f"weight_{c}" for c in colours)]
    for name, values in zip(names, rows.T, strict=True):
        catalogue[name] = values


def _record_positions(catalogue: Table, positions_deg: Sequence[tuple[float, float] | None]) -> None:
    """Add the positions of the cutouts' WCS, where any has one and the list itself has no ``ra`` and ``dec``."""
    if not any(positions_deg) or {"ra", "dec"} & set(catalogue.colnames):
        return
    known = np.array([(np.nan, np.nan) if position is None else position for position in positions_deg])
    catalogue["ra"], catalogue["dec"] = known.T
