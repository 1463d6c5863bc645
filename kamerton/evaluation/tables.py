"""Results as short tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

HEADLINES = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "roc_auc_macro")


def print_metrics(metrics: dict[str, Any], console: Console) -> None:
    """Print an evaluation: headline numbers, a row a class, and a row a group where groups were measured."""
    headline = "  ".join(f"{name.replace('_', ' ')} {_number(metrics[name])}" for name in HEADLINES)
    if metrics["seal"]["warning"]:
        console.print(f" {metrics['seal']['warning']} ", style="bold white on red", markup=False)
    console.print(f"{metrics['run']} on {metrics['dataset']}, {metrics['galaxies']} galaxies", markup=False)
    console.print(f"weights chosen on {metrics['weights_chosen_on']}", markup=False)
    console.print(headline)
    console.print(_class_table(metrics["per_class"]))
    if "by" in metrics:
        console.print(_group_table(metrics["by"]))


def compare_table(results: list[dict[str, Any]]) -> Table:
    """Lay several evaluations side by side, one row a run."""
    table = Table()
    # In a narrow terminal the names are folded, for a number or a name that is cut off tells nothing.
    for heading in ("run", "network"):
        table.add_column(heading, overflow="fold", min_width=8)
    for heading in ("galaxies", *HEADLINES):
        table.add_column(heading.replace("_", "\n"), no_wrap=True)
    for metrics in results:
        numbers = (_number(metrics[name]) for name in HEADLINES)
        marked = f"{metrics['run']} ({metrics['seal']['warning']})" if metrics["seal"]["warning"] else metrics["run"]
        table.add_row(escape(marked), metrics["network"], str(metrics["galaxies"]), *numbers)
    return table


def _class_table(rows: list[dict[str, Any]]) -> Table:
    columns = ("precision", "recall", "f1", "roc_auc")
    table = Table("class", *(name.replace("_", " ") for name in columns), "galaxies")
    for row in rows:
        table.add_row(escape(row["class"]), *(_number(row[name]) for name in columns), str(row["support"]))
    return table


def _group_table(by: dict[str, Any]) -> Table:
    table = Table(escape(by["column"]), "accuracy", "balanced accuracy", "galaxies")
    for name, group in by["groups"].items():
        table.add_row(
            escape(name), _number(group["accuracy"]), _number(group["balanced_accuracy"]), str(group["galaxies"])
        )
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
