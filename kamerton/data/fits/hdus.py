"""The one way to open a FITS file, cube or cutout, with one error for whatever Astropy makes of a damaged one.

Gzipped and tile-compressed files are unpacked first, to a temporary file, so that what Astropy opens is always plain.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from astropy.io import fits
from jaxtyping import Num

from kamerton.data.fits.structure import HduLayout, check_structure
from kamerton.data.fits.tiles import is_compressed, unpack_tiles
from kamerton.data.fits.unpacking import as_plain_file
from kamerton.data.quiet import quiet_libraries
from kamerton.errors import DataError, FitsError

IMAGE_HDUS = (fits.PrimaryHDU, fits.ImageHDU)


def open_fits(path: Path) -> tuple[IO[bytes], fits.HDUList]:
    """Open a FITS file, gzipped or not: its bytes, not gzipped any more, and its HDUs, mapped into memory.

    Headers are checked before Astropy believes them. Closing the list of HDUs closes the file. Raises FitsError where
    the file is missing, damaged, or unpacks to far more than its own size.
    """
    file = as_plain_file(path)
    try:
        return file, open_hdus(path, file, check_structure(path, file))
    except BaseException:
        file.close()
        raise


@contextmanager
def fits_errors(path: Path, hdu_number: int | None) -> Iterator[None]:
    """Turn what Astropy raises or only warns about, for a damaged file, into one FitsError."""
    where = f"{path}" if hdu_number is None else f"{path} HDU {hdu_number}"
    try:
        # Numbers that overflow become infinite, which is refused where pixels and labels are checked.
        with quiet_libraries, np.errstate(all="ignore"):
            yield
    except DataError:
        raise
    # What Astropy and the decompressors in it raise for a damaged file has no common parent.
    except Exception as error:
        raise FitsError(
            f"{where}: cannot be read as FITS",
            received=f"{type(error).__name__}: {error}",
            next_step="check that the file arrived whole, and fetch or write it again",
        ) from error


def open_hdus(path: Path, file: IO[bytes], layouts: Sequence[HduLayout]) -> fits.HDUList:
    """List the HDUs of an open file, mapped into memory; closing the list closes the file.

    ``layouts`` are those that its headers promise. Raises FitsError where a compressed image cannot be unpacked.
    """
    plain = unpack_tiles(path, file, layouts) if is_compressed(layouts) else file
    plain.seek(0)
    try:
        with fits_errors(path, None):
            # Astropy cannot both scale and map a file into memory; the scaling is done by `physical`, image by image.
            return fits.open(plain, memmap=True, lazy_load_hdus=False, do_not_scale_image_data=True)
    except BaseException:
        plain.close()
        raise


def byte_of(hdu: Any, row: int) -> int | None:
    """Find the byte of the file, not gzipped, where a row of an image HDU begins; None where it was in tiles."""
    if "ZCMPTYPE" in hdu.header:
        return None
    row_bytes: int = abs(hdu.header["BITPIX"]) // 8 * math.prod(hdu.shape[1:])
    return int(hdu.fileinfo()["datLoc"]) + row * row_bytes


def is_scaled(header: fits.Header) -> bool:
    """Tell whether stored numbers are other than what they mean."""
    return header.get("BZERO", 0) != 0 or header.get("BSCALE", 1) != 1 or "BLANK" in header


def physical(stored: Num[np.ndarray, "*axes"], header: fits.Header) -> Num[np.ndarray, "*axes"]:
    """Apply BSCALE, BZERO and BLANK (FITS standard 4.0, section 4.4.2.5); a blank becomes NaN."""
    if not is_scaled(header):
        return stored
    values = stored * float(header.get("BSCALE", 1)) + float(header.get("BZERO", 0))
    if "BLANK" in header and stored.dtype.kind in "iu":
        values[stored == header["BLANK"]] = np.nan
    return np.asarray(values)
