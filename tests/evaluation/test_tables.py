"""Tables in a terminal show every number and every name as it is."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from kamerton.evaluation.comparison import Caution, Comparison, Difference, NetworkResult
from kamerton.evaluation.cost import Cost
from kamerton.evaluation.evaluate import Evaluation
from kamerton.evaluation.statistics import METRICS as COMPARED
from kamerton.evaluation.statistics import Interval, McNemar
from kamerton.evaluation.tables import print_comparison, print_metrics
from kamerton.runs.scores import ClassScores, GroupedScores, GroupScores, Leakage, Metrics

METRICS = Metrics(
    run="lenet5-20260101-101010",
    network="lenet5",
    dataset="test.fits",
    path="/data/test.fits",
    fingerprint="0" * 64,
    weights_sha256="1" * 64,
    weights_chosen_by="best val_loss",
    leakage=Leakage.of({"train": 0}, compared={"likeness": 1229}),
    views=1,
    precision="float32",
    galaxies=1229,
    accuracy=0.71234,
    balanced_accuracy=0.65,
    macro_f1=0.6,
    log_loss=1.25,
    roc_auc_macro=0.9,
    per_class=(
        ClassScores("spiral", 0.111, 0.222, 0.333, 1229, 0.444),
        ClassScores("[old] merging", None, None, None, 0, None),
    ),
    confusion_matrix=((229, 1000), (0, 0)),
)
GROUPS = GroupedScores("source", {"north": GroupScores(40, 0.125, 0.25), "[south]": GroupScores(2, 0.5, 0.75)})


def console(width: int = 100) -> Console:
    return Console(file=io.StringIO(), width=width, highlight=False)


def printed(metrics: Metrics, name: str = "test") -> list[str]:
    screen = console()
    print_metrics(Evaluation(Path("evaluation") / name, metrics), screen)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue().splitlines()


def row(lines: list[str], begins: str) -> list[str]:
    """Cells of the table row whose first cell is ``begins``."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    return next(cells for cells in rows if cells[0] == begins)


def test_the_headline_says_which_run_and_cube_and_how_well() -> None:
    head, chosen, numbers = printed(METRICS)[:3]
    assert head == "lenet5-20260101-101010 on test.fits, 1229 galaxies"
    assert chosen == "weights: those of the epoch with the lowest loss on valid"
    assert numbers == "accuracy 0.712  balanced accuracy 0.650  macro f1 0.600  log loss 1.250  roc auc macro 0.900"


def test_results_of_a_name_of_their_own_are_called_by_it() -> None:
    assert printed(METRICS, "[late]")[0] == "lenet5-20260101-101010 on [late] (test.fits), 1229 galaxies"
    assert repr(Evaluation(Path("evaluation/late"), METRICS)).startswith(
        "Evaluation(lenet5-20260101-101010 on late (test.fits), 1229 galaxies"
    )


def with_answers(*matrix: tuple[int, int]) -> Metrics:
    """The metrics of two classes with these answers."""
    galaxies = sum(map(sum, matrix))
    return dataclasses.replace(METRICS, galaxies=galaxies, confusion_matrix=matrix)


def test_a_network_that_names_one_class_is_called_so_before_its_numbers() -> None:
    first, head = printed(with_answers((60, 0), (40, 0)))[:2]
    assert first.strip() == ("ONE CLASS FOR ALL: every galaxy is called spiral, and the accuracy, 0.600, is its share")
    assert head.startswith("lenet5-20260101-101010 on test.fits")


def test_what_always_naming_the_commonest_class_would_reach_stands_below_the_numbers() -> None:
    lines = printed(with_answers((55, 5), (5, 35)))
    assert lines[2].startswith("accuracy ")
    assert lines[3].startswith("always naming spiral would be right for 0.600; accuracy above that +0.300 (")


def test_every_class_has_a_row_with_its_numbers() -> None:
    assert row(printed(METRICS), "spiral") == ["spiral", "0.111", "0.222", "0.333", "0.444", "1229"]


def test_what_is_not_defined_is_a_dash_and_a_name_in_brackets_is_no_markup() -> None:
    assert row(printed(METRICS), "[old] merging") == ["[old] merging", "–", "–", "–", "–", "0"]


def test_groups_have_their_own_table() -> None:
    lines = printed(dataclasses.replace(METRICS, by=GROUPS))
    assert row(lines, "north") == ["north", "0.125", "0.250", "40"]
    assert row(lines, "[south]") == ["[south]", "0.500", "0.750", "2"]
    assert any("source" in line for line in lines)


def test_the_intervals_of_shares_stand_below_them() -> None:
    spiral = dataclasses.replace(METRICS.per_class[0], precision_interval=(0.1, 0.125), recall_interval=(0.2, 0.245))
    lines = printed(dataclasses.replace(METRICS, per_class=(spiral, METRICS.per_class[1])))
    assert row(lines, "spiral") == ["spiral", "0.111", "0.222", "0.333", "0.444", "1229"]
    assert row(lines, "") == ["", "0.100–0.125", "0.200–0.245", "", "", ""]


def test_no_groups_no_table_of_groups() -> None:
    assert len([line for line in printed(METRICS) if line.startswith("└")]) == 1


# Comparisons


def comparison_of(names: tuple[str, ...], cautions: tuple[Caution, ...] = ()) -> Comparison:
    value = Interval(0.712, 0.650, 0.755)
    metrics = dict.fromkeys(COMPARED, value)
    results = [
        NetworkResult(
            name=name,
            network="lenet5",
            recipe="modern",
            predictions=(None, None),  # type: ignore[arg-type]
            metrics=metrics,
            spread=dict.fromkeys(COMPARED),
            recall=np.zeros((2, 3)),
            cost=Cost(12_345_678, 1_330_000_000, 1234.5, None, 3 << 30),
        )
        for name in names
    ]
    difference = Difference(names[0], names[-1], metrics, McNemar(30, 4, 0.001), 0.002, 2)
    return Comparison("test", "test.fits", 3548, 3500, ("a", "b"), tuple(results), (difference,), 2000, cautions)


def compared(comparison: Comparison, width: int = 80) -> str:
    screen = console(width)
    print_comparison(comparison, screen)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_networks_stand_side_by_side_with_intervals_and_cost() -> None:
    text = compared(comparison_of(("LeNet-5", "[b]")))
    assert text.count(" 0.712") == 8
    assert text.count("0.650–0.755") == 8
    assert "[b]" in text
    assert "12,345,678" in text
    assert "1.33" in text
    assert "3,072" in text
    assert "3548 galaxies in 3500 groups" in text


def test_a_difference_is_said_in_words() -> None:
    text = " ".join(compared(comparison_of(("LeNet-5", "AlexNet"))).split())
    assert (
        "LeNet-5 is better than AlexNet: accuracy +0.712 (+0.650 to +0.755), McNemar 30 : 4, p = 0.001, and 0.002 "
        in text
    )
    assert "and 0.002 after Holm's correction for 2 comparisons" in text


def test_what_must_be_known_first_is_said_first() -> None:
    caution = Caution("leakage", "run 3", 40, Leakage.of({"train": 3, "valid": 0}))
    first = compared(comparison_of(("a",), (caution,))).splitlines()[0].strip()
    assert first == "run 3: NOT A TEST: of 40 galaxies the run has seen 3 in train"


@pytest.mark.parametrize("width", [80, 100])
def test_nothing_is_cut_off_in_a_usual_terminal(width: int) -> None:
    lines = compared(comparison_of(("ConvNeXt, modern", "p4m-ResNet, notebook")), width).splitlines()
    assert "…" not in "".join(lines)
    assert all(len(line) <= width for line in lines)
