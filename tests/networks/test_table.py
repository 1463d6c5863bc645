"""The table of networks, kept and counted, and how a person reads it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from kamerton.config.machine import TableSettings
from kamerton.networks import table as module
from kamerton.networks.counting import count_networks
from kamerton.networks.registry import build_network, count_parameters
from kamerton.networks.table import network_table, print_network_table, write_counted


def test_the_rows_kept_beside_the_module_are_those_that_are_counted(tmp_path: Path) -> None:
    write_counted(tmp_path / "counted.json")
    same = module.COUNTED.read_bytes() == (tmp_path / "counted.json").read_bytes()
    assert same, "networks/counted.json is of other networks; next: python -m kamerton.networks.table"


SOURCE = '''"""A network."""

SIDE = 3
"""Of a kernel."""


def build(size: int) -> int:
    """Build it."""
    return size + SIDE
'''


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ("SIDE = 3", "# As in the paper.\nSIDE = 3  # pixels", False),
        ("Build it.", "Build the network.", False),
        ('"""Of a kernel."""', "", False),
        ("(size: int)", "(\n    size: int,\n)", False),
        ("SIDE = 3", "SIDE = 5", True),
        ("size + SIDE", "size - SIDE", True),
        ("size: int", "size: int = 0", True),
    ],
)
def test_only_code_counts_for_the_fingerprint(before: str, after: str, counts: bool, tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(SOURCE)
    first = module.sources_sha256(tmp_path)
    path.write_text(SOURCE.replace(before, after))
    assert path.read_text() != SOURCE
    assert (module.sources_sha256(tmp_path) != first) is counts


def test_a_module_more_counts_for_the_fingerprint_unless_it_shapes_no_network(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SOURCE)
    first = module.sources_sha256(tmp_path)
    for name in module.SHAPES_NOTHING:
        assert (module.SOURCES / name).exists()
        (tmp_path / name).write_text(SOURCE)
    assert module.sources_sha256(tmp_path) == first
    (tmp_path / "other.py").write_text(SOURCE)
    assert module.sources_sha256(tmp_path) != first


def test_the_fingerprint_is_the_same_in_every_version_of_python(tmp_path: Path) -> None:
    """`ast.dump` leaves out empty lists since 3.13, and has had type parameters since 3.12."""
    (tmp_path / "net.py").write_text(SOURCE)
    assert module.sources_sha256(tmp_path)[:16] == "7e7a15f39780470e"


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
    assert isinstance(screen.file, io.StringIO)
    text = screen.file.getvalue()
    lenet5, alexnet = (next(line for line in text.splitlines() if title in line) for title in ("LeNet-5", "AlexNet"))
    wanted = sum(count_parameters(build_network("lenet5", size=32, channels=3, classes=10)))
    assert f"{wanted:,}" in lenet5
    assert "too small" in alexnet
    assert "Networks at 32 px, 10 classes" in text
