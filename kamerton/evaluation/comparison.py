"""Networks side by side, with error bars and words: what ``kamerton compare`` finds."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float64

from kamerton import jupyter
from kamerton.arrays import Mask, MeanConfusion, Probabilities
from kamerton.config.judging import CompareSettings
from kamerton.errors import RunError
from kamerton.evaluation.cost import Cost, cost_of
from kamerton.evaluation.guessing import AgainstGuess, against_guess
from kamerton.evaluation.leakage import leakage_details, leakage_warning
from kamerton.evaluation.repeats import Repeats, Trait, find_repeats, name_of
from kamerton.evaluation.results import RunPredictions, count_confusion, mean_probabilities
from kamerton.evaluation.statistics import (
    METRICS,
    SHARES,
    SIGNIFICANT,
    Interval,
    McNemar,
    Numbers,
    difference_interval,
    exact_mcnemar,
    holm,
    macro_f1_interval,
    mean_recall_interval,
    percentile_interval,
    resampled_weights,
    weighted_metrics,
    wider,
    wilson_interval,
)
from kamerton.plurals import counted
from kamerton.progress import Progress, Silent
from kamerton.runs.calibration import of_present_weights, read_calibration
from kamerton.runs.evaluation import Leakage, Metrics, tested_on
from kamerton.runs.folder import Run

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


def compare_predictions(
    predictions: Sequence[RunPredictions], settings: CompareSettings, watcher: Progress | None = None
) -> Comparison:
    """Compare the predictions of runs for the same galaxies; see docs/statistics.md for each number."""
    first = predictions[0]
    weights = resampled_weights(first.groups, settings.resamples, settings.seed)
    repeats = {name_of(one.title, one.traits): one for one in find_repeats(predictions)}
    by_network: dict[str, list[_Resampled]] = {name: [] for name in repeats}
    with (watcher or Silent()).task(f"drawing {settings.resamples} samples", len(predictions), "runs") as advance:
        for name, group in repeats.items():
            for one in group.predictions:
                by_network[name].append(_Resampled.of(one, weights))
                advance()
    drawn = {name: _draw_seeds(len(runs), settings) for name, runs in by_network.items()}
    names = first.run.record.class_names
    results = tuple(_result(repeats[name], runs, drawn[name], names) for name, runs in by_network.items())
    differences = _differences(results, by_network, drawn)
    return Comparison(
        name=first.name,
        dataset=first.metrics.dataset,
        galaxies=len(first.ids),
        groups=len(set(first.groups)),
        class_names=names,
        networks=results,
        differences=tuple(differences),
        resamples=settings.resamples,
        cautions=_cautions(predictions, repeats.values()),
    )


def _cautions(tested: Sequence[RunPredictions], repeats: Iterable[Repeats]) -> tuple[Caution, ...]:
    found = [
        Caution("leakage", one.run.name, one.metrics.galaxies, one.metrics.leakage)
        for one in tested
        if one.metrics.leakage.status != "none"
    ]
    for one in tested:
        guess = against_guess(one.confusion, tested[0].run.record.class_names)
        if guess is not None and guess.verdict != "better":
            found.append(Caution("guess", one.run.name, one.metrics.galaxies, guess=guess))
    found += [Caution("same seed", run.name) for group in repeats for run in _of_known_seeds(group)]
    found += [Caution("calibrated since", one.run.name) for one in tested if calibrated_since(one.run, one.metrics)]
    if len({one.metrics.views for one in tested}) > 1:
        found.append(Caution("views differ"))
    if len({one.metrics.precision for one in tested}) > 1:
        found.append(Caution("precision differs"))
    return tuple(found)


def calibrated_since(run: Run, metrics: Metrics) -> bool:
    """Tell whether a run has a calibration, for such predictions, that its results know nothing of."""
    try:
        made = read_calibration(run)
        if made is None or not of_present_weights(run, made):
            return False
    except RunError:
        # Whoever uses it says what is wrong with it.
        return False
    before = None if metrics.certainty is None else metrics.certainty.calibrated
    is_for_such = (made.views, made.precision) == (metrics.views, metrics.precision)
    return is_for_such and (before is None or before.calibration != made.fingerprint)


def _of_known_seeds(group: Repeats) -> Iterator[Run]:
    """Find the runs whose seed an earlier one of the group has."""
    seeds: set[int | None] = set()
    for one in group.predictions:
        if one.run.record.seed in seeds:
            yield one.run
        seeds.add(one.run.record.seed)


@dataclass(frozen=True)
class _Resampled:
    """A run's metrics as they are, and in every resample."""

    predictions: RunPredictions
    values: dict[str, float]
    resampled: dict[str, Numbers]
    recall: Numbers
    """(classes,)"""
    resampled_recall: Numbers
    """(R, classes)"""

    @classmethod
    def of(cls, predictions: RunPredictions, weights: Numbers) -> _Resampled:
        labels, probabilities = predictions.labels, predictions.probabilities
        once = weighted_metrics(labels, probabilities, np.ones((1, len(labels))))
        is_class = np.eye(probabilities.shape[1])[labels]
        right = is_class * predictions.right[:, np.newaxis]
        with np.errstate(invalid="ignore"):
            recall, resampled_recall = right.sum(0) / is_class.sum(0), (weights @ right) / (weights @ is_class)
        return cls(
            predictions,
            {name: float(value[0]) for name, value in once.items()},
            weighted_metrics(labels, probabilities, weights),
            recall,
            resampled_recall,
        )


def _draw_seeds(count: int, settings: CompareSettings) -> Numbers:
    """Draw seeds with repeats for each resample, as shares (R, count) that add up to 1: they too are a sample.

    Few seeds drawn from themselves vary too little, by (count - 1) / count in variance, so their draws are spread by as
    much (Davison & Hinkley 1997, 2.2).
    """
    generator = np.random.default_rng([settings.seed, count])
    shares = generator.multinomial(count, np.full(count, 1 / count), size=settings.resamples) / count
    spread = np.sqrt(count / (count - 1)) if count > 1 else 1.0
    return np.asarray(1 / count + spread * (shares - 1 / count))


def _over_seeds(runs: Sequence[_Resampled], shares: Numbers, metric: str) -> tuple[float, Numbers]:
    """Give a metric's mean over the seeds, and in every resample (R,)."""
    stacked = np.stack([run.resampled[metric] for run in runs], axis=1)
    return float(np.mean([run.values[metric] for run in runs])), (stacked * shares).sum(1)


def _result(
    repeats: Repeats, runs: Sequence[_Resampled], shares: Numbers, class_names: tuple[str, ...]
) -> NetworkResult:
    metrics = {metric: percentile_interval(*_over_seeds(runs, shares, metric)) for metric in METRICS}
    metrics["accuracy"] = _of_share(metrics["accuracy"], repeats.predictions, slice(None))
    recall = _recall(repeats.predictions, runs, shares)
    if _tells_resamples_nothing(runs, metrics.values()):
        known = recall[np.isfinite(recall[:, 0])]
        metrics["balanced_accuracy"] = wider(metrics["balanced_accuracy"], mean_recall_interval(known))
        metrics["macro_f1"] = wider(metrics["macro_f1"], _macro_f1(repeats.predictions))
    spread = {
        metric: float(np.std([run.values[metric] for run in runs], ddof=1)) if len(runs) > 1 else None
        for metric in METRICS
    }
    first, record = repeats.predictions[0], repeats.predictions[0].run.record
    answers = count_confusion(first.labels, mean_probabilities(repeats.predictions))
    return NetworkResult(
        name=name_of(repeats.title, repeats.traits),
        network=record.network,
        recipe=None if record.recipe is None else record.recipe.name,
        predictions=repeats.predictions,
        metrics=metrics,
        spread=spread,
        recall=recall,
        cost=cost_of([one.run for one in repeats.predictions]),
        title=repeats.title,
        traits=repeats.traits,
        guess=against_guess(answers, class_names),
    )


def _tells_resamples_nothing(runs: Sequence[_Resampled], metrics: Iterable[Interval]) -> bool:
    """Tell whether resamples cannot differ as other galaxies would: all of each class are right, or all are wrong."""
    recalls = np.concatenate([run.recall[np.isfinite(run.recall)] for run in runs])
    return bool(np.isin(recalls, (0, 1)).all()) or not all(metric.has_width for metric in metrics)


def _macro_f1(predictions: Sequence[RunPredictions]) -> Interval:
    """Give the mean over the seeds, and of their intervals' ends."""
    found = [macro_f1_interval(one.labels, one.probabilities.argmax(1), one.groups) for one in predictions]
    return Interval(*map(float, np.mean([dataclasses.astuple(one) for one in found], axis=0)))


def _of_share(bootstrap: Interval, predictions: Sequence[RunPredictions], rows: slice | Mask) -> Interval:
    """Give a share of the galaxies of these rows its interval: Wilson's, for it is never without width.

    Of several seeds, and of galaxies in groups, each of which counts as one, it reaches at least as far as the
    bootstrap's, which knows how much these vary.
    """
    groups = np.asarray(predictions[0].groups)[rows]
    count = len(np.unique(groups))
    wilson = wilson_interval(bootstrap.value, count)
    if len(predictions) == 1 and count == len(groups):
        return wilson
    found = wider(wilson, bootstrap)
    # The draws of few seeds are spread, which may lead out of what a share can be.
    return Interval(found.value, max(0.0, found.low), min(1.0, found.high))


def _recall(
    predictions: Sequence[RunPredictions], runs: Sequence[_Resampled], shares: Numbers
) -> Float64[np.ndarray, "classes 3"]:
    """Give each class's mean recall over the seeds with its interval; NaN for a class without galaxies."""
    recall = np.mean([run.recall for run in runs], axis=0)
    resampled = np.einsum("rsc,rs->rc", np.stack([run.resampled_recall for run in runs], axis=1), shares)
    rows = np.full((len(recall), 3), np.nan)
    for place in np.flatnonzero(np.isfinite(recall)):
        # A resample may miss a class.
        drawn = resampled[:, place][np.isfinite(resampled[:, place])]
        bootstrap = percentile_interval(float(recall[place]), drawn)
        found = _of_share(bootstrap, predictions, predictions[0].labels == place)
        rows[place] = found.value, found.low, found.high
    return rows


def _differences(
    results: Sequence[NetworkResult], by_network: dict[str, list[_Resampled]], drawn: dict[str, Numbers]
) -> list[Difference]:
    """Compare every two networks on the same resamples, the better first."""
    ranked = sorted(results, key=lambda result: -result.metrics["accuracy"].value)
    labels = results[0].predictions[0].labels
    right = {result.name: result.committee.argmax(1) == labels for result in results}
    pairs = list(itertools.combinations(ranked, 2))
    tests = [exact_mcnemar(right[one.name], right[two.name]) for one, two in pairs]
    found = []
    for (one, two), test, p in zip(pairs, tests, holm([test.p_value for test in tests]), strict=True):
        metrics = {}
        for metric in METRICS:
            first, second = (_over_seeds(by_network[n.name], drawn[n.name], metric) for n in (one, two))
            metrics[metric] = percentile_interval(first[0] - second[0], first[1] - second[1])
            if metric in SHARES and not metrics[metric].has_width:
                metrics[metric] = difference_interval(one.metrics[metric], two.metrics[metric])
        found.append(Difference(one.name, two.name, metrics, test, p, len(pairs)))
    return found
