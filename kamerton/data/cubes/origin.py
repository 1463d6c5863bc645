"""How the pixels of a cube came to be, as cards of its images' header."""

from __future__ import annotations

from astropy.io import fits

from kamerton.config import PixelOrigin, band_names
from kamerton.errors import CubeError, UsageError

WRITTEN_BY = "Kamerton"
"""ORIGIN of our cubes; other programs may mean something else by these keywords."""

METHOD, BANDS, Q, SCALE = "STRETCH", "BANDS", "STRETCHQ", "STRETCHS"
"""Keywords of the cards; a cube without the first does not say how its pixels came to be."""


def origin_cards(origin: PixelOrigin | None) -> fits.Header:
    """Write an origin as header cards; none where it is not known."""
    header = fits.Header()
    if origin is None:
        return header
    pictures = origin.method == "none"
    header[METHOD] = (origin.method, "pixels came as bytes" if pictures else "of bands to pixels, Lupton et al. 2004")
    if origin.bands is not None:
        header[BANDS] = (",".join(origin.bands), "shown, from blue to red")
    if origin.q is not None:
        header[Q] = (origin.q, "softening Q of the stretch")
    if origin.stretch is not None:
        header[SCALE] = (origin.stretch, "linear scale of the stretch, units of bands")
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
        )
    except UsageError as error:
        raise CubeError(
            f"{where}: the header's {METHOD}, {BANDS}, {Q} and {SCALE} do not say how its pixels came to be: {error}",
            next_step=f"correct these cards, or remove {METHOD} if nobody knows",
        ) from error


def _number(header: fits.Header, keyword: str) -> float | None:
    value = header.get(keyword)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
