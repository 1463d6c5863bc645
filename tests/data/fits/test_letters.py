"""Any letters go through a FITS file and come back the same, and plain ones are written as ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import example, given
from hypothesis import strategies as st

from kamerton.data.cubes.cube import open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.data.fits.letters import (
    ESCAPES_KEYWORD,
    card_text,
    escape_table,
    escaped,
    fits_cards,
    printable,
    read_card,
    unescape_table,
    unescaped,
)

LETTERS = st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"], include_characters=" \\'&/")
NAMES = st.text(LETTERS, min_size=1, max_size=150).filter(lambda name: name.isprintable() and name.strip() == name)
QUOTED = st.text("ab '&/\\", min_size=1, max_size=150).filter(lambda name: name.strip() == name)


def write_named(path: Path, *names: str, catalogue: Table | None = None) -> Path:
    path.unlink(missing_ok=True)
    with CubeWriter(path, image_shape=(8, 8, 1), dtype=np.uint8, class_names=names) as writer:
        writer.append(np.zeros((len(names), 8, 8, 1), np.uint8))
        writer.finish(np.arange(len(names)), catalogue)
    return path


@given(names=st.lists(NAMES | QUOTED, min_size=1, max_size=5, unique=True))
@example(names=["E' / S0", "Irr"])
@example(names=["późne i nieregularne", "wczesne"])
@example(names=["a" * 66 + "' / b", "&", "'", r"\x41", "x&"])
def test_class_names_come_back_whatever_their_letters(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    path = write_named(tmp_path_factory.getbasetemp() / "names.fits", *names)
    with open_cube(path) as cube:
        cube.check_sums()
        assert cube.class_names == tuple(names)
    with fits.open(path, checksum=True) as hdus:
        hdus.verify("exception")
        plain = [hdus[1].header[f"CLASS{index}"] for index in range(len(names))]
    # Astropy alone sees the names, or their escapes.
    assert plain == (names if fits_cards(names) else [card_text(name) for name in names])


@given(text=st.text())
def test_escapes_are_printable_ascii_and_are_undone(text: str) -> None:
    assert escaped(text).isascii()
    assert escaped(text).isprintable()
    if text.isprintable():
        assert unescaped(escaped(text)) == text
        assert unescaped(card_text(text)) == text
    assert unescaped(escaped(text)).isprintable()


@pytest.mark.parametrize("name", ["spiral", "Disk, Edge-on, No Bulge", r"a\x41b", "Hubble's", "x&", "a" * 100])
def test_a_plain_name_is_written_as_ever(tmp_path: Path, name: str) -> None:
    header = fits.getheader(write_named(tmp_path / "a.fits", name), 1)
    assert header["CLASS0"] == name
    assert ESCAPES_KEYWORD not in header


@pytest.mark.parametrize("name", ["E' / S0", "a''b", "it's", "a'/" + "b" * 100, "'", "b"])
def test_a_name_of_another_program_is_read_by_the_standard(name: str) -> None:
    header = fits.Header()
    header["CLASS0"] = (name, "class of label 0")
    assert read_card(fits.Header.fromstring(header.tostring()), "CLASS0") == name


@pytest.mark.parametrize(("value", "text"), [(3, "3"), (True, "True"), (1.5, "1.5")])
def test_a_name_that_is_no_text_is_read_as_python_writes_it(value: object, text: str) -> None:
    assert read_card(fits.Header([("CLASS0", value)]), "CLASS0") == text


def test_a_catalogue_keeps_its_letters(tmp_path: Path) -> None:
    columns = {"id": ["łódź/1.png", r"C:\x41", "c"], "grupa ł": ["ą", "", "zwykła"], "ra": [1.0, 2.0, 3.0]}
    with open_cube(write_named(tmp_path / "a.fits", "a", "b", "c", catalogue=Table(columns))) as cube:
        assert cube.catalogue.colnames == ["id", "grupa ł", "ra"]
        assert cube.ids == columns["id"]
        assert cube.catalogue["grupa ł"].tolist() == columns["grupa ł"]


def test_a_plain_catalogue_has_no_escapes(tmp_path: Path) -> None:
    path = write_named(tmp_path / "a.fits", "a", catalogue=Table({"id": [r"C:\x41"], "Hubble's": ["it's"]}))
    assert ESCAPES_KEYWORD not in fits.getheader(path, 2)
    with open_cube(path) as cube:
        assert (cube.ids, cube.catalogue["Hubble's"].tolist()) == ([r"C:\x41"], ["it's"])


def test_columns_of_several_texts_and_unknown_ones_are_escaped_too() -> None:
    masked = Table({"a": [["ą", "b"], ["c", "ć"]], "b": ["x", "ż"]}, masked=True)
    masked["b"].mask[0] = True
    assert escape_table(masked)
    unescape_table(masked)
    assert masked["a"].tolist() == [["ą", "b"], ["c", "ć"]]
    assert masked["b"].tolist() == ["", "ż"]


@pytest.mark.parametrize("text", [r"\x1b[2J", r"\ud800", r"\U00110000", r"\q", "\\"])
def test_what_is_no_escape_of_a_printable_letter_stays(text: str) -> None:
    assert unescaped(text) == text


def test_control_characters_are_shown_as_escapes() -> None:
    assert printable("łódź\x1b[2J\udcb3\n") == r"łódź\x1b[2J\udcb3\x0a"


def test_more_history_than_there_is_room_for_loses_the_oldest(tmp_path: Path) -> None:
    with CubeWriter(tmp_path / "a.fits", image_shape=(8, 8, 1), dtype=np.uint8, class_names=("a",)) as writer:
        writer.append(np.zeros((1, 8, 8, 1), np.uint8))
        writer.finish(np.array([0]), history=[*map(str, range(50)), "ł" * 30])
    with open_cube(tmp_path / "a.fits") as cube:
        assert "".join(cube.history).endswith("49" + r"\u0142" * 30)
