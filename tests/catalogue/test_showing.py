"""A few labelled galaxies in a terminal: no name is cut, and what failed says why."""

from __future__ import annotations

import io

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from rich.console import Console

from kamerton.catalogue.showing import catalogue_table, failures

CLASSES = ("Unbarred Tight Spiral", "Round Smooth")
LONG = "legacy_survey_dr10_brick_1234p567_object_98765.jpg"


def labelled(*, calibrated: bool) -> Table:
    table = Table({"id": [LONG, "broken.jpg"]})
    table["p_unbarred_tight_spiral"] = np.array([0.8, np.nan], np.float32)
    table["p_round_smooth"] = np.array([0.2, np.nan], np.float32)
    if calibrated:
        table["set_unbarred_tight_spiral"] = [True, False]
        table["set_round_smooth"] = [True, False]
        table["set_size"] = [2, 0]
    table["status"] = MaskedColumn(["", "broken.jpg: cannot be read as a picture"], mask=[True, False])
    return table


def shown(table: Table) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(catalogue_table(table, CLASSES))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("calibrated", [False, True])
def test_no_name_is_cut_in_a_narrow_terminal(calibrated: bool) -> None:
    text = shown(labelled(calibrated=calibrated))
    assert "…" not in text
    assert LONG in "".join(line[2:].split(" ")[0] for line in text.splitlines())


def test_a_calibrated_galaxy_is_shown_with_its_set() -> None:
    assert "Spiral; Round" in " ".join(shown(labelled(calibrated=True)).split())


def test_a_galaxy_that_failed_says_why_below_the_table() -> None:
    table = labelled(calibrated=True)
    assert "cannot be read" not in shown(table)
    assert failures(table) == ["broken.jpg is not readable: broken.jpg: cannot be read as a picture"]
