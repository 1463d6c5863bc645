"""The table of networks, kept and counted, and how a person reads it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from kamerton.config import TableSettings
from kamerton.networks import table as module
from kamerton.networks.counting import count_networks
from kamerton.networks.registry import build_network, count_parameters
from kamerton.networks.table import network_table, print_network_table, write_counted


def test_the_rows_kept_beside_the_module_are_those_that_are_counted() -> None:
    """Else write them anew: python -m kamerton.networks.table."""
    kept = json.loads(module.COUNTED.read_text())
    assert kept == {"sources": module.sources_sha256(), "rows": count_networks(size=256, classes=10)}


def test_the_usual_table_is_read_and_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_count", lambda settings: pytest.fail("counted anew"))
    assert len(network_table()) > 10


def test_another_size_or_number_of_classes_is_counted() -> None:
    for settings in (TableSettings(size=80), TableSettings(classes=3)):
        assert network_table(settings) == count_networks(size=settings.size, classes=settings.classes)


@pytest.mark.parametrize("content", ['{"sources": "of another day", "rows": []}', "{", "[]", None])
def test_rows_of_other_sources_or_none_are_counted_anew(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COUNTED", tmp_path / "counted.json")
    if content is not None:
        module.COUNTED.write_text(content)
    assert network_table() == count_networks(size=256, classes=10)


def test_written_rows_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNTED", tmp_path / "counted.json")
    write_counted(module.COUNTED)
    monkeypatch.setattr(module, "_count", lambda settings: pytest.fail("counted anew"))
    assert network_table()[0]["name"] == "lenet5"


def test_a_person_reads_thousands_and_which_network_does_not_fit() -> None:
    screen = Console(file=io.StringIO(), width=140)
    print_network_table(network_table(TableSettings(size=32)), screen)
    text = screen.file.getvalue()
    lenet5, alexnet = (next(line for line in text.splitlines() if title in line) for title in ("LeNet-5", "AlexNet"))
    wanted = sum(count_parameters(build_network("lenet5", size=32, channels=3, classes=10)))
    assert f"{wanted:,}" in lenet5
    assert "too small" in alexnet
    assert "Networks at 32 px, 10 classes" in text
