"""The nearest galaxies among any number: one matrix product in blocks, and the best of each so far.

Galaxies are compared by the cosine of the angle between them, seen from the middle of all, where each feature counts by
its spread: of the ways that were tried it finds most galaxies of the same class (docs/log.md, Neighbours).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from kamerton.arrays import Features, ValuesN
from kamerton.certainty.outliers import FeatureSpace, weights_of

BLOCK_NUMBERS = 1 << 18
"""Numbers of a block, 1 MiB: what a core keeps close while it computes with them."""

SAME_DISTANCE = 1e-5
"""Nearer than this two pictures are one to the network: what is left of equal ones is how numbers were rounded."""

Blocks = Iterable[Float32[np.ndarray, "_ _"]]
"""Features of galaxies, as many rows at once as they come."""

Directions = Float32[np.ndarray, "n axes"]


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest of each of m galaxies, the nearest first; fewer where there are no more."""

    rows: Int64[np.ndarray, "m found"]
    distances: Float64[np.ndarray, "m found"]
    """1 - cosine: 0 for the same direction, 1 for none in common, 2 for opposite ones."""


def learn_middle(blocks: Blocks) -> FeatureSpace:
    """Learn middle and spread of the features of galaxies, which come block by block; those without are left out."""
    count, total, squares = 0, np.zeros(0), np.zeros(0)
    for block in blocks:
        for some in parts(block):
            exact = known(some).astype(np.float64)
            count += len(exact)
            total = total + exact.sum(0) if total.size else exact.sum(0)
            squares = squares + np.square(exact).sum(0) if squares.size else np.square(exact).sum(0)
    centre = total / max(1, count)
    spread = np.sqrt(np.maximum(squares / max(1, count) - np.square(centre), 0))
    return FeatureSpace(centre.astype(np.float32), weights_of(spread).astype(np.float32), None)


def known(features: Features) -> Float32[np.ndarray, "known features"]:
    """Leave out the galaxies without features."""
    is_known = np.isfinite(features).all(1)
    return features if is_known.all() else features[is_known]


def parts(features: Features) -> Blocks:
    """Cut rows into blocks that a core keeps close."""
    step = max(1, BLOCK_NUMBERS // features.shape[1])
    return (features[start : start + step] for start in range(0, len(features), step))


def directions(features: Features, space: FeatureSpace | None) -> Directions:
    """Give what is compared: unit vectors, NaN for a galaxy without features, or in the very middle of all."""
    points = features if space is None else space.points(features)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", points, points))
        lengths[lengths == 0] = np.nan
        return np.asarray(points / lengths[:, np.newaxis], np.float32)


def nearest(queries: Directions, blocks: Blocks, count: int, space: FeatureSpace | None) -> Nearest:
    """Find the ``count`` nearest of each query (m, axes) among galaxies whose features come block by block.

    Of equal distances the first row is nearer. Distances are those of float32; see `exact_distances`.
    """
    rows = np.empty((len(queries), 0), np.int64)
    distances = np.empty((len(queries), 0), np.float32)
    done = 0
    for block in blocks:
        for some in parts(block):
            fresh = 1 - queries @ directions(some, space).T
            fresh[np.isnan(fresh)] = np.inf
            both = np.concatenate([distances, fresh], axis=1)
            numbers = np.broadcast_to(np.arange(done, done + len(some)), fresh.shape)
            kept = np.argsort(both, axis=1, kind="stable")[:, :count]
            distances = np.take_along_axis(both, kept, axis=1)
            rows = np.take_along_axis(np.concatenate([rows, numbers], axis=1), kept, axis=1)
            done += len(some)
    found = int(np.isfinite(distances).sum(1).min(initial=count))
    return Nearest(rows[:, :found], distances[:, :found].astype(np.float64))


def exact_distances(query: Float32[np.ndarray, "1 features"], found: Features, space: FeatureSpace | None) -> ValuesN:
    """Give the distances of one galaxy (1, features) to some (n, features), as exactly as they are stored."""
    both = np.concatenate([query, found])
    points = (both if space is None else space.points(both)).astype(np.float64)
    units = points / np.sqrt(np.square(points).sum(1))[:, np.newaxis]
    # Of what is nearly the same the cosine knows no more than half of the digits.
    return np.asarray(np.square(units[1:] - units[0]).sum(1) / 2)
