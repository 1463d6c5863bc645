"""Finding identifiers that are there twice."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamerton.catalogue import identifiers
from kamerton.catalogue.identifiers import Identifiers, hashes


@given(st.lists(st.text(max_size=3), max_size=60), st.integers(1, 8))
def test_what_is_there_twice_is_found_however_many_passes_it_takes(names: list[str], at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch, Identifiers() as found:
        patch.setattr(identifiers, "HASHES_AT_ONCE", at_once)
        for start in range(0, len(names), 7):
            found.add(pa.chunked_array([names[start : start + 7]], pa.string()))
        suspects = found.suspects()
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    assert np.isin(hashes(pa.chunked_array([twice], pa.string())), suspects).all()
    assert len(suspects) == len(twice)
