"""Writing a labelled FITS cube: streamed to disk in constant memory, with checksums, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from astropy import units
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning
from astropy.table import Table
from jaxtyping import Integer

from kamerton.arrays import ImagesNHWC
from kamerton.config.pictures import PixelOrigin
from kamerton.data.cubes.origin import WRITTEN_BY, origin_cards
from kamerton.data.cubes.own import BLOCK_BYTES, CARD_BYTES, require_cube_place
from kamerton.data.fits.letters import (
    ESCAPES_CARD,
    ESCAPES_KEYWORD,
    card_text,
    escape_table,
    fits_cards,
    to_ascii,
    with_comment,
)
from kamerton.errors import UsageError
from kamerton.files import cannot_write, partial_path, remove_partial
from kamerton.quiet import Filter, Quiet

CLASS_KEYWORD = "CLASS"
"""``CLASS0``, ``CLASS1``... in the label HDU's header name the classes."""

HISTORY_CHARACTERS = 72
"""What one HISTORY card holds."""
HEADER_BLOCKS = 1
"""Blocks kept for the primary header (36 cards), whose galaxy count and checksums are known only at the end."""

CUBE_ENDINGS = (".fits", ".fit", ".fts")

_NAMES_OF_COLUMNS = Quiet(Filter("ignore", VerifyWarning))
"""They are the user's own, in any letters."""


def require_cube_name(path: Path) -> None:
    """Refuse a name that does not say that a file is FITS (UsageError)."""
    if path.suffix.lower() not in CUBE_ENDINGS:
        raise UsageError(
            f"{path}: no name for a cube",
            received=f"the ending {path.suffix!r}" if path.suffix else "no ending",
            allowed=" or ".join(CUBE_ENDINGS),
            next_step=f"write {path.name.removesuffix('.gz').removesuffix(path.suffix)}.fits",
        )


class CubeWriter:
    """Write a labelled cube beside its final name, and rename it there once it is whole.

    Use it in a ``with`` block: ``append`` images any number of times, then ``finish``. Leaving the block otherwise
    removes what was written. The same input gives the same bytes. Where so many ``history_cards`` are announced, the
    header has room for them. With ``overwrite`` a cube that Kamerton wrote is
    replaced at the end. Raises OutputError where anything else is at ``path``, or where it cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        image_shape: tuple[int, int, int],
        dtype: npt.DTypeLike,
        class_names: Sequence[str],
        history_cards: int = 0,
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        self.class_names = tuple(class_names)
        self._shape = image_shape
        self._stored_type = np.dtype(dtype).newbyteorder(">")
        self._bitpix = {"u1": 8, "f4": -32}[self._stored_type.str[1:]]
        self._count = 0
        self._header_blocks = HEADER_BLOCKS + -(-history_cards * CARD_BYTES // BLOCK_BYTES)
        self._partial = partial_path(self.path)
        require_cube_place(self.path, overwrite=overwrite)
        try:
            # What a killed process left there; a link would be written through.
            remove_partial(self.path)
            self._file = self._partial.open("wb")
            self._file.write(self._primary_header())
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A disk that cannot be written must not hide the error.
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            remove_partial(self.path)

    def append(self, images_nhwc: ImagesNHWC) -> None:
        """Add images (n, height, width, channels) of the cube's shape and type."""
        assert images_nhwc.shape[1:] == self._shape, (images_nhwc.shape, self._shape)
        self._file.write(np.ascontiguousarray(images_nhwc, self._stored_type).data)
        self._count += len(images_nhwc)

    def finish(
        self,
        labels: Integer[np.ndarray, " n"],
        catalogue: Table | None = None,
        history: Sequence[str] = (),
        origin: PixelOrigin | None = None,
    ) -> None:
        """Add one label and one catalogue row an image, and give the file its name.

        ``history`` lines tell where the images come from and become HISTORY cards of HDU 0, the last of
        them where it has no room for all; ``origin`` tells how their pixels came to be, and None that it is not known.
        """
        assert len(labels) == self._count, (len(labels), self._count)
        self._pad()
        self._file.seek(0)
        self._file.write(self._primary_header(history, origin))
        self._file.close()
        with fits.open(self._partial, mode="append", memmap=True) as hdus:
            hdus.append(self._label_hdu(np.asarray(labels)))
            if catalogue is not None:
                hdus.append(_catalogue_hdu(catalogue))
        add_checksums(self._partial)
        with self._partial.open("rb") as written:
            os.fsync(written.fileno())
        self._partial.replace(self.path)

    def _pad(self) -> None:
        self._file.write(b"\0" * (-self._file.tell() % BLOCK_BYTES))

    def _primary_header(self, history: Sequence[str] = (), origin: PixelOrigin | None = None) -> bytes:
        height, width, channels = self._shape
        header = fits.Header()
        header["SIMPLE"] = (True, "conforms to the FITS standard")
        header["BITPIX"] = (self._bitpix, "pixel type")
        header["NAXIS"] = 4
        header["NAXIS1"] = (channels, "channels")
        header["NAXIS2"] = (width, "columns, pixels")
        header["NAXIS3"] = (height, "rows, pixels")
        header["NAXIS4"] = (self._count, "galaxies")
        header["EXTEND"] = True
        header["ORIGIN"] = (WRITTEN_BY, "labelled cube: images, labels, catalogue")
        reserve_checksums(header)
        header.update(origin_cards(origin))
        room = self._header_blocks * BLOCK_BYTES // CARD_BYTES - len(header) - 1
        cards = [card for line in history for card in _history_cards(to_ascii(line))]
        for card in cards[-room:]:
            header.add_history(card)
        # Blank cards before END keep the header's length, so that it can be written again in its place.
        header.extend([("", "")] * (room - len(cards)), bottom=True)
        return str(header.tostring()).encode("ascii")

    def _label_hdu(self, labels: Integer[np.ndarray, " n"]) -> fits.ImageHDU:
        hdu = fits.ImageHDU(labels.astype(np.uint8 if len(self.class_names) <= 256 else np.int32), name="LABELS")
        write = str if fits_cards(self.class_names) else card_text
        if write is card_text:
            hdu.header[ESCAPES_KEYWORD] = ESCAPES_CARD
        for index, name in enumerate(self.class_names):
            hdu.header[f"{CLASS_KEYWORD}{index}"] = with_comment(write(name), f"class of label {index}")
        reserve_checksums(hdu.header)
        return hdu


def _history_cards(line: str) -> list[str]:
    return [line[start : start + HISTORY_CHARACTERS] for start in range(0, len(line), HISTORY_CHARACTERS)]


def _catalogue_hdu(catalogue: Table) -> fits.BinTableHDU:
    table = catalogue.copy()
    for name in ("ra", "dec"):
        if name in table.colnames:
            table[name].unit = units.deg
    table.meta.clear()
    has_escapes = escape_table(table)
    with _NAMES_OF_COLUMNS:
        hdu = fits.table_to_hdu(table)
    hdu.name = "CATALOG"
    if has_escapes:
        hdu.header[ESCAPES_KEYWORD] = ESCAPES_CARD
    hdu.header["RADESYS"] = ("ICRS", "of ra and dec")
    reserve_checksums(hdu.header)
    return hdu


def reserve_checksums(header: fits.Header) -> None:
    """Keep room in a header for what `add_checksums` fills in."""
    header["CHECKSUM"] = ("0" * 16, "HDU checksum")
    header["DATASUM"] = ("0", "data unit checksum")


def add_checksums(path: Path) -> None:
    """Fill in CHECKSUM and DATASUM of every HDU, where their cards are; the data are only read."""
    with fits.open(path, mode="readonly", memmap=True) as hdus, path.open("r+b") as file:
        for hdu in hdus:
            # A fixed text instead of the hour keeps the file the same for the same input.
            hdu.add_checksum(when="by Kamerton")
            extent = hdu.fileinfo()
            header = hdu.header.tostring().encode("ascii")
            assert len(header) == extent["datLoc"] - extent["hdrLoc"], "the header must keep its length"
            file.seek(extent["hdrLoc"])
            file.write(header)
