"""Warnings of libraries while files are read: passed over, or errors where a file is damaged."""

from __future__ import annotations

import warnings

import pytest
from astropy.utils.exceptions import AstropyUserWarning

from kamerton.data.quiet import quiet_libraries
from kamerton.errors import KamertonWarning, warn


def say(text: str, module: str) -> None:
    """Warn as a library does from a module of its own."""
    warnings.warn_explicit(text, UserWarning, "file.py", 1, module=module)


def test_warnings_of_libraries_are_passed_over_and_others_are_shown() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet_libraries:
            say("Corrupt EXIF data", "PIL.TiffImagePlugin")
            warnings.warn("a strange card", AstropyUserWarning, stacklevel=1)
            say("mine", "PILlow")
            warn("a galaxy")
        say("after", "PIL.Image")
    assert [str(warning.message) for warning in caught] == ["mine", "a galaxy.", "after"]


def test_what_astropy_warns_of_in_a_damaged_file_is_an_error() -> None:
    with quiet_libraries, pytest.raises(AstropyUserWarning):
        warnings.warn("File may have been truncated", AstropyUserWarning, stacklevel=1)
    with quiet_libraries, pytest.warns(KamertonWarning):
        warn("truncated.jpg: a picture")
