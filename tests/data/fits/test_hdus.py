"""A FITS file is opened in one way, and what is wrong with it is one error for cubes and cutouts alike."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from kamerton.data.fits.hdus import open_fits, physical
from kamerton.errors import CubeError, PictureError


@pytest.mark.parametrize("expected", [CubeError, PictureError])
def test_a_damaged_file_is_refused_as_what_was_expected_in_it(tmp_path: Path, expected: type[Exception]) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(b"SIMPLE  =                    T".ljust(2880))
    with pytest.raises(expected, match="has no END"):
        open_fits(path)


def test_closing_the_hdus_closes_the_file(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.zeros((2, 2), np.int16)).writeto(tmp_path / "a.fits")
    file, hdus = open_fits(tmp_path / "a.fits")
    with closing(hdus):
        assert not file.closed
    assert file.closed


def test_a_blank_is_no_number_and_others_are_scaled() -> None:
    header = fits.Header({"BSCALE": 0.5, "BZERO": 10.0, "BLANK": -1})
    np.testing.assert_array_equal(physical(np.array([-1, 4], np.int16), header), [np.nan, 12.0])
