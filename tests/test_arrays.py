"""Arrays that cross a function of the package are held against their annotations while the tests run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from kamerton.batches.reading import batch_indices
from kamerton.config.surveys import SplitSettings
from kamerton.data.cubes.cube import fingerprint_of
from kamerton.data.cubes.images import image_digest
from kamerton.data.splitting import Grouping, assign_splits


def test_another_number_type_is_found() -> None:
    with pytest.raises(TypeCheckError):
        fingerprint_of(["a"], np.zeros(1, np.float32), ["bright"])


def test_another_number_of_axes_is_found() -> None:
    with pytest.raises(TypeCheckError):
        image_digest(np.zeros((8, 8), np.uint8))


def test_two_lengths_of_one_axis_are_found() -> None:
    with pytest.raises(TypeCheckError):
        assign_splits(np.zeros(5, np.int64), np.arange(6), SplitSettings())


def test_an_array_in_a_dataclass_is_found() -> None:
    with pytest.raises(TypeCheckError):
        Grouping(np.zeros((2, 2), np.int64), None)


def test_words_are_left_to_mypy() -> None:
    assert len(batch_indices(np.arange(5), np.int64(2))) == 3  # type: ignore[arg-type]


def test_axes_are_those_of_numpys_own_class() -> None:
    """NumPy 2.5 makes ``npt.NDArray`` an alias that jaxtyping cannot give axes to, so the import would fail."""
    with_axes = re.compile(r"\b(?:Shaped|Bool|Key|Num|Real|U?Int\d*|Float\d*|Complex\d*)\[\s*npt\.")
    sources = [*Path("kamerton").rglob("*.py"), *Path("tests").rglob("*.py")]
    assert sources
    assert not [str(path) for path in sources if with_axes.search(path.read_text(encoding="utf-8"))]
