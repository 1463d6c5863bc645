"""The package's public names, and what starting it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import kamerton


@pytest.mark.parametrize("name", kamerton.__all__)
def test_every_public_name_is_there_with_a_word_on_it(name: str) -> None:
    found = getattr(kamerton, name)
    assert found.__doc__


def test_the_public_names_are_what_an_interpreter_offers() -> None:
    program = "import kamerton; print(dir(kamerton) == sorted(kamerton.__all__), 'train' in dir(kamerton))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["True", "True"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'kamerton' has no attribute 'trian'"):
        _ = kamerton.trian


@pytest.mark.parametrize("start", ["import kamerton", "import kamerton.cli", "from kamerton.data import download"])
def test_nothing_heavy_is_imported_before_it_is_needed(start: str) -> None:
    heavy = ("torch", "keras", "pandas", "matplotlib", "sklearn", "scipy", "astropy", "pyarrow", "h5py")
    program = f"{start}\nimport sys\nprint([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
