"""What Pillow and Astropy warn of while files are read: turned into errors or passed over, in any number of threads."""

from __future__ import annotations

from astropy.utils.exceptions import AstropyWarning

from kamerton.quiet import Filter, Quiet

LIBRARIES = r"(PIL|astropy|erfa)\b"

TRUNCATED = "(?s).*(truncated|smaller than the expected|file is corrupted)"
"""What Astropy only warns of where a FITS file is damaged."""

quiet_libraries = Quiet(
    Filter("ignore", Warning, module=LIBRARIES),
    Filter("ignore", AstropyWarning),
    Filter("error", AstropyWarning, TRUNCATED),
)
"""Warnings of libraries are not shown, and Astropy's of a damaged file are errors; those of others are shown."""
