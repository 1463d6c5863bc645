"""Close pairs on the sky, and the groups that they form."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from kamerton.data.sky import SkyPair, column_pairs, connected_groups, sky_pairs
from kamerton.errors import DataError


def catalogue(*positions_deg: tuple[float, float]) -> Table:
    return Table(rows=list(positions_deg), names=("ra", "dec"))


@pytest.mark.parametrize("unit", [u.hourangle, u.hour, u.rad, u.arcsec])
def test_a_column_that_says_another_unit_is_refused(unit: u.UnitBase) -> None:
    table = Table({"ra": [1.0, 2.0] * unit, "dec": [1.0, 2.0]})
    with pytest.raises(DataError, match=f"column 'ra' is not in degrees.*values in {unit}"):
        sky_pairs(table, 33.5)


@pytest.mark.parametrize("unit", [None, "deg", "degrees", "Decimal Degrees"])
def test_a_column_in_degrees_or_that_says_nothing_known_is_read(unit: str | None) -> None:
    table = catalogue((1.0, 1.0), (1.0, 1.0))
    for name in ("ra", "dec"):
        table[name].unit = u.Unit(unit, parse_strict="silent") if unit else None
    assert rows_of(sky_pairs(table, 33.5) or []) == [(0, 1)]


def rows_of(pairs: list[SkyPair]) -> list[tuple[int, int]]:
    return [(pair.first, pair.second) for pair in pairs]


def test_a_pair_within_the_radius_is_found_with_its_separation() -> None:
    found = sky_pairs(catalogue((10.0, 60.0), (200.0, -5.0), (10.01, 60.0)), 33.5)
    assert found is not None
    assert rows_of(found) == [(0, 2)]
    # 0.01 degrees of right ascension shrink by cos(60 deg).
    assert found[0].separation_arcsec == pytest.approx(18.0, abs=0.01)


def test_the_meridian_where_right_ascension_starts_again_parts_nobody() -> None:
    assert rows_of(sky_pairs(catalogue((359.999, 0.0), (0.001, 0.0)), 33.5) or []) == [(0, 1)]


def test_the_radius_itself_decides() -> None:
    near = catalogue((0.0, 0.0), (0.0, 33.4 / 3600))
    far = catalogue((0.0, 0.0), (0.0, 33.6 / 3600))
    assert len(sky_pairs(near, 33.5) or []) == 1
    assert sky_pairs(far, 33.5) == []


def test_rows_at_one_position_are_held_by_their_first() -> None:
    found = sky_pairs(catalogue(*[(5.0, 5.0)] * 4), 33.5)
    assert rows_of(found or []) == [(0, 1), (0, 2), (0, 3)]


def test_a_thousand_rows_without_real_positions_do_not_make_a_million_pairs() -> None:
    assert len(sky_pairs(catalogue(*[(0.0, 0.0)] * 1000), 33.5) or []) == 999


def test_unknown_positions_are_alone() -> None:
    assert rows_of(sky_pairs(catalogue((1.0, 1.0), (np.nan, 1.0), (np.nan, 1.0), (1.0, 1.0)), 10.0) or []) == [(0, 3)]


def test_masked_positions_are_alone() -> None:
    table = Table({"ra": MaskedColumn([1.0, 1.0, 1.0], mask=[False, True, False]), "dec": [1.0, 1.0, 1.0]})
    assert rows_of(sky_pairs(table, 10.0) or []) == [(0, 2)]


@pytest.mark.parametrize("table", [Table({"id": ["a"]}), catalogue((np.nan, np.nan))], ids=["no columns", "all NaN"])
def test_no_positions_at_all_is_said(table: Table) -> None:
    assert sky_pairs(table, 33.5) is None


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 40), radius_arcsec=st.sampled_from([1.0, 33.5, 600.0]))
def test_every_pair_that_astropy_separates_by_less_ends_in_one_group(
    seed: int, count: int, radius_arcsec: float
) -> None:
    rng = np.random.default_rng(seed)
    positions_deg = rng.uniform(-0.05, 0.05, (count, 2)) % 360 + [[0, 0]]
    positions_deg[:, 1] = rng.uniform(-0.05, 0.05, count)
    sky = SkyCoord(*positions_deg.T, unit=u.deg)
    groups = connected_groups(count, rows_of(sky_pairs(catalogue(*map(tuple, positions_deg)), radius_arcsec) or []))
    close = sky[:, None].separation(sky[None, :]).arcsec < radius_arcsec
    assert (groups[:, None] == groups[None, :])[close].all()


def test_groups_go_through_others() -> None:
    groups = connected_groups(6, [(0, 1), (1, 4)])
    assert groups[0] == groups[1] == groups[4]
    assert len(set(groups.tolist())) == 4


def test_equal_values_are_paired_and_empty_ones_are_alone() -> None:
    values = MaskedColumn(["a", "", "b", "a", "", "b", "x"], mask=[0, 0, 0, 0, 0, 0, 1])
    assert column_pairs(values) == [(0, 3), (2, 5)]


def test_numbers_are_paired_and_nan_is_alone() -> None:
    assert column_pairs(np.array([1.0, np.nan, 1.0, np.nan])) == [(0, 2)]
