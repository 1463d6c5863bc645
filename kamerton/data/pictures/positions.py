"""Where on the sky a FITS cutout lies, from the WCS of its header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from astropy.io import fits

from kamerton.data.quiet import quiet_libraries

PLANE_KEYWORDS = re.compile(
    r"(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)[12]|(CD|PC)[12]_[12]|PV[12]_\d{1,2}"
    r"|(A|B|AP|BP)_(ORDER|\d_\d)|RADESYS|RADECSYS|EQUINOX|EPOCH|LONPOLE|LATPOLE"
)
"""Keywords of the two axes of an image; a header's other axes, tables and alternative systems do not matter."""

SKY_AXIS = re.compile("RA-|DEC-|GLON|GLAT")
"""Axes that turn into ICRS by themselves; for others Astropy would ask the Internet how the Earth stands."""

WORDS = re.compile("CTYPE|CUNIT|RADESYS|RADECSYS")
"""Those whose values are no numbers."""

FULL_CIRCLE_DEG = 360.0

MAX_SIP_ORDER = 9
"""The highest order that the SIP convention (Shupe et al. 2005) has names for."""


def middle_deg(header: fits.Header, shape: Sequence[int]) -> tuple[float, float] | None:
    """Give right ascension and declination (degrees, ICRS) of the middle of an image; None where they are not known.

    ``shape`` ends with (height, width). A WCS that is none of the sky, is incomplete, or that Astropy cannot use is
    taken as none: the picture is no worse for it.
    """
    if not all(SKY_AXIS.match(str(header.get(f"CTYPE{axis}", ""))) for axis in (1, 2)):
        return None
    from astropy import units
    from astropy.wcs import WCS

    height, width = shape[-2:]
    # What WCSLIB, Astropy's frames and its SIP make of a strange header has no common parent.
    with suppress(Exception), quiet_libraries, np.errstate(all="ignore"):
        wcs = WCS(plane_header(header), naxis=2)
        sky = wcs.pixel_to_world((width - 1) / 2, (height - 1) / 2).icrs
        ra_deg, dec_deg = float(sky.ra.to_value(units.deg)), float(sky.dec.to_value(units.deg))
        if np.isfinite(ra_deg) and np.isfinite(dec_deg):
            return ra_deg, dec_deg
    return None


def plane_header(header: fits.Header) -> fits.Header:
    """Copy what describes the two axes of the image, so that nothing else in a header can cost time or memory.

    Raises ValueError where it is incomplete or no number: WCSLIB would put its own in the place.
    """
    plane = fits.Header()
    for card in header.cards:
        if PLANE_KEYWORDS.fullmatch(card.keyword) and card.keyword not in plane:
            plane[card.keyword] = card.value
    numbers = {name: value for name, value in plane.items() if not WORDS.match(name)}
    strange = [name for name, value in numbers.items() if isinstance(value, bool) or not isinstance(value, int | float)]
    missing = [name for name in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2") if name not in numbers]
    has_scale = any(name.startswith(("CD", "PC")) for name in numbers)
    orders = [plane.get(f"{name}_ORDER", 0) for name in ("A", "B", "AP", "BP")]
    if strange or missing or not has_scale or not set(orders) <= set(range(MAX_SIP_ORDER + 1)):
        raise ValueError(f"no WCS of an image: {plane!r}")
    if max(abs(plane["CRVAL1"]), abs(plane["CRVAL2"])) > FULL_CIRCLE_DEG:
        raise ValueError("no degrees")
    return plane
