"""What the compared runs were trained with and on, and by what they are known again: the origin of the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kamerton.config.recipe import Recipe
from kamerton.evaluation.comparison import Comparison, NetworkResult
from kamerton.reporting.languages import Speaker, each_once
from kamerton.runs.ensembles import title_of
from kamerton.runs.record import RunRecord

SETTINGS = ("recipe", "start", "epochs", "batch", "image", "chosen", "views")


@dataclass(frozen=True)
class Trained(Speaker):
    """Says in one language where what was compared comes from."""

    comparison: Comparison

    def texts(self) -> dict[str, Any]:
        """Give sentences, and the cells of the tables, but for those of a network's settings."""
        return {
            "ensembles": self.ensembles(),
            "settings_names": SETTINGS,
            "data": self.data(),
            "runs": self.runs(),
            "versions": self.versions(),
        }

    def of_network(self, result: NetworkResult) -> list[object]:
        """Give the cells of what a network was trained with, or each member of an ensemble, and how it was tested."""
        one = result.predictions[0]
        return [
            *(each_once(cells) for cells in zip(*map(self.settings, one.run.record.trained), strict=True)),
            one.metrics.views,
        ]

    def settings(self, record: RunRecord) -> list[str]:
        """Give the cells of what one network was trained with."""
        none, recipe = self.words["none"], record.recipe
        return [
            self.words["imported"] if recipe is None else self.recipe(recipe),
            self.start(record),
            none if recipe is None else str(recipe.epochs),
            none if recipe is None else str(recipe.batch_size),
            str(record.preprocessing.size),
            self.language.CHOSEN[record.weights_chosen_by],
        ]

    def recipe(self, recipe: Recipe) -> str:
        """Name a recipe, and say where the last layer alone learned by it."""
        return f"{recipe.name}, {self.words['probe']}" if recipe.frozen else recipe.name

    def start(self, record: RunRecord) -> str:
        """Say what a training began with: name, what that learned from, and its licence."""
        if record.start is None:
            return self.words["none"] if record.recipe is None else self.words["random"]
        told = (word or self.words["not told"] for word in (record.start.trained_on, record.start.licence))
        return f"{record.start.name} ({'; '.join(told)})"

    def ensembles(self) -> list[str]:
        """Say of each ensemble whose probabilities it averages, and what all of them cost together."""
        told = []
        for result in self.comparison.networks:
            one = result.predictions[0]
            members, tests = one.run.record.members, one.metrics.averaged
            if not members:
                continue
            accuracy = {test.fingerprint: test.accuracy for test in tests}
            names = [
                self.words["member"].format(
                    name=member.name,
                    network=title_of(member.record),
                    accuracy=self.number(accuracy.get(member.fingerprint)),
                    weights=member.weights[:8],
                )
                for member in members
            ]
            cost = result.cost
            told.append(
                self.words["ensemble_note"].format(
                    name=result.name,
                    run=one.run.name,
                    members="; ".join(names),
                    parameters=self.number(cost.parameters, ",d"),
                    megabytes=self.number((cost.weights_bytes or 0) / 1e6, ",.3g"),
                    flops=self.number(cost.flops_an_image / 1e9, ".3g"),
                    seconds=self.number(cost.training_seconds, ",.0f"),
                )
            )
        return told

    def data(self) -> list[dict[str, Any]]:
        """Name the cubes: those that the runs saw, each once, and the test's."""
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for result in self.comparison.networks:
            for one in result.predictions:
                for split, cube in (pair for trained in one.run.record.trained for pair in trained.data.items()):
                    galaxies = self.number(cube.galaxies, ",d")
                    row = {"split": self.words.get(split, split), "galaxies": galaxies, "path": cube.path}
                    rows.setdefault((split, cube.fingerprint), row | {"fingerprint": cube.fingerprint})
        test = self.comparison.networks[0].predictions[0].metrics
        galaxies = self.number(self.comparison.galaxies, ",d")
        row = {"split": self.words["test"], "galaxies": galaxies, "path": test.path}
        return [*rows.values(), row | {"fingerprint": test.fingerprint}]

    def runs(self) -> list[dict[str, Any]]:
        """Give one row a run."""
        rows = []
        for result in self.comparison.networks:
            for one in result.predictions:
                trained = one.run.record.trained
                results = [record.results for record in trained if record.results is not None]
                rows.append(
                    {
                        "name": one.run.name,
                        "seed": self.each([record.seed for record in trained]),
                        "accuracy": self.number(one.metrics.accuracy),
                        "epoch": self.each([found.epoch for found in results]),
                        "device": each_once(record.device for record in trained),
                        "threads": self.each([record.threads for record in trained]),
                        "weights": self.each([found.weights[: 16 if len(results) == 1 else 8] for found in results]),
                    }
                )
        return rows

    def versions(self) -> str:
        """Name the versions of all runs, each once."""
        found: dict[str, set[str]] = {}
        for result in self.comparison.networks:
            for one in result.predictions:
                for name, version in (pair for trained in one.run.record.trained for pair in trained.versions.items()):
                    found.setdefault(name, set()).add(version[:12])
        return ", ".join(f"{name} {' / '.join(sorted(versions))}" for name, versions in found.items())
