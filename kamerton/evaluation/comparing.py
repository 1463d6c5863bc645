"""From what runs predicted for the same galaxies to error bars and tests: how a comparison is computed."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from kamerton.arrays import Mask
from kamerton.config.judging import CompareSettings
from kamerton.errors import RunError
from kamerton.evaluation.comparison import Caution, Comparison, Difference, NetworkResult
from kamerton.evaluation.cost import cost_of
from kamerton.evaluation.guessing import against_guess
from kamerton.evaluation.repeats import Repeats, find_repeats, name_of
from kamerton.evaluation.results import RunPredictions, count_confusion, mean_probabilities
from kamerton.evaluation.statistics import (
    METRICS,
    SHARES,
    Interval,
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
from kamerton.progress import Progress, Silent
from kamerton.runs.calibration import of_present_weights, read_calibration
from kamerton.runs.folder import Run
from kamerton.runs.scores import Metrics


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
