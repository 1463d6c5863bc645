"""Which rows of a catalogue are wanted, against pandas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamerton.browsing.orders import orders
from kamerton.browsing.selection import select
from kamerton.catalogue.readers import open_catalogue
from kamerton.config.browsing import Wanted
from kamerton.errors import UsageError
from tests.browsing.conftest import COUNT, FORMS
from tests.conftest import CLASS_NAMES

PROBABILITIES = [f"p_{name}" for name in CLASS_NAMES]


@pytest.fixture(scope="module")
def table(catalogues: Path) -> pd.DataFrame:
    """The same catalogue, as pandas reads it."""
    found = pd.read_parquet(catalogues / "one.parquet")
    found["probability"] = found[PROBABILITIES].max(axis=1)
    two = np.sort(found[PROBABILITIES].to_numpy(), axis=1)
    found["margin"] = two[:, -1].astype(float) - two[:, -2]
    return found


def rows(path: Path, wanted: Wanted, decided: tuple[str, ...] = ()) -> list[int]:
    with open_catalogue(path) as catalogue:
        return select(catalogue, wanted, decided).tolist()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("wanted", "query"),
    [
        (Wanted(), "id == id"),
        (Wanted(predicted="dim"), "predicted_class == 'dim'"),
        (Wanted(predicted="-"), "status.notna()"),
        (Wanted(at_least=0.6), "probability >= 0.6"),
        (Wanted(predicted="dim", at_least=0.4, at_most=0.7), "predicted_class == 'dim' and 0.4 <= probability <= 0.7"),
        (Wanted(smallest_set=1, largest_set=1), "set_size == 1"),
        (Wanted(smallest_set=2), "set_size >= 2"),
        (Wanted(unlike="yes"), "flags % 4 > 0"),
        (Wanted(unlike="no", predicted="bright"), "flags % 4 == 0 and predicted_class == 'bright'"),
    ],
)
def test_what_is_wanted_is_what_pandas_finds(
    catalogues: Path, table: pd.DataFrame, form: str, wanted: Wanted, query: str
) -> None:
    assert rows(catalogues / form, wanted) == table.query(query).index.tolist()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ["probability", "margin", "id", "predicted_class", "set_size", "ood_energy", "p_dim"])
def test_every_order_is_that_of_pandas(
    catalogues: Path, table: pd.DataFrame, form: str, order: str, descending: bool
) -> None:
    found = rows(catalogues / form, Wanted(order=order, descending=descending))
    assert sorted(found) == list(range(COUNT))
    numbers = table[order].replace("", None)[found]
    values = numbers.dropna()
    # Galaxies without a value come last in both directions.
    assert numbers.notna().tolist() == sorted(numbers.notna(), reverse=True)
    assert values.tolist() == sorted(values, reverse=descending)


def test_equal_ones_stay_in_the_catalogue_s_order(catalogues: Path, table: pd.DataFrame) -> None:
    found = rows(catalogues / "night", Wanted(order="set_size"))
    expected = table["set_size"].sort_values(kind="stable").index.tolist()
    assert found == expected


def test_the_catalogue_s_own_order_can_be_turned_round(catalogues: Path) -> None:
    assert rows(catalogues / "night", Wanted(descending=True)) == list(range(COUNT))[::-1]


@pytest.mark.parametrize("form", FORMS)
def test_decided_and_undecided_galaxies_are_told_apart(catalogues: Path, form: str) -> None:
    decided = ("łuk 03.png", "łuk 40.png", "of another catalogue")
    assert rows(catalogues / form, Wanted(decided="yes"), decided) == [3, 40]
    assert len(rows(catalogues / form, Wanted(decided="no"), decided)) == COUNT - 2


def test_orders_are_columns_that_can_be_sorted_by(catalogues: Path) -> None:
    with open_catalogue(catalogues / "night") as catalogue:
        found = orders(catalogue)
    assert found[:3] == ["probability", "margin", "id"]
    assert not {"features", "flags", "set_dim"} & set(found)


@pytest.mark.parametrize("wrong", [{"at_least": 1.5}, {"at_most": -0.1}, {"smallest_set": -1}, {"count": 0}])
def test_bounds_outside_their_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Wanted(**wrong)  # type: ignore[arg-type]
