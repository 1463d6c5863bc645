"""Which ids are names of galaxies, and which only number rows or files."""

from __future__ import annotations

import pytest

from kamerton.data.identity import real_ids

NAMES = ["NGC 1300", "587739609695453284", "587739609695453284.jpg", "survey/J0123+4567.fits"]
WHOLE_PATHS = ["/data/efigi/123456.jpg", "/data/other/1.jpg", "C:\\cutouts\\7.png", "https://host/cutouts/12.fits"]
NUMBERS = ["7", "galaxy_0012", "123456.jpg", "cube#7", "galaxy10-00007", "/7.jpg", "none", "/data/cube#7"]


@pytest.mark.parametrize("name", NAMES + WHOLE_PATHS)
def test_a_name_stays(name: str) -> None:
    assert real_ids([name, "another"]) == [name, "another"]


@pytest.mark.parametrize("name", NUMBERS)
def test_the_number_of_a_row_or_a_file_is_no_name(name: str) -> None:
    assert real_ids([name, "another"])[0] == ""


def test_files_of_one_number_in_the_class_folders_of_two_surveys_are_not_one_galaxy() -> None:
    """Such paths begin in a survey's own folder, and every survey may have a first spiral."""
    assert real_ids(["spiral/1.jpg", "merger/2.jpg"]) == ["", ""]


def test_one_name_for_all_tells_none_apart() -> None:
    assert real_ids(["/data/x/1.jpg", "/data/x/1.jpg"]) == ["", ""]
