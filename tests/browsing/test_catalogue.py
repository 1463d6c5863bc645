"""A catalogue that is looked through page by page."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from kamerton.browsing import catalogue as browsed_module
from kamerton.browsing import staged
from kamerton.browsing.catalogue import Browsed, decisions_path
from kamerton.browsing.found import catalogues_below
from kamerton.config.browsing import Wanted
from kamerton.errors import DataError, UnknownNameError
from kamerton.labelling.journal import Decision
from kamerton.neighbours.next_galaxies import next_galaxies
from tests.browsing.conftest import COUNT, FORMS
from tests.conftest import CLASS_NAMES


@pytest.fixture
def night(catalogues: Path, tmp_path: Path) -> Iterator[Browsed]:
    """The folder of shards, in a place of its own, so that decisions can be written beside it."""
    shutil.copytree(catalogues / "night", tmp_path / "night")
    browsed = Browsed(tmp_path / "night")
    yield browsed
    browsed.close()


@pytest.mark.parametrize("form", FORMS)
def test_a_galaxy_has_all_that_the_catalogue_says_of_it(catalogues: Path, form: str) -> None:
    table = pd.read_parquet(catalogues / "one.parquet")
    browsed = Browsed(catalogues / form)
    for one in browsed.galaxies(Wanted(), 0, COUNT):
        row = table.loc[one.row]
        texts = [text if isinstance(text, str) else "" for text in row[["id", "predicted_class", "status"]]]
        assert [one.id, one.predicted_class, one.status] == texts
        known = {name: row[f"p_{name}"] for name in CLASS_NAMES if row["predicted_class"] in CLASS_NAMES}
        assert one.probabilities == pytest.approx(known)
        assert one.likely_classes == tuple(name for name in CLASS_NAMES if row[f"set_{name}"])
        assert one.is_unlike == (row["flags"] % 4 > 0)
    browsed.close()


def test_pages_together_are_all_galaxies_once(night: Browsed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsed_module, "galaxies_ahead", lambda catalogue: 10)
    wanted = Wanted(order="probability", descending=True)
    found = [one for start in range(0, COUNT, 7) for one in night.galaxies(wanted, start, 7)]
    assert sorted(one.row for one in found) == list(range(COUNT))
    known = [one.probability for one in found if one.probability is not None]
    assert known == sorted(known, reverse=True)
    assert night.count(wanted) == COUNT


def test_past_the_end_there_is_nothing(night: Browsed) -> None:
    assert night.galaxies(Wanted(), COUNT, 5) == []
    assert night.galaxies(Wanted(predicted="dim", at_least=1.0, at_most=1.0, smallest_set=3), 0, 5) == []
    assert night.galaxy(COUNT) is None
    assert night.galaxy(-1) is None


def test_one_galaxy_is_that_of_the_page(night: Browsed) -> None:
    found = night.galaxy(12)
    night.galaxies(Wanted(order="probability"), 0, 48)
    assert found == night.galaxies(Wanted(), 12, 1)[0] == night.galaxy(12)


@pytest.mark.parametrize("wrong", [Wanted(predicted="spirl"), Wanted(order="colour")])
def test_a_class_or_an_order_that_there_is_not_lists_those_that_there_are(night: Browsed, wrong: Wanted) -> None:
    with pytest.raises(UnknownNameError, match=r"Allowed: "):
        night.count(wrong)


def test_next_is_the_order_that_kamerton_next_gives(night: Browsed) -> None:
    asked = next_galaxies(night.opened.path, count=10)
    found = night.galaxies(Wanted(order="next", count=10), 0, 48)
    assert [one.id for one in found] == [one.id for one in asked.galaxies]


def test_next_asks_for_no_galaxy_again_once_it_is_asked_anew(night: Browsed) -> None:
    wanted = Wanted(order="next", count=10)
    first = night.galaxies(wanted, 0, 10)
    night.journal.append(Decision(first[0].id, "dim", "Ola"))
    # A round that has begun stays as it is, or its galaxies would change under the fingers.
    assert night.galaxies(wanted, 0, 10) == first
    night.forget(wanted)
    assert first[0].id not in {one.id for one in night.galaxies(wanted, 0, 10)}


def test_what_is_decided_can_be_looked_at_at_once(night: Browsed) -> None:
    assert night.count(Wanted(decided="yes")) == 0
    night.journal.append(Decision("łuk 03.png", "dim", "Ola"), Decision("łuk 05.png", "unsure", "Ola"))
    assert [one.row for one in night.galaxies(Wanted(decided="yes"), 0, 9)] == [3, 5]
    assert [one.row for one in night.galaxies(Wanted(decided="unsure"), 0, 9)] == [5]
    assert night.count(Wanted(decided="no")) == COUNT - 2
    night.journal.undo("Ola")
    assert [one.row for one in night.galaxies(Wanted(decided="yes"), 0, 9)] == [3]


def test_the_word_that_stands_is_the_last_of_those_who_have_not_taken_it_back(night: Browsed) -> None:
    night.journal.append(*(Decision("łuk 03.png", label, who) for label, who in (("dim", "Jan"), ("striped", "Ola"))))
    assert night.standing()["łuk 03.png"].label == "striped"
    assert night.standing("Jan")["łuk 03.png"].label == "dim"
    night.journal.undo("Ola")
    assert night.standing()["łuk 03.png"].label == "dim"
    assert not night.standing("Ola")


def test_pictures_that_are_gone_leave_the_catalogue(night: Browsed, catalogues: Path) -> None:
    moved = catalogues / "elsewhere"
    (catalogues / "new").rename(moved)
    try:
        with pytest.raises(DataError, match="is not there"):
            _ = night.pictures
        assert night.count(Wanted()) == COUNT
    finally:
        moved.rename(catalogues / "new")


def test_catalogues_are_found_and_nothing_else(catalogues: Path) -> None:
    assert list(catalogues_below(catalogues)) == sorted(FORMS)
    assert catalogues_below(catalogues / "night") == {"night": catalogues / "night"}


def test_what_is_no_catalogue_is_not_found(tmp_path: Path, catalogues: Path) -> None:
    (tmp_path / "decisions.csv").write_text("id,label\ng1,spiral\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nothing")
    (tmp_path / ".hidden.csv").write_text("id,predicted_class\ng1,spiral\n")
    deep = tmp_path / "a" / "b" / "c" / "d"
    deep.mkdir(parents=True)
    shutil.copy(catalogues / "one.parquet", deep)
    assert not catalogues_below(tmp_path)
    shutil.copy(catalogues / "one.parquet", deep.parent)
    assert list(catalogues_below(tmp_path)) == ["a/b/c/one.parquet"]


@pytest.mark.parametrize(("name", "expected"), [("night", "night.decisions.csv"), ("one.parquet", "one.decisions.csv")])
def test_decisions_are_kept_beside_their_catalogue(catalogues: Path, name: str, expected: str) -> None:
    assert decisions_path(catalogues / name) == catalogues / expected


def test_a_catalogue_in_csv_is_read_in_parts_and_leaves_nothing(
    catalogues: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged, "PIECE_ROWS", 16)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    browsed = Browsed(catalogues / "one.csv")
    assert [part.rows for part in browsed.opened.parts] == [16, 16, 16, 12]
    assert [one.row for one in browsed.galaxies(Wanted(), 0, COUNT)] == list(range(COUNT))
    browsed.close()
    assert not list(tmp_path.iterdir())
