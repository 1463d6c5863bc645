"""What a comparison found, in sentences and in the cells of tables, with what must be known first and was not shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import numpy as np

from kamerton.evaluation.comparison import Caution, Comparison, Difference, NetworkResult
from kamerton.evaluation.leakage import check_counts
from kamerton.evaluation.repeats import name_of
from kamerton.evaluation.statistics import METRICS, SIGNIFICANT
from kamerton.reporting.languages import LANGUAGES, Speaker, written
from kamerton.reporting.trained import Trained
from kamerton.runs.reliability import CertaintyScores
from kamerton.runs.scores import Leakage
from kamerton.version import __version__

COSTS = ("parameters", "flops", "training_seconds", "images_a_second", "peak_memory")
RELIABILITY = ("log_loss", "brier", "ece", "smooth_ece")


@dataclass(frozen=True)
class Teller(Speaker):
    """Says what a comparison found in one language."""

    comparison: Comparison

    @classmethod
    def of(cls, comparison: Comparison, lang: str) -> Teller:
        """Tell of a comparison in ``en`` or ``pl``; what tells networks of one title apart is said in it, too."""
        return cls(LANGUAGES[lang], _in_language(comparison, LANGUAGES[lang]))

    @property
    def trained(self) -> Trained:
        """What says where all of it comes from."""
        return Trained(self.language, self.comparison)

    def texts(self) -> dict[str, Any]:
        """Give everything but pictures: sentences, and the cells of the tables."""
        w, comparison = self.words, self.comparison
        groups = w["groups"].format(groups=comparison.groups) if comparison.groups < comparison.galaxies else ""
        counts = np.bincount(comparison.networks[0].predictions[0].labels, minlength=len(comparison.class_names))
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        return self.trained.texts() | {
            "w": w,
            "made": w["made"].format(version=__version__, date=today),
            "warnings": [self.caution(caution) for caution in comparison.cautions],
            "finding": self.finding(),
            "results_note": w["results_note"].format(
                galaxies=self.number(comparison.galaxies, ",d"),
                dataset=comparison.tested_on,
                groups=groups,
                resamples=self.number(comparison.resamples, ",d"),
            ),
            "metrics": METRICS,
            "reliability_names": RELIABILITY,
            "networks": [self.network(result) for result in comparison.networks],
            "differences_note": w["differences_note"].format(
                pairs=len(comparison.differences), limit=self.number(SIGNIFICANT, "g")
            ),
            "differences": [self.difference(difference) for difference in comparison.differences],
            "reliability": self.reliability(),
            "sets": self.sets(),
            "costs": COSTS,
            "classes": [
                (name, self.number(count, ",d"))
                for name, count in zip(comparison.class_names, counts.tolist(), strict=True)
            ],
            "limits": self.limits(),
        }

    def caution(self, caution: Caution) -> str:
        """Say what must be known first."""
        if caution.guess is not None:
            numbers = caution.guess.numbers(self.number, self.p_value)
            return f"{caution.run}: {self.language.GUESS_WORDS[caution.guess.verdict].format(**numbers)}"
        if caution.leakage is None:
            return self.words[caution.kind].format(run=caution.run)
        return self.words[_leakage_words(caution.leakage)].format(
            run=caution.run,
            galaxies=self.galaxies(caution.galaxies),
            seen=self.seen(
                caution.leakage.likely if caution.leakage.status == "likely" else caution.leakage.seen or {}
            ),
        ) + self.leakage_details(caution.leakage, caution.galaxies)

    def galaxies(self, number: int) -> str:
        """Say of how many galaxies."""
        words = "of one galaxy" if number == 1 else "of galaxies"
        return self.words[words].format(galaxies=self.number(number, ",d"))

    def seen(self, counts: Mapping[str, int]) -> str:
        """Say how many galaxies each split has."""
        return ", ".join(
            self.words["seen_in"].format(count=self.number(count, ",d"), split=self.words.get(split, split))
            for split, count in counts.items()
            if count
        )

    def leakage_details(self, leakage: Leakage, galaxies: int) -> str:
        """Say what each check found, and what is not known; empty where nobody recorded it."""
        parts = []
        for check, found, unknown in check_counts(leakage, galaxies):
            words = "check found" if not unknown else "check found in part"
            words = "check not known" if not found and unknown == galaxies else words
            numbers = {"found": self.number(found, ",d"), "unknown": self.number(unknown, ",d")}
            parts.append(self.words[words].format(check=self.words[check], **numbers))
        words = "leakage look" if leakage.status == "likely" else "leakage details"
        return self.words[words].format(checks=", ".join(parts)) if parts else ""

    def finding(self) -> str:
        """Say the main finding, what is known first."""
        ranked = sorted(self.comparison.networks, key=lambda result: -result.metrics["accuracy"].value)
        best = ranked[0]
        guessing = [one.name for one in ranked if one.guess is not None and one.guess.is_guessing]
        pairs = [d for d in self.comparison.differences if best.name in {d.first, d.second}]
        others = {
            shown: [d.second if d.first == best.name else d.first for d in pairs if d.shown is shown]
            for shown in (True, False)
        }
        kind = (
            "only_one" if not pairs else "best_shown" if not others[False] else "best_partly" if others[True] else "tie"
        )
        words = self.words[kind].format(
            best=best.name,
            value=self.number(best.metrics["accuracy"].value),
            worse=self.listed(others[True]),
            others=self.listed(others[False]),
        )
        compared = [one for one in ranked if one.name in {best.name, *others[True]}]
        if others[True] and any(len(one.predictions) == 1 for one in compared):
            words = f"{words} {self.words['one_seed']}"
        if not guessing:
            return words
        if len(guessing) == len(ranked):
            return f"{self.words['all_guess' if pairs else 'only_guess'].format(names=guessing[0])} {words}"
        return f"{words} {self.words['some_guess'].format(names=self.listed(guessing))}"

    def network(self, result: NetworkResult) -> dict[str, Any]:
        """Give a network's rows of the tables."""
        cells = []
        for metric in METRICS:
            value, spread = result.metrics[metric], result.spread[metric]
            numbers = {name: self.number(number) for name, number in dataclasses.asdict(value).items()}
            cells.append(numbers | {"spread": "" if spread is None else self.number(spread)})
        cost = result.cost
        return {
            "name": result.name,
            "seeds": len(result.predictions),
            "cells": cells,
            "cost": [
                self.number(cost.parameters, ",d"),
                self.number(cost.flops_an_image / 1e9, ".3g"),
                *(
                    self.number(value, ",.0f")
                    for value in (cost.training_seconds, cost.images_a_second, cost.peak_memory_mib)
                ),
            ],
            "settings": self.trained.of_network(result),
        }

    def reliability(self) -> list[dict[str, Any]]:
        """Give a row a run before calibration, and one after; none for results of before that was measured."""
        rows = []
        for run, scores in self._certainty():
            kinds = [(self.words["uncalibrated"], scores.network)]
            if scores.calibrated is not None:
                words = "calibrated_here" if scores.calibrated.same_cube else "calibrated"
                kinds.append((self.words[words].format(cube=scores.calibrated.cube), scores.calibrated.reliability))
            for kind, one in kinds:
                found = [getattr(one, name) for name in RELIABILITY]
                cells = [
                    {part: self.number(getattr(value, part)) for part in ("value", "low", "high")} for value in found
                ]
                rows.append({"run": run, "kind": kind, "cells": cells})
        return rows

    def sets(self) -> list[dict[str, Any]]:
        """Give a row a class of each calibrated run: how often its sets hold the class, and how large they are."""
        rows = []
        for run, scores in self._certainty():
            made = scores.calibrated
            if made is None:
                continue
            for row in made.sets:
                share = row.covered / row.galaxies if row.galaxies else None
                low, high = row.interval or (None, None)
                rows.append(
                    {
                        "run": run,
                        "class": row.class_name,
                        "galaxies": self.number(row.galaxies, ",d"),
                        "promised": self.number(made.coverage, ".1%") + (" *" if row.class_name in made.pooled else ""),
                        "held": {"value": self.number(share), "low": self.number(low), "high": self.number(high)},
                        "size": self.number(row.mean_size, ".2f"),
                    }
                )
        return rows

    def _certainty(self) -> Iterator[tuple[str, CertaintyScores]]:
        for result in self.comparison.networks:
            for one in result.predictions:
                if one.metrics.certainty is not None:
                    yield one.run.name, one.metrics.certainty

    def difference(self, difference: Difference) -> dict[str, Any]:
        """Give a pair's row of the table."""
        accuracy = difference.metrics["accuracy"]
        better = difference.first if accuracy.value > 0 else difference.second
        doubt = difference.doubt and self.language.DOUBTS[difference.doubt].format(
            p=self.words["p_value" if difference.comparisons == 1 else "corrected_p"],
            limit=self.number(SIGNIFICANT, "g"),
            comparisons=difference.comparisons,
        )
        return {
            "first": difference.first,
            "second": difference.second,
            "value": self.number(accuracy.value, "+.3f"),
            "low": self.number(accuracy.low, "+.3f"),
            "high": self.number(accuracy.high, "+.3f"),
            "first_only": difference.mcnemar.first_only,
            "second_only": difference.mcnemar.second_only,
            "p": self.p_value(difference.mcnemar.p_value),
            "p_adjusted": self.p_value(difference.p_adjusted),
            "words": self.words["no_difference"] if doubt else self.words["better"].format(better=better),
            "doubt": doubt,
        }

    def limits(self) -> list[str]:
        """Say what was not shown."""
        comparison = self.comparison
        names = ["limit_data", "limit_labels", "limit_recipe", "limit_seeds"]
        if any(len(result.predictions) == 1 for result in comparison.networks):
            names.append("limit_seeds_one")
        if comparison.groups < comparison.galaxies and comparison.differences:
            names.append("limit_groups")
        tested = [one.run.record for result in comparison.networks for one in result.predictions]
        chosen = {trained.weights_chosen_by for record in tested for trained in record.trained}
        if chosen & {"best val_loss", "best val_accuracy"}:
            names.append("limit_valid")
        return [self.words[name] for name in [*names, "limit_test"]] + self.limit_leakage()

    def limit_leakage(self) -> list[str]:
        """Say how leaks were looked for where none was found, and what is not known; each way once."""
        tested = [one.metrics for result in self.comparison.networks for one in result.predictions]
        clean = [metrics for metrics in tested if metrics.leakage.status == "none"]
        ways = {self.leakage_details(metrics.leakage, metrics.galaxies): None for metrics in clean}
        return [self.words["limit_leakage"].format(details=way) for way in ways if way]


def _in_language(comparison: Comparison, language: ModuleType) -> Comparison:
    """Say in the page's language what tells networks of one title apart, where their names say so."""
    names = {
        one.name: name_of(one.title, one.traits, language.TRAITS, lambda number: written(number, "g", language))
        if one.traits
        else one.name
        for one in comparison.networks
    }
    return dataclasses.replace(
        comparison,
        networks=tuple(dataclasses.replace(one, name=names[one.name]) for one in comparison.networks),
        differences=tuple(
            dataclasses.replace(one, first=names[one.first], second=names[one.second]) for one in comparison.differences
        ),
    )


def _leakage_words(leakage: Leakage) -> str:
    if leakage.seen is None:
        return "leakage unknown"
    return {"unknown": "leakage not compared", "likely": "leakage likely"}.get(leakage.status, "leakage")
