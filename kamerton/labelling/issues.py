"""Which labels are probably wrong, by confident learning (Northcutt et al. 2021, JAIR 70, 1373), with cleanlab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from kamerton.arrays import Confusion, Labels, Mask, Probabilities, Rows, ValuesN
from kamerton.errors import MissingExtraError

TRUST = 0.5
"""How far the ways in which labels are wrong are believed: 0 takes every wrong class for as likely as another, 1 the
joint distribution as it is estimated, part of which is hard galaxies and no wrong labels. Chosen by trials on real
galaxies (docs/log.md)."""


@dataclass(frozen=True, eq=False)
class Issues:
    """What is thought of every label."""

    is_issue: Mask
    """Labels that are probably wrong: the first in the order, as many as `estimated`, that are not the likeliest."""
    suggested: Labels
    """The likeliest class of each galaxy."""
    score: ValuesN
    """How likely it is that the given class is the true one, 0 to 1: near 0, the label is probably wrong."""
    order: Rows
    """All galaxies, the most suspicious label first."""
    estimated: int
    """How many labels are wrong, by the joint distribution of given and true classes."""
    joint: Confusion
    """About how many galaxies have a (given, true) class."""


def require_cleanlab() -> None:
    """Say at once, before anything is trained, where cleanlab is missing (MissingExtraError)."""
    _count()


def find_issues(labels: Labels, probabilities: Probabilities) -> Issues:
    """Find probably wrong labels from probabilities (n, classes) of networks that have not seen the galaxy.

    Confident learning counts how often which class is given for which true one; with that each galaxy has a probability
    that its given class is the true one, by Bayes: p(true) p(given | true), over all that might be true.
    """
    count = _count()
    # Of classes without a galaxy nothing can be learned, and cleanlab knows only those that are there.
    classes, given = np.unique(labels, return_inverse=True)
    given = given.astype(np.int64)
    chances = _normalised(probabilities[:, classes].astype(np.float64))
    joint = np.asarray(count.compute_confident_joint(given, chances, calibrate=True), np.int64)
    # One galaxy more in each cell, lest what was not seen be impossible.
    given_of_true = ((joint + 1) / (joint + 1).sum(0)) ** TRUST
    weighed = _normalised(chances * given_of_true[given])
    score = weighed[np.arange(len(given)), given]
    order = np.argsort(score, kind="stable").astype(np.int64)
    estimated = int(count.num_label_issues(given, chances))
    is_issue = np.zeros(len(labels), bool)
    is_issue[order[:estimated]] = True
    whole = np.zeros((probabilities.shape[1],) * 2, np.int64)
    whole[np.ix_(classes, classes)] = joint
    likeliest = chances.argmax(1)
    return Issues(is_issue & (likeliest != given), classes[likeliest].astype(np.int64), score, order, estimated, whole)


def _normalised(chances: Float64[np.ndarray, "n classes"]) -> Float64[np.ndarray, "n classes"]:
    """Let what is left of each row add up to one; cleanlab counts on it."""
    summed = chances.sum(1, keepdims=True)
    return np.asarray(np.where(summed > 0, chances / np.maximum(summed, 1e-300), 1 / chances.shape[1]))


def cleanlab_version() -> str:
    """Give the version of cleanlab."""
    import cleanlab

    return str(cleanlab.__version__)


def _count() -> Any:
    try:
        from cleanlab import count
    except ImportError as error:
        raise MissingExtraError(
            "Finding wrong labels needs the package cleanlab (extra `labels`)",
            received=str(error),
            next_step="pip install 'cleanlab>=2.9'",
        ) from error
    return count
