"""Networks side by side, with error bars and words: what ``kamerton compare`` finds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kamerton import jupyter
from kamerton.arrays import MeanConfusion, Probabilities
from kamerton.evaluation.cost import Cost
from kamerton.evaluation.guessing import AgainstGuess
from kamerton.evaluation.leakage import leakage_details, leakage_warning
from kamerton.evaluation.repeats import Trait
from kamerton.evaluation.results import RunPredictions, mean_probabilities
from kamerton.evaluation.statistics import (
    METRICS,
    SIGNIFICANT,
    Interval,
    McNemar,
    Numbers,
)
from kamerton.plurals import counted
from kamerton.runs.evaluation import tested_on
from kamerton.runs.scores import Leakage

if TYPE_CHECKING:
    import pandas as pd

Doubt = Literal["both", "test", "correction", "interval"]
"""What speaks against a difference."""

DOUBTS: dict[Doubt, str] = {
    "both": "the interval holds 0, and {p} is not below {limit}",
    "test": "the interval excludes 0, but {p} is not below {limit}",
    "correction": "the interval excludes 0, but among {comparisons} comparisons so small a p easily comes by chance",
    "interval": "{p} is below {limit}, but the interval holds 0; it covers the choice of seeds and groups as well",
}
"""Why no difference counts as shown; a difference needs the interval and the corrected test."""


@dataclass(frozen=True)
class NetworkResult:
    """One network trained in one way: its runs, which differ in the seed alone, taken together."""

    name: str
    network: str
    recipe: str | None
    predictions: tuple[RunPredictions, ...]
    metrics: dict[str, Interval]
    """Mean over the seeds; the interval is over galaxies and seeds."""
    spread: dict[str, float | None]
    """Sample standard deviation over the seeds; None for a single one."""
    recall: Numbers
    """(classes, 3): mean recall over the seeds and the ends of its interval."""
    cost: Cost
    title: str = ""
    """The network's name alone."""
    traits: tuple[Trait, ...] = ()
    """What tells it from others of that title."""
    guess: AgainstGuess | None = None
    """The mean predictions of its runs, held against guessing; None for a test of one class."""

    def __repr__(self) -> str:
        value = self.metrics["accuracy"]
        seeds = "1 seed" if len(self.predictions) == 1 else f"{len(self.predictions)} seeds"
        return f"NetworkResult({self.name}, {seeds}, accuracy {value.value:.3f} ({value.low:.3f} to {value.high:.3f}))"

    @property
    def committee(self) -> Probabilities:
        """Mean probabilities of the runs, (N, classes)."""
        return mean_probabilities(self.predictions)

    @property
    def confusion(self) -> MeanConfusion:
        """Mean confusion matrix of the runs, (true, predicted)."""
        return np.asarray(np.mean([predictions.confusion for predictions in self.predictions], axis=0))


@dataclass(frozen=True)
class Difference:
    """The first network less the second."""

    first: str
    second: str
    metrics: dict[str, Interval]
    mcnemar: McNemar
    """Of the two committees: the mean predictions of all seeds."""
    p_adjusted: float
    """After Holm's correction for ``comparisons``."""
    comparisons: int
    """Pairs that are compared at once, and that the correction is for."""

    @property
    def shown(self) -> bool:
        """Tell whether a difference in accuracy was shown: by the test and by the interval."""
        return self.doubt is None

    @property
    def doubt(self) -> Doubt | None:
        """Tell why no difference was shown; None where one was."""
        if self.p_adjusted < SIGNIFICANT:
            return "interval" if self.metrics["accuracy"].holds_zero else None
        if self.metrics["accuracy"].holds_zero:
            return "both"
        return "correction" if self.mcnemar.p_value < SIGNIFICANT else "test"

    def describe(self) -> str:
        """Say in words what was found, and why nothing more."""
        accuracy, test = self.metrics["accuracy"], self.mcnemar
        numbers = f"accuracy {accuracy.value:+.3f} ({accuracy.low:+.3f} to {accuracy.high:+.3f})"
        numbers += f", McNemar {test.first_only} : {test.second_only}, p = {test.p_value:.2g}"
        if self.comparisons > 1:
            numbers += f", and {self.p_adjusted:.2g} after Holm's correction for {self.comparisons} comparisons"
        if self.doubt is not None:
            p = "p" if self.comparisons == 1 else "the corrected p"
            reason = DOUBTS[self.doubt].format(p=p, limit=SIGNIFICANT, comparisons=self.comparisons)
            return f"no difference shown between {self.first} and {self.second}: {numbers}; {reason}"
        better, worse = (self.first, self.second) if accuracy.value > 0 else (self.second, self.first)
        return f"{better} is better than {worse}: {numbers}"


CAUTIONS = {
    "unfinished": "{run} is left out: its training has not ended",
    "not tested": "{run} is left out: it was never tested",
    "same seed": "{run}: another run of its network has this seed, so it repeats nothing, and the spread is too small",
    "calibrated since": "{run}: calibrated since it was tested, so that what is said of its certainty is of before; "
    "`kamerton evaluate` it again",
    "views differ": "some runs were tested with eight views and some with one",
    "precision differs": "some runs were tested in int8 and some in float32",
}
"""What a caution says; that of a leak stands in leakage.py, that of a guess in guessing.py."""


@dataclass(frozen=True)
class Caution:
    """What a reader of a comparison must be told first."""

    kind: Literal[
        "leakage",
        "guess",
        "unfinished",
        "not tested",
        "same seed",
        "calibrated since",
        "views differ",
        "precision differs",
    ]
    run: str = ""
    """Which it is about, or which is left out; empty where it is about all."""
    galaxies: int = 0
    leakage: Leakage | None = None
    guess: AgainstGuess | None = None

    def describe(self) -> str:
        """Say it in words."""
        if self.leakage is not None:
            details = leakage_details(self.leakage, self.galaxies)
            return f"{self.run}: {leakage_warning(self.leakage, self.galaxies)}" + (f" ({details})" if details else "")
        if self.guess is not None:
            return f"{self.run}: {self.guess.describe()}"
        return CAUTIONS[self.kind].format(run=self.run)


@dataclass(frozen=True)
class Comparison:
    """Networks that were tested on the same galaxies."""

    name: str
    """Of the results in each run, as `kamerton evaluate --name` gives it."""
    dataset: str
    """The cube's file."""
    galaxies: int
    groups: int
    """Galaxies that are not the same; drawn as one in the bootstrap."""
    class_names: tuple[str, ...]
    networks: tuple[NetworkResult, ...]
    differences: tuple[Difference, ...]
    resamples: int
    cautions: tuple[Caution, ...]
    """What a reader must be told first."""
    foreign_histories: Mapping[str, pd.DataFrame] = field(default_factory=dict, compare=False)
    """Learning histories of other programs, as the notebook writes them, which join the learning curves."""

    def __repr__(self) -> str:
        networks = "; ".join(f"{one.name} {one.metrics['accuracy'].value:.3f}" for one in self.networks)
        shown = f"{sum(one.shown for one in self.differences)} of {counted(len(self.differences), 'difference')} shown"
        warned = "".join(f", {len(self.cautions)} to read first" for _ in self.cautions[:1])
        return (
            f"Comparison({self.tested_on}, {counted(self.galaxies, 'galaxy')}, accuracy: {networks}; {shown}{warned})"
        )

    def _repr_html_(self) -> str:
        rows = []
        for one in self.networks:
            values = [one.metrics[metric] for metric in METRICS]
            numbers = [f"{value.value:.3f}\n{value.low:.3f} – {value.high:.3f}" for value in values]
            rows.append((one.name, str(len(one.predictions)), *numbers))
        columns = ("network", "seeds", *(metric.replace("_", " ") for metric in METRICS))
        return jupyter.block(
            f"{self.tested_on}, {counted(self.galaxies, 'galaxy')}, with 95% intervals",
            jupyter.warnings(caution.describe() for caution in self.cautions),
            jupyter.table(columns, rows),
            jupyter.items(difference.describe() for difference in self.differences),
        )

    @property
    def tested_on(self) -> str:
        """What the networks were tested on, for a reader."""
        return tested_on(self.name, self.dataset)

    def describe(self) -> list[str]:
        """Say what was found, a line a finding, for a reader."""
        lines = [f"WARNING: {caution.describe()}" for caution in self.cautions]
        for result in self.networks:
            value, spread = result.metrics["accuracy"], result.spread["accuracy"]
            seeds = "one seed" if spread is None else f"{len(result.predictions)} seeds, which differ by {spread:.3f}"
            seeds = "one ensemble" if result.predictions[0].run.record.members else seeds
            lines.append(f"{result.name}: accuracy {value.value:.3f} ({value.low:.3f} to {value.high:.3f}), {seeds}")
        return lines + [difference.describe() for difference in self.differences]

    def as_json(self) -> dict[str, Any]:
        """Give everything to a program."""
        networks = [
            {
                "name": result.name,
                "network": result.network,
                "recipe": result.recipe,
                "differs_in": {trait.kind: trait.value for trait in result.traits},
                "runs": [str(predictions.run.path) for predictions in result.predictions],
                "seeds": [predictions.run.record.seed for predictions in result.predictions],
                "metrics": {name: dataclasses.asdict(value) for name, value in result.metrics.items()},
                "spread": result.spread,
                "recall": dict(zip(self.class_names, result.recall.tolist(), strict=True)),
                "cost": dataclasses.asdict(result.cost),
                "against_guessing": None if result.guess is None else result.guess.as_json(),
            }
            for result in self.networks
        ]
        differences = [
            {**dataclasses.asdict(difference), "shown": difference.shown, "words": difference.describe()}
            for difference in self.differences
        ]
        return {
            "name": self.name,
            "dataset": self.dataset,
            "galaxies": self.galaxies,
            "groups": self.groups,
            "resamples": self.resamples,
            "cautions": [{"kind": one.kind, "run": one.run, "words": one.describe()} for one in self.cautions],
            "networks": networks,
            "differences": differences,
        }
