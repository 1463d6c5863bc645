"""Which labels are probably wrong, by confident learning (Northcutt et al. 2021, JAIR 70, 1373), with cleanlab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from kamerton.arrays import Confusion, Labels, Mask, Probabilities, Rows, ValuesN
from kamerton.errors import MissingExtraError

SCORE = "normalized_margin"
"""How suspicious a label is: by how much the network gives the likeliest other class more than the given one."""

ADJUSTED = True
"""Whether each class's probabilities are held against what the network usually gives that class."""


@dataclass(frozen=True, eq=False)
class Issues:
    """What is thought of every label."""

    is_issue: Mask
    """Labels that are probably wrong."""
    suggested: Labels
    """The likeliest class of each galaxy."""
    score: ValuesN
    """How well each label fits, 0 to 1: near 0, it is probably wrong."""
    order: Rows
    """All galaxies, the most suspicious label first: those that are probably wrong before all others."""
    estimated: int
    """How many labels are wrong, as the joint distribution of given and true classes has it."""
    joint: Confusion
    """About how many galaxies have a (given, true) class."""


def require_cleanlab() -> None:
    """Say at once, before anything is trained, where cleanlab is missing (MissingExtraError)."""
    _cleanlab()


def find_issues(labels: Labels, probabilities: Probabilities) -> Issues:
    """Find probably wrong labels from probabilities (n, classes) of networks that have not seen the galaxy.

    A label is probably wrong where confident learning counts the galaxy among those of another class: as many of each
    pair of classes as their joint distribution has, those with the largest margin first.
    """
    filters, rank, count = _cleanlab()
    classes, present = np.unique(labels, return_inverse=True)
    # Of classes without a galaxy nothing can be learned, and cleanlab knows only those that are there.
    chances = _normalised(probabilities[:, classes].astype(np.float64))
    given = present.astype(np.int64)
    joint = count.compute_confident_joint(given, chances, calibrate=True)
    is_issue = np.asarray(filters.find_label_issues(given, chances, confident_joint=joint, n_jobs=1), bool)
    score = np.asarray(
        rank.get_label_quality_scores(given, chances, method=SCORE, adjust_pred_probs=ADJUSTED), np.float64
    )
    whole = np.zeros((probabilities.shape[1], probabilities.shape[1]), np.int64)
    whole[np.ix_(classes, classes)] = joint
    return Issues(
        is_issue,
        classes[chances.argmax(1)].astype(np.int64),
        score,
        np.lexsort((score, ~is_issue)).astype(np.int64),
        int(count.num_label_issues(given, chances)),
        whole,
    )


def _normalised(chances: Float64[np.ndarray, "n classes"]) -> Float64[np.ndarray, "n classes"]:
    """Let what is left of each row add up to one; cleanlab counts on it."""
    summed = chances.sum(1, keepdims=True)
    return np.asarray(np.where(summed > 0, chances / np.maximum(summed, 1e-300), 1 / chances.shape[1]))


def cleanlab_version() -> str:
    """Give the version of cleanlab."""
    import cleanlab

    return str(cleanlab.__version__)


def _cleanlab() -> tuple[Any, Any, Any]:
    try:
        from cleanlab import count, rank
        from cleanlab import filter as filters
    except ImportError as error:
        raise MissingExtraError(
            "Finding wrong labels needs the package cleanlab (extra `labels`)",
            received=str(error),
            next_step="pip install 'cleanlab>=2.9'",
        ) from error
    return filters, rank, count
