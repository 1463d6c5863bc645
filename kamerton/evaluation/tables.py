"""Results as short tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from kamerton.evaluation.leakage import leakage_details
from kamerton.evaluation.metrics import HEADLINES
from kamerton.evaluation.reliability import CERTAINTY_COLUMNS, SET_COLUMNS, certainty_rows, set_rows
from kamerton.evaluation.statistics import METRICS, Interval
from kamerton.plurals import counted
from kamerton.runs.record import WeightsChosenBy
from kamerton.runs.reliability import CertaintyScores
from kamerton.runs.scores import ClassScores, GroupedScores

if TYPE_CHECKING:
    from rich.console import Console

    from kamerton.evaluation.comparison import Comparison
    from kamerton.evaluation.evaluate import Evaluation

WEIGHTS: dict[WeightsChosenBy, str] = {
    "last epoch": "those of the last epoch, which no split chose",
    "best val_loss": "those of the epoch with the lowest loss on valid",
    "best val_accuracy": "those of the epoch with the highest accuracy on valid",
    "unknown": "from elsewhere, and what chose them is unknown",
    "each by its own": "those that each network's own recipe chose",
}


def print_metrics(evaluation: Evaluation, console: Console) -> None:
    """Print an evaluation: headline numbers, a row a class, and a row a group where groups were measured."""
    metrics = evaluation.metrics
    headline = "  ".join(f"{name.replace('_', ' ')} {_number(getattr(metrics, name))}" for name in HEADLINES)
    for warning in evaluation.warnings:
        console.print(f" {warning} ", style="bold white on red", markup=False)
    console.print(f"{metrics.run} on {evaluation.tested_on}, {counted(metrics.galaxies, 'galaxy')}", markup=False)
    console.print(f"weights: {WEIGHTS[metrics.weights_chosen_by]}", markup=False)
    if metrics.averaged:
        _print_ensemble(evaluation, console)
    details = leakage_details(metrics.leakage, metrics.galaxies)
    if details:
        console.print(details, markup=False)
    console.print(headline)
    if evaluation.guess is not None and evaluation.guess.verdict == "better":
        console.print(evaluation.guess.describe(), markup=False)
    console.print(_class_table(metrics.per_class))
    if metrics.by is not None:
        console.print(_group_table(metrics.by))
    if metrics.certainty is not None:
        _print_certainty(metrics.certainty, console)


def _print_ensemble(evaluation: Evaluation, console: Console) -> None:
    """Print whose probabilities were averaged, how good each is alone, and what all of them cost."""
    averaged, cost = evaluation.metrics.averaged, evaluation.cost
    alone = ", ".join(f"{one.run} {one.accuracy:.3f}" for one in averaged)
    console.print(
        f"mean of the probabilities of {counted(len(averaged), 'network')}, as each gives them, not calibrated; "
        f"accuracy of each alone: {alone}",
        markup=False,
    )
    seconds = "" if cost.training_seconds is None else f", {cost.training_seconds:,.0f} s of training"
    console.print(
        f"cost of all: {cost.parameters:,} parameters, {(cost.weights_bytes or 0) / 1e6:,.3g} MB of weights, "
        f"{cost.flops_an_image / 1e9:.3g} GFLOP an image{seconds}",
        markup=False,
    )


def _print_certainty(scores: CertaintyScores, console: Console) -> None:
    """Print how far probabilities are to be trusted, before and after calibration, and how the sets keep their word."""
    console.print(_plain_table(CERTAINTY_COLUMNS, certainty_rows(scores)))
    made = scores.calibrated
    if made is None:
        return
    console.print(
        f"sets ({made.method}), promised to hold each class's galaxies' class for {made.coverage:.1%}; "
        f"{made.mean_size:.2f} classes in one",
        markup=False,
    )
    console.print(_plain_table(SET_COLUMNS, set_rows(scores)))


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(columns[0], box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in columns[1:]:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print a comparison: what must be known first, a row a network, and a sentence a pair."""
    for caution in comparison.cautions:
        console.print(f" {caution.describe()} ", style="bold white on red", markup=False)
    independent = "" if comparison.groups == comparison.galaxies else f" in {counted(comparison.groups, 'group')}"
    console.print(f"{comparison.tested_on}, {counted(comparison.galaxies, 'galaxy')}{independent}", markup=False)
    console.print(comparison_table(comparison))
    console.print(cost_table(comparison))
    for difference in comparison.differences:
        console.print(f"- {difference.describe()}", markup=False)


def comparison_table(comparison: Comparison) -> Table:
    """Lay networks side by side, one row each; the intervals are 95%, over galaxies and seeds."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    # In a narrow terminal the names are folded, for a number or a name that is cut off tells nothing.
    table.add_column("network", overflow="fold", min_width=8)
    for heading in ("seeds", *(metric.replace("_", "\n") for metric in METRICS)):
        table.add_column(heading, no_wrap=True)
    for result in comparison.networks:
        cells = [_with_interval(result.metrics[metric]) for metric in METRICS]
        table.add_row(escape(result.name), str(len(result.predictions)), *cells)
    return table


def cost_table(comparison: Comparison) -> Table:
    """Lay the networks' costs side by side, one row each."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("network", overflow="fold", min_width=8)
    for heading in ("parameters", "GFLOP an\nimage", "trained\nin, s", "images/s", "peak memory\nMiB"):
        table.add_column(heading, no_wrap=True, justify="right")
    for result in comparison.networks:
        cost = result.cost
        table.add_row(
            escape(result.name),
            f"{cost.parameters:,}",
            f"{cost.flops_an_image / 1e9:.3g}",
            *(_whole(value) for value in (cost.training_seconds, cost.images_a_second, cost.peak_memory_mib)),
        )
    return table


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _with_interval(value: Interval) -> str:
    return f"{value.value:.3f}\n{value.low:.3f}–{value.high:.3f}"


def _class_table(rows: Sequence[ClassScores]) -> Table:
    columns = ("precision", "recall", "f1", "roc_auc")
    table = Table("class", *(name.replace("_", " ") for name in columns), "galaxies")
    for row in rows:
        intervals = {"precision": row.precision_interval, "recall": row.recall_interval}
        cells = [_share(getattr(row, name), intervals.get(name)) for name in columns]
        table.add_row(escape(row.class_name), *cells, str(row.support))
    return table


def _group_table(by: GroupedScores) -> Table:
    table = Table(escape(by.column), "accuracy", "balanced accuracy", "galaxies")
    for name, group in by.groups.items():
        accuracy = _share(group.accuracy, group.accuracy_interval)
        table.add_row(escape(name), accuracy, _number(group.balanced_accuracy), str(group.galaxies))
    return table


def _share(value: float | None, interval: tuple[float, float] | None) -> str:
    """Write a share with its interval below; older results have none."""
    return _number(value) if value is None or interval is None else _with_interval(Interval(value, *interval))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
