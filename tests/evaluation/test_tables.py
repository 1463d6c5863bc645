"""Tables in a terminal show every number and every name as it is."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from kamerton.evaluation.tables import compare_table, print_metrics

METRICS: dict[str, Any] = {
    "run": "lenet5-20260101-101010",
    "network": "lenet5",
    "dataset": "test.fits",
    "galaxies": 3548,
    "weights_chosen_on": "valid",
    "seal": {"whole": True, "seen": {"train": 0}, "warning": ""},
    "accuracy": 0.71234,
    "balanced_accuracy": 0.65,
    "macro_f1": 0.6,
    "log_loss": 1.25,
    "roc_auc_macro": 0.9,
    "per_class": [
        {"class": "spiral", "precision": 0.111, "recall": 0.222, "f1": 0.333, "support": 1229, "roc_auc": 0.444},
        {"class": "[old] merging", "precision": None, "recall": None, "f1": None, "support": 0, "roc_auc": None},
    ],
}
GROUPS = {
    "column": "source",
    "groups": {
        "north": {"galaxies": 40, "accuracy": 0.125, "balanced_accuracy": 0.25},
        "[south]": {"galaxies": 2, "accuracy": 0.5, "balanced_accuracy": 0.75},
    },
}


def console(width: int = 100) -> Console:
    return Console(file=io.StringIO(), width=width, highlight=False)


def printed(metrics: dict[str, Any]) -> list[str]:
    screen = console()
    print_metrics(metrics, screen)
    return screen.file.getvalue().splitlines()


def row(lines: list[str], begins: str) -> list[str]:
    """Cells of the table row whose first cell is ``begins``."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    return next(cells for cells in rows if cells[0] == begins)


def test_the_headline_says_which_run_and_cube_and_how_well() -> None:
    head, chosen, numbers = printed(METRICS)[:3]
    assert head == "lenet5-20260101-101010 on test.fits, 3548 galaxies"
    assert chosen == "weights chosen on valid"
    assert numbers == "accuracy 0.712  balanced accuracy 0.650  macro f1 0.600  log loss 1.250  roc auc macro 0.900"


def test_every_class_has_a_row_with_its_numbers() -> None:
    assert row(printed(METRICS), "spiral") == ["spiral", "0.111", "0.222", "0.333", "0.444", "1229"]


def test_what_is_not_defined_is_a_dash_and_a_name_in_brackets_is_no_markup() -> None:
    assert row(printed(METRICS), "[old] merging") == ["[old] merging", "–", "–", "–", "–", "0"]


def test_groups_have_their_own_table() -> None:
    lines = printed({**METRICS, "by": GROUPS})
    assert row(lines, "north") == ["north", "0.125", "0.250", "40"]
    assert row(lines, "[south]") == ["[south]", "0.500", "0.750", "2"]
    assert any("source" in line for line in lines)


def test_no_groups_no_table_of_groups() -> None:
    assert len([line for line in printed(METRICS) if line.startswith("└")]) == 1


def compared(results: list[dict[str, Any]], width: int) -> list[str]:
    screen = console(width)
    screen.print(compare_table(results))
    return screen.file.getvalue().splitlines()


def test_runs_stand_side_by_side_in_the_order_given() -> None:
    lines = compared([METRICS, {**METRICS, "run": "[b]", "network": "alexnet", "roc_auc_macro": None}], width=120)
    first = ["lenet5-20260101-101010", "lenet5", "3548", "0.712", "0.650", "0.600", "1.250", "0.900"]
    assert row(lines, first[0]) == first
    assert row(lines, "[b]") == ["[b]", "alexnet", "3548", "0.712", "0.650", "0.600", "1.250", "–"]
    assert "\n".join(lines).index(first[0]) < "\n".join(lines).index("[b]")


@pytest.mark.parametrize("width", [80, 100])
def test_nothing_is_cut_off_in_a_usual_terminal(width: int) -> None:
    lines = compared([METRICS, {**METRICS, "run": "lenet5-20260101-101011"}], width)
    text = "\n".join(lines)
    assert "…" not in text
    assert all(len(line) <= width for line in lines)
    for number in ("0.712", "0.650", "0.600", "1.250", "0.900", "3548"):
        assert text.count(number) == 2
    names = "".join(line.split("│")[1].strip() for line in lines if line.startswith("│"))
    assert names == "lenet5-20260101-101010lenet5-20260101-101011"
