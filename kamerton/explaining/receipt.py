"""The receipt of an explanation: whether its maps show what the network uses, tried on the same galaxies."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import nn

from kamerton.batches.augment import EIGHT, turned
from kamerton.config.judging import CompareSettings
from kamerton.errors import UsageError
from kamerton.evaluation.statistics import Interval
from kamerton.explaining.agreeing import rank_correlations
from kamerton.explaining.deleting import STEPS, Hanging, centred_gaussian, hanging, random_maps
from kamerton.explaining.layers import Classes, Images
from kamerton.explaining.methods import Maker, Mapper, Subject, subject_of, turned_back
from kamerton.explaining.randomising import cascade
from kamerton.explaining.sky import sky_like
from kamerton.progress import Progress

MOST_GALAXIES = 40
"""That a receipt is made of."""

FEWEST_GALAXIES = 8
"""Of fewer nothing is said: an interval of them would mean little."""

BATCH_GALAXIES = 16

CASCADE_STEPS = 6
"""In which all layers are made random."""

FRESH_NETWORKS = 3
"""Of other seeds, for one alone may be alike, or opposite, by chance."""

RANDOM_MAPS = 2
"""A galaxy, whose mean is what the map is held against."""

MOST_PASSES = 15_000
"""Through the network, in each of the three parts; for methods that take many, fewer galaxies are tried."""

LARGEST_AGREEMENT = 0.5
"""Rank correlation below which maps of a random network count as others."""

Curve = list[Interval]


@dataclass(frozen=True)
class Rival:
    """A kind of maps in the deletion and the insertion: these, or what they are held against."""

    deletion: Curve
    """Mean probability of the explained class, with 0, 1/16 ... of the pixels gone."""
    insertion: Curve
    deleted: Interval
    """Mean area under the curves of deletion."""
    inserted: Interval
    better_by: Interval | None
    """Insertion less deletion of the map, less that of this rival, galaxy by galaxy; None for the map itself."""


@dataclass(frozen=True)
class CascadeStep:
    """The maps of a network whose last layers are random."""

    layer: str
    share: float
    """Of the parameters that are random."""
    agreement: Interval
    """Mean rank correlation with the maps of the network as it is."""


@dataclass(frozen=True)
class Receipt:
    """What was tried, on how many galaxies, and what came out."""

    galaxies: int
    """In deletion and insertion."""
    galaxies_turned: int
    """In the eight views."""
    galaxies_randomised: int
    """In the cascade."""
    map: Rival
    gaussian: Rival
    """A Gaussian in the middle of the image."""
    random: Rival
    """Noise, as smooth as the map."""
    cascade: tuple[CascadeStep, ...]
    turned: Interval
    """Mean rank correlation of the map with that of the turned galaxy, turned back."""

    def __post_init__(self) -> None:
        if self.gaussian.better_by is None or self.random.better_by is None:
            raise UsageError("better_by: none", allowed="by how much the map is better than each rival")

    @property
    def is_enough(self) -> bool:
        """Whether the galaxies are enough for a word."""
        return self.galaxies >= FEWEST_GALAXIES

    @property
    def beats_gaussian(self) -> bool | None:
        """Whether the map is shown to be better than a blob in the middle; None for too few galaxies."""
        return self._beats(self.gaussian)

    @property
    def beats_random(self) -> bool | None:
        """Whether the map is shown to be better than noise; None for too few galaxies."""
        return self._beats(self.random)

    def _beats(self, rival: Rival) -> bool | None:
        assert rival.better_by is not None, "a rival is held against the map"
        return rival.better_by.low > 0 if self.is_enough else None

    @property
    def follows_weights(self) -> bool | None:
        """Whether the maps of a random network are shown to be others; None for too few galaxies."""
        if self.galaxies_randomised < FEWEST_GALAXIES:
            return None
        return self.cascade[-1].agreement.high < LARGEST_AGREEMENT

    def as_json(self) -> dict[str, Any]:
        """Give everything as plain values."""
        verdicts = ("beats_gaussian", "beats_random", "follows_weights")
        return {"verdicts": {name: getattr(self, name) for name in verdicts}, **dataclasses.asdict(self)}


@dataclass(frozen=True)
class Trial:
    """The galaxies that a receipt is made of, and what makes their maps."""

    subject: Subject
    network: nn.Module
    """In float32; that of the subject, or what it was made of."""
    fresh: Sequence[nn.Module]
    """The same network before it learned anything, by other seeds."""
    maker: Maker
    maps: Mapper
    images_nchw: Images
    classes: Classes
    passes: int
    """Passes through the network that a map costs, about."""

    def batches(self, count: int) -> Iterator[tuple[Images, Classes]]:
        """Give the first galaxies in batches."""
        for start in range(0, count, BATCH_GALAXIES):
            some = slice(start, min(count, start + BATCH_GALAXIES))
            yield self.images_nchw[some], self.classes[some]

    def affordable(self, maps_a_galaxy: int) -> int:
        """Tell for how many galaxies so many maps each may be made."""
        most = max(1, MOST_PASSES // (maps_a_galaxy * self.passes))
        return min(len(self.images_nchw), most)


def make_receipt(trial: Trial, watcher: Progress) -> Receipt:
    """Try the maps: deletion and insertion, random weights, turned galaxies."""
    count = len(trial.images_nchw)
    turned_count = trial.affordable(EIGHT)
    randomised_count = trial.affordable(CASCADE_STEPS * len(trial.fresh))
    rivals = _rivals(trial, watcher)
    return Receipt(
        count,
        turned_count,
        randomised_count,
        **rivals,
        cascade=_cascade(trial, randomised_count, watcher),
        turned=_turned(trial, turned_count, watcher),
    )


def _rivals(trial: Trial, watcher: Progress) -> dict[str, Rival]:
    found: dict[str, list[Hanging]] = {"map": [], "gaussian": [], "random": []}
    with watcher.task("receipt: deletion and insertion", len(trial.images_nchw), "galaxies") as advance:
        for images_nchw, classes in trial.batches(len(trial.images_nchw)):
            sky_nchw = sky_like(images_nchw)
            maps = trial.maps(trial.subject, images_nchw, classes)
            noise = [random_maps(maps, trial.maker.cells, seed) for seed in range(RANDOM_MAPS)]
            tried = {"map": [maps], "gaussian": [centred_gaussian(maps)], "random": noise}
            for name, kinds in tried.items():
                found[name].append(
                    _mean([hanging(trial.subject, images_nchw, classes, kind, sky_nchw) for kind in kinds])
                )
            advance(len(images_nchw))
    whole = {name: _joined(parts) for name, parts in found.items()}
    return {name: _rival(one, None if name == "map" else whole["map"]) for name, one in whole.items()}


def _mean(found: Sequence[Hanging]) -> Hanging:
    return Hanging(*(np.mean([getattr(one, name) for one in found], 0) for name in ("deletion", "insertion")))


def _joined(parts: Sequence[Hanging]) -> Hanging:
    return Hanging(*(np.concatenate([getattr(one, name) for one in parts]) for name in ("deletion", "insertion")))


def _rival(one: Hanging, own: Hanging | None) -> Rival:
    deletion, insertion = ([mean_of(column) for column in curves.T] for curves in (one.deletion, one.insertion))
    assert len(deletion) == STEPS + 1, "a point more than steps"
    better_by = None if own is None else mean_of(own.scores - one.scores)
    return Rival(deletion, insertion, mean_of(one.deleted), mean_of(one.inserted), better_by)


def _cascade(trial: Trial, count: int, watcher: Progress) -> tuple[CascadeStep, ...]:
    own = subject_of(trial.network)
    images_nchw, classes = trial.images_nchw[:count], trial.classes[:count]
    before = _maps(trial, own, images_nchw, classes)
    found: dict[str, list[tuple[float, Float64[np.ndarray, " n"]]]] = {}
    with watcher.task("receipt: random weights", len(trial.fresh), "networks") as advance:
        for fresh in trial.fresh:
            for step in cascade(trial.network, fresh, images_nchw, CASCADE_STEPS):
                after = _maps(trial, subject_of(step.network), images_nchw, classes)
                found.setdefault(step.name, []).append((step.share, rank_correlations(before, after)))
            advance()
    return tuple(
        CascadeStep(name, draws[0][0], mean_of(np.mean([agreement for _, agreement in draws], 0)))
        for name, draws in found.items()
    )


def _maps(trial: Trial, subject: Subject, images_nchw: Images, classes: Classes) -> torch.Tensor:
    pairs = zip(torch.split(images_nchw, BATCH_GALAXIES), torch.split(classes, BATCH_GALAXIES), strict=True)
    return torch.cat([trial.maps(subject, images, some) for images, some in pairs])


def _turned(trial: Trial, count: int, watcher: Progress) -> Interval:
    found: list[Float64[np.ndarray, " n"]] = []
    with watcher.task("receipt: eight views", count, "galaxies") as advance:
        for images_nchw, classes in trial.batches(count):
            upright = trial.maps(trial.subject, images_nchw, classes)
            others = [
                rank_correlations(
                    upright, turned_back(trial.maps(trial.subject, turned(images_nchw, number), classes), number)
                )
                for number in range(1, EIGHT)
            ]
            found.append(np.mean(others, 0))
            advance(len(images_nchw))
    return mean_of(np.concatenate(found))


def mean_of(values: Float64[np.ndarray, " n"]) -> Interval:
    """Give the mean over galaxies, with its 95% bootstrap interval; of too few or equal ones, the mean alone."""
    from scipy.stats import bootstrap

    mean = float(values.mean())
    if len(values) < FEWEST_GALAXIES or np.ptp(values) == 0:
        return Interval(mean, mean, mean)
    found = bootstrap(
        (values,), np.mean, n_resamples=CompareSettings.resamples, method="percentile", rng=np.random.default_rng(0)
    )
    return Interval(mean, float(found.confidence_interval.low), float(found.confidence_interval.high))
