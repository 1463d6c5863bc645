"""A picture is the same file each time, and whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from kamerton.errors import OutputError
from kamerton.figures.drawing import MARKERS, OKABE_ITO, save_figure
from kamerton.figures.testing import confusion_figure


@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_same_results_give_the_same_bytes_on_another_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, begins: bytes
) -> None:
    for day, name in enumerate(("first", "second")):
        # Matplotlib takes the date that it writes from here.
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(86400 * day))
        save_figure(confusion_figure(np.eye(2, dtype=int), ("a", "b"), "a run"), tmp_path / f"{name}.{ending}")
    first = (tmp_path / f"first.{ending}").read_bytes()
    assert first.startswith(begins)
    assert first == (tmp_path / f"second.{ending}").read_bytes()


def test_a_picture_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.png cannot be written"):
        save_figure(Figure(figsize=(1, 1)), tmp_path / "no" / "a.png")


def test_colours_and_markers_tell_many_networks_apart_also_in_grey() -> None:
    looks = {(OKABE_ITO[number % len(OKABE_ITO)], MARKERS[number % len(MARKERS)]) for number in range(70)}
    assert len(looks) == 70
    assert len(set(MARKERS)) == len(MARKERS) > len(OKABE_ITO)
