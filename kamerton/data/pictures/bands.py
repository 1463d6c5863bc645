"""Which bands the planes of a FITS cutout are: from its header, or from who imports it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from astropy.io import fits

from kamerton.config.pictures import MAX_BAND_NAME, WAVELENGTH_ORDER, band_names
from kamerton.errors import PictureError
from kamerton.plurals import counted

BAND_WEIGHTS = {"g": 6.0, "r": 3.4, "i": 3.0, "z": 2.2}
"""Relative weights at which a galaxy of ordinary colour is white: those of the Legacy Surveys viewer, whose pictures
Galaxy10 DECaLS consists of. They also give EFIGI's g, r, i cutouts the colours of EFIGI's own pictures."""

CLEAR = re.compile(r"CLEAR|OPEN|EMPTY|NONE|BLANK|N/A", re.IGNORECASE)
"""What stands in FILTER1 or FILTER2 where a filter wheel has no filter in the way."""

PREFIXED = re.compile(r"(?:HSC|SDSS|DES|DECAM|PS1)[-_ .]([ugrizyUGRIZY])\d?$")


def bands_of(where: str, headers: Sequence[fits.Header], given: str | None, planes: int) -> tuple[str, ...] | None:
    """Name the planes of a cutout in the file's order; None where neither header nor ``given`` does.

    The header's names are BANDS; BAND0, BAND1... or BAND1, BAND2...; FILTER, FILTER1...; the image's own header comes
    before the primary one. PictureError where two of them disagree, or have another number of names than of planes.
    """
    found = next((names for names in (_named(where, header, planes) for header in headers) if names is not None), None)
    told = None if given is None else band_names(given)
    if told is not None and len(told) != planes:
        raise _disagree(where, f"{counted(len(told), 'band')} named, {', '.join(told)}, for {counted(planes, 'plane')}")
    if found is not None and told is not None and found != told:
        raise _disagree(where, f"its header says {', '.join(found)}, and --bands {', '.join(told)}")
    return found or told


def blue_to_red(names: tuple[str, ...] | None, planes: int) -> list[int]:
    """Order planes by wavelength where all bands are u, g, r, i, z or y; others stand from blue to red already."""
    if names is None or not set(names) <= set(WAVELENGTH_ORDER):
        return list(range(planes))
    return sorted(range(planes), key=lambda plane: WAVELENGTH_ORDER.index(names[plane]))


def weights_of(names: tuple[str, ...] | None, planes: int) -> tuple[float, ...]:
    """Weigh bands, from blue to red, so that ordinary galaxies are white; equally where their weights are not known."""
    if names is None or planes == 1 or not set(names) <= set(BAND_WEIGHTS):
        return (1.0,) * planes
    middle = BAND_WEIGHTS[names[1]]
    return tuple(BAND_WEIGHTS[name] / middle for name in names)


def _named(where: str, header: fits.Header, planes: int) -> tuple[str, ...] | None:
    """Take the names that a header gives; all of its ways to say them must agree."""
    answers = list(dict.fromkeys(_answers(header, planes)))
    if not answers:
        return None
    if len(answers) > 1:
        raise _disagree(where, f"its header says {' and '.join(', '.join(names) for names in answers)}")
    names = answers[0]
    if len(names) != planes or len(set(names)) != planes:
        raise _disagree(where, f"its header names {', '.join(names)} for {counted(planes, 'plane')}")
    return names


def _answers(header: fits.Header, planes: int) -> Iterator[tuple[str, ...]]:
    names = tuple(_short(name) for name in band_names(_text(header, "BANDS")))
    # Of another number of names, only those of known bands are meant as such.
    if names and (len(names) == planes or set(names) <= set(WAVELENGTH_ORDER)):
        yield names
    for first in (0, 1):
        keywords = [f"BAND{number}" for number in range(first, first + planes)]
        texts = [_text(header, keyword) for keyword in keywords]
        if all(texts) and f"BAND{first + planes}" not in header and (first == 0 or "BAND0" not in header):
            yield tuple(_short(text) for text in texts)
    filters = [_text(header, keyword) for keyword in _filter_keywords(header, planes)]
    filters = [name for name in filters if name and not CLEAR.match(name)]
    # Filters of other planes than these say nothing of them.
    if len(filters) == planes:
        yield tuple(_short(name) for name in filters)
    elif len(filters) == 1 and len(band_names(filters[0])) == planes:
        yield tuple(_short(name) for name in band_names(filters[0]))


def _filter_keywords(header: fits.Header, planes: int) -> list[str]:
    """FILTER, or else FILTER1 and those after it; a single plane may have been seen through two wheels of filters."""
    return ["FILTER"] if "FILTER" in header else [f"FILTER{number}" for number in range(1, max(planes, 2) + 1)]


def _text(header: fits.Header, keyword: str) -> str:
    value = header.get(keyword, "")
    return value.strip() if isinstance(value, str) else ""


def _short(name: str) -> str:
    """Take the letter of a survey's long name: ``g DECam SDSS c0001 4720.0 1520.0``, ``g.00000``, ``HSC-G``."""
    prefixed = PREFIXED.match(name)
    word = prefixed[1] if prefixed else re.split(r"[ ._']", name)[0]
    letter = word.lower()
    return letter if letter and letter in WAVELENGTH_ORDER and len(letter) == 1 else name[:MAX_BAND_NAME]


def _disagree(where: str, received: str) -> PictureError:
    return PictureError(
        f"{where}: the names of its bands do not agree",
        received=received,
        allowed="one name a plane, in the file's order, and the same wherever they stand",
        next_step="correct the header's BANDS, or --bands where you gave it",
    )
