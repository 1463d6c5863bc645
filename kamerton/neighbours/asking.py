"""Which galaxies a network is least sure of, and of these some that differ from each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from kamerton.arrays import Mask, Rows, ValuesN
from kamerton.neighbours.nearest import Directions
from kamerton.quiet import Filter, Quiet

CLUSTERS_SEED = 0
"""Of the clusters' first middles."""

SHORTLIST = 10
"""So many times the wanted galaxies are looked at for what they look like: the least sure of all."""

_EQUAL_GALAXIES = Quiet(Filter("ignore", UserWarning, "Number of distinct clusters"))
"""What scikit-learn says where several galaxies look the same to the network."""


def margins(probabilities: Float64[np.ndarray, "n classes"]) -> ValuesN:
    """How far the likeliest class is from the second (n,), 0 to 1; NaN where there are no probabilities."""
    if probabilities.shape[1] == 1:
        return np.asarray(probabilities[:, 0])
    two = np.sort(probabilities, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


@dataclass
class Shortlist:
    """The galaxies of the lowest keys so far, in their order; of equal ones the first row comes first."""

    most: int
    rows: Rows
    keys: ValuesN

    @staticmethod
    def of(most: int) -> Shortlist:
        """Begin one of so many galaxies."""
        return Shortlist(most, np.empty(0, np.int64), np.empty(0))

    def add(self, first_row: int, keys: ValuesN, may_be_asked: Mask) -> None:
        """Take further galaxies, whose rows follow each other."""
        fresh = np.flatnonzero(may_be_asked)
        rows = np.concatenate([self.rows, first_row + fresh])
        both = np.concatenate([self.keys, keys[fresh]])
        kept = np.argsort(both, kind="stable")[: self.most]
        self.rows, self.keys = rows[kept], both[kept]


def spread(points: Directions, count: int) -> Int64[np.ndarray, " chosen"]:
    """Choose places of galaxies of many kinds, in their order: the most typical of each of ``count`` clusters.

    Clusters of a shortlist are those of Zhdanov (2019), by k-means; of the ways that were tried this one taught most
    (docs/log.md, Neighbours). Galaxies without a direction come last.
    """
    known = np.flatnonzero(np.isfinite(points).all(1))
    chosen = known[_typical(points[known], count)] if len(known) > count else known
    rest = np.setdiff1d(np.arange(len(points)), chosen)
    if len(known) > count:
        # Equal galaxies are of one cluster, so that there may be fewer than were asked for.
        rest = np.setdiff1d(known, chosen)
    return np.asarray(np.concatenate([chosen, rest])[:count])


def _typical(points: Directions, count: int) -> Int64[np.ndarray, " chosen"]:
    """Give the places of the galaxies that are nearest to the middle of their cluster."""
    from sklearn.cluster import KMeans

    exact = points.astype(np.float64)
    with _EQUAL_GALAXIES:
        found = KMeans(count, n_init=1, random_state=CLUSTERS_SEED).fit(exact)
    away = np.square(exact - found.cluster_centers_[found.labels_]).sum(1)
    # By cluster, and in each the nearest to its middle first.
    order = np.lexsort([np.arange(len(exact)), away, found.labels_])
    _, first = np.unique(found.labels_[order], return_index=True)
    return np.asarray(np.sort(order[first]), np.int64)
