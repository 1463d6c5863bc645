"""How the pixels of a cube came to be, as cards of its images' header."""

from __future__ import annotations

from dataclasses import replace

from astropy.io import fits

from kamerton.config.pictures import Framing, PixelOrigin, band_names
from kamerton.errors import CubeError, UsageError

WRITTEN_BY = "Kamerton"
"""ORIGIN of our cubes; other programs may mean something else by these keywords."""

METHOD, BANDS, Q, SCALE = "STRETCH", "BANDS", "STRETCHQ", "STRETCHS"
"""Keywords of the cards; a cube without the first does not say how its pixels came to be."""

SIDES, KEPT, SIZE = ("PICMIN", "PICMAX"), ("CROPMIN", "CROPMAX"), "RESIZED"
"""And of what the images show of their pictures; a cube without the last does not say so."""

WAYS = {"none": "pixels came as bytes", "asinh": "of bands to pixels, Lupton et al. 2004", "unknown": "by others"}
"""Comments on the ways in which pixels come to be."""


def origin_cards(origin: PixelOrigin | None) -> fits.Header:
    """Write an origin as header cards; none where it is not known."""
    header = fits.Header()
    if origin is None:
        return header
    header[METHOD] = (origin.method, WAYS[origin.method])
    if origin.bands is not None:
        header[BANDS] = (",".join(origin.bands), "shown, from blue to red")
    if origin.q is not None:
        header[Q] = (origin.q, "softening Q of the stretch")
    if origin.stretch is not None:
        header[SCALE] = (origin.stretch, "linear scale of the stretch, units of bands")
    if origin.framing is not None:
        framing = origin.framing
        for keywords, sides, what in ((SIDES, framing.sides, "pictures"), (KEPT, framing.kept, "crops")):
            for keyword, side, which in zip(keywords, sides, ("smallest", "largest"), strict=True):
                header[keyword] = (side, f"side of the {what}, {which}, pixels")
        header[SIZE] = (framing.size, "side that this was resized to, pixels")
    return header


def stored_origin(where: str, header: fits.Header) -> PixelOrigin | None:
    """Read an origin back; None in a header without one and in one of others, CubeError where it cannot be."""
    if METHOD not in header or header.get("ORIGIN") != WRITTEN_BY:
        return None
    bands = header.get(BANDS)
    try:
        return PixelOrigin(
            header[METHOD],
            None if bands is None else band_names(str(bands)),
            _number(header, Q),
            _number(header, SCALE),
            _framing(header),
        )
    except UsageError as error:
        cards = ", ".join((METHOD, BANDS, Q, SCALE, *SIDES, *KEPT))
        raise CubeError(
            f"{where}: the header's {cards} and {SIZE} do not say how its pixels came to be: {error}",
            next_step=f"correct these cards, or remove {METHOD} if nobody knows",
        ) from error


def _framing(header: fits.Header) -> Framing | None:
    if SIZE not in header:
        return None
    smallest, largest = (header.get(keyword) for keyword in SIDES)
    return Framing((smallest, largest), tuple(_number(header, keyword) for keyword in KEPT), header[SIZE])  # type: ignore[arg-type]


def framing_within(before: Framing | None, side: int, crop: int | None, size: int | None) -> Framing:
    """Tell what is shown of images of ``side`` pixels of which ``crop`` are kept and resized to ``size``.

    ``before`` tells what these images showed of pictures; None where they are the pictures.
    """
    kept = crop or side
    if before is None:
        return Framing((side, side), (kept, kept), size or kept)
    smallest, largest = (round(end * kept / side, 2) for end in before.kept)
    return Framing(before.sides, (smallest, largest), size or kept)


def stretch_differs(one: PixelOrigin | None, other: PixelOrigin | None) -> bool:
    """Tell whether pixels came to be by other bands or another stretch; False where one of both is not known."""
    if one is None or other is None or "unknown" in {one.method, other.method}:
        return False
    return replace(one, framing=None) != replace(other, framing=None)


def framing_of(origin: PixelOrigin | None) -> Framing | None:
    """Tell what of the pictures is shown; None where that is not known."""
    return None if origin is None else origin.framing


def framing_differs(one: PixelOrigin | None, other: PixelOrigin | None) -> bool | None:
    """Tell whether images show other parts of their pictures, so that galaxies have another scale; None: not known.

    The size that they were resized to does not matter. Pictures of other sizes may have another pixel scale, or show
    another field, which pixels alone do not tell; but where both are cropped alike, or sizes vary anyway, all is well.
    """
    first, second = framing_of(one), framing_of(other)
    if first is None or second is None:
        return False if first is second else None
    cropped = not first.is_whole and not second.is_whole
    if first.kept == second.kept and (cropped or first.sides == second.sides):
        return False
    if first.sides == second.sides:
        return True
    vary = first.sides[0] < first.sides[1] and second.sides[0] < second.sides[1]
    overlap = first.sides[0] <= second.sides[1] and second.sides[0] <= first.sides[1]
    return False if first.is_whole and second.is_whole and vary and overlap else None


def framing_told(origin: PixelOrigin | None) -> str:
    """Say in words what of its pictures a cube shows."""
    framing = framing_of(origin)
    return "not known" if framing is None else f"{framing} of its pictures"


def _number(header: fits.Header, keyword: str) -> float | None:
    value = header.get(keyword)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
