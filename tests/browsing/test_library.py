"""Catalogues opened once, and who waits for whom."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kamerton.browsing import library, staged
from kamerton.browsing.catalogue import Browsed
from kamerton.browsing.library import Library
from kamerton.catalogue.readers import text_file
from kamerton.config.browsing import Wanted
from kamerton.data.lists import CsvList, open_csv
from tests.browsing.conftest import COUNT


def test_only_who_asks_for_it_waits_for_a_catalogue_that_takes_long(
    catalogues: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_open, opened = threading.Event(), []

    def slowly(path: Path, within: Path | None) -> Browsed:
        opened.append(path.name)
        if path.suffix == ".csv":
            assert may_open.wait(20)
        return Browsed(path, within)

    monkeypatch.setattr(library, "Browsed", slowly)
    books = Library(catalogues)
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(books.get, "one.csv") for _ in range(2)]
        assert len(books.get("one.parquet")[0].opened) == COUNT
        assert not any(one.done() for one in waiting)
        may_open.set()
        first, second = (one.result() for one in waiting)
    assert first == second
    assert sorted(opened) == ["one.csv", "one.parquet"]


def test_a_catalogue_in_csv_is_read_once(catalogues: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def counted(path: Path) -> CsvList:
        read.append(path)
        return open_csv(path)

    for module in (staged, text_file):
        monkeypatch.setattr(module, "open_csv", counted)
    browsed, _ = Library(catalogues).get("one.csv")
    assert len(browsed.opened) == COUNT
    assert len(read) == 1


def test_one_that_is_looked_at_stays_open_though_it_is_forgotten(catalogues: Path, tmp_path: Path) -> None:
    shutil.copy(catalogues / "one.csv", tmp_path / "one.csv")
    books = Library(tmp_path)
    before, stamp = books.get("one.csv")
    (tmp_path / "one.csv").touch()
    after, other = books.get("one.csv")
    assert stamp != other
    assert before.galaxies(Wanted(), 0, COUNT) == after.galaxies(Wanted(), 0, COUNT)
