"""Galaxies unlike all that a network learned from: an energy, and how far they lie from those in its own features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from kamerton.arrays import Features, Float32N, ValuesN

NEIGHBOURS = 10
"""The distance to the tenth nearest training galaxy counts: one twin among them proves nothing."""

FEATURES_KEPT = 128
"""Most axes of the features that are kept; what lies beside them is one further number."""

LEAST_SPREAD = 1e-6
"""Of a feature over the training galaxies, relative to that of the widest; below it a feature is dead."""

Points = Float32[np.ndarray, "n axes"]
"""Galaxies among the axes that are kept."""


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """How features become points: less their mean, over their spread, and turned onto the axes that matter."""

    centre: Float32[np.ndarray, " features"]
    weights: Float32[np.ndarray, " features"]
    """1 / spread; 0 for a dead feature."""
    axes: Float32[np.ndarray, "features axes_kept"] | None
    """Principal axes of the training galaxies; None where the features are few, and all are kept."""

    def points(self, features: Features) -> Points:
        """Give the points (n, axes) of galaxies."""
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = np.asarray((features - self.centre) * self.weights, np.float32)
            if self.axes is None:
                return scaled
            along = scaled @ self.axes
            beside = np.maximum(np.square(scaled).sum(1) - np.square(along).sum(1), 0)
            return np.asarray(np.column_stack([along, np.sqrt(beside)]), np.float32)


def learn_space(features: Features) -> FeatureSpace:
    """Learn the space from training galaxies (n, features)."""
    exact = features.astype(np.float64)
    centre, weights = exact.mean(0), weights_of(exact.std(0))
    axes = None
    if features.shape[1] > FEATURES_KEPT:
        axes = np.linalg.svd((exact - centre) * weights, full_matrices=False)[2][:FEATURES_KEPT].T.astype(np.float32)
    return FeatureSpace(centre.astype(np.float32), weights.astype(np.float32), axes)


def weights_of(spread: Float64[np.ndarray, " features"]) -> Float64[np.ndarray, " features"]:
    """Say how much each feature counts: the less the more it spreads, and nothing where it is dead."""
    alive = spread > LEAST_SPREAD * max(float(spread.max()), float(np.finfo(np.float32).tiny))
    return np.asarray(np.where(alive, 1 / np.where(alive, spread, 1), 0))


def distances(points: Points, known: Float32[np.ndarray, "known axes"]) -> ValuesN:
    """Distance (n,) of each galaxy to its tenth nearest among the known ones."""
    # What overflows is far from everything, and so is what is then no number.
    with np.errstate(over="ignore", invalid="ignore"):
        squared = np.square(points).sum(1)[:, np.newaxis] + np.square(known).sum(1) - 2 * (points @ known.T)
    squared[np.isnan(squared)] = np.inf
    nearest = min(NEIGHBOURS, len(known))
    found = np.partition(squared, nearest - 1, axis=1)[:, nearest - 1].astype(np.float64)
    return np.asarray(np.sqrt(np.maximum(found, 0)))


def energies(logits: Float32[np.ndarray, "n classes"]) -> ValuesN:
    """Energy (n,) of each galaxy, -ln of the sum of exp(logits) (Liu et al. 2020): high where no class is found."""
    exact = logits.astype(np.float64)
    highest = exact.max(1)
    return np.asarray(-highest - np.log(np.exp(exact - highest[:, np.newaxis]).sum(1)))


def percentiles(values: ValuesN, reference: Float64[np.ndarray, " known"]) -> Float32N:
    """Share (n,) of the sorted reference that is smaller than each value."""
    return np.asarray(np.searchsorted(reference, values, side="left") / len(reference), np.float32)
