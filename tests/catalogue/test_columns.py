from __future__ import annotations

from pathlib import Path

import pytest
from astropy.io.votable.ucd import parse_ucd
from astropy.units import Unit
from hypothesis import given
from hypothesis import strategies as st

from kamerton.catalogue.columns import DOUBTFUL, Column, catalogue_columns, class_columns, class_facts
from kamerton.certainty import judging
from tests.catalogue.tables import CLASSES, COLUMNS, FLAGS

ALL = {column.name: column for column in COLUMNS}


def test_columns_stand_in_the_order_of_a_catalogue() -> None:
    assert list(ALL) == [
        *("id", "ra", "dec", "objid", "dlugosc", "order_", "predicted_class"),
        *("p_spirala_laczaca_sie", "p_round_smooth", "p_round_smooth_2"),
        *("set_spirala_laczaca_sie", "set_round_smooth", "set_round_smooth_2"),
        *("set_size", "ood_energy", "ood_knn", "flags", "status"),
    ]


def test_a_run_that_is_not_calibrated_answers_without_sets_and_says_so() -> None:
    columns = class_columns(CLASSES)
    assert [column.name for column in columns] == [
        *("predicted_class", "p_spirala_laczaca_sie", "p_round_smooth", "p_round_smooth_2", "flags")
    ]
    assert "not calibrated" in columns[1].description
    assert "not calibrated" not in ALL["p_round_smooth"].description


def test_galaxies_without_positions_have_no_columns_of_them() -> None:
    assert [column.name for column in catalogue_columns({}, ("a", "b"), positions=False)] == [
        *("id", "predicted_class", "p_a", "p_b", "flags", "status")
    ]


def test_a_column_of_the_source_gives_way_to_ours_and_keeps_its_name_in_the_description() -> None:
    columns = catalogue_columns({"p_a": "text", "RA": "float64", "set_a": "text"}, ("a",), positions=False)
    assert [(column.name, column.description) for column in columns[1:4]] == [
        ("p_a_2", "Column 'p_a' of the source"),
        ("ra_2", "Column 'RA' of the source"),
        ("set_a_2", "Column 'set_a' of the source"),
    ]


def test_facts_tell_the_real_names_of_the_classes() -> None:
    assert class_facts(CLASSES) == {
        "class_spirala_laczaca_sie": "Spirala łącząca się",
        "class_round_smooth": "Round smooth",
        "class_round_smooth_2": "Round, smooth",
    }


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_ucds_and_units_are_those_of_the_virtual_observatory(column: Column) -> None:
    if column.ucd is not None:
        assert parse_ucd(column.ucd, check_controlled_vocabulary=True)
    if column.unit is not None:
        assert Unit(column.unit, format="vounit").to_string("vounit") == column.unit


def test_the_columns_that_others_look_for_have_their_ucds() -> None:
    assert {name: ALL[name].ucd for name in ("id", "ra", "dec", "predicted_class", "p_round_smooth", "flags")} == {
        "id": "meta.id;meta.main",
        "ra": "pos.eq.ra;meta.main",
        "dec": "pos.eq.dec;meta.main",
        "predicted_class": "src.morph.type;meta.modelled",
        "p_round_smooth": "stat.probability;src.morph.type",
        "flags": "meta.code.qual",
    }


def test_every_flag_is_explained() -> None:
    for flag, text in FLAGS.items():
        assert f"{flag} {text}" in ALL["flags"].description


def test_the_flags_of_a_calibrated_run_leave_that_of_every_run_alone() -> None:
    assert DOUBTFUL & sum(judging.FLAGS) == 0
    assert f"{DOUBTFUL} the picture may show" in class_columns(CLASSES)[-1].description


def test_a_class_named_size_does_not_take_the_column_that_counts() -> None:
    names = [column.name for column in class_columns(("Size", "Kształt"), FLAGS)]
    assert [name for name in names if name.startswith("set_")] == ["set_size_2", "set_ksztalt", "set_size"]


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6), st.dictionaries(st.text(), st.just("text"), max_size=6))
def test_any_classes_and_columns_give_distinct_names(class_names: list[str], carried: dict[str, str]) -> None:
    columns = catalogue_columns(carried, class_names, positions=True, flags=FLAGS)  # type: ignore[arg-type]
    names = [column.name for column in columns]
    assert len(set(names)) == len(names) == 3 + len(carried) + 1 + 2 * len(class_names) + 5


def test_the_document_tells_what_the_columns_are() -> None:
    columns = catalogue_columns({"Petro R50": "float64"}, ("Spiral", "E/S0"), positions=True, flags=judging.FLAGS)
    text = (Path(__file__).parents[2] / "docs/catalogues.md").read_text(encoding="utf-8")
    for column in columns:
        ucd = f"`{column.ucd}` " if column.ucd else ""
        unit = f"{column.unit} " if column.unit else ""
        assert f"| `{column.name}` | {column.kind} | {unit}| {ucd}| {column.description} |" in text
