"""Numbers that say how good predictions are; all from scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32

from kamerton.arrays import Labels, Mask, Probabilities
from kamerton.runs.scores import ClassScores, GroupScores, Scores

HEADLINES = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "roc_auc_macro")
"""What is told first of a test."""


def classification_metrics(labels: Labels, probabilities: Probabilities, class_names: tuple[str, ...]) -> Scores:
    """Compare labels (N,) with probabilities (N, classes); a value that is not defined for these labels is None.

    Balanced accuracy and macro averages run over the classes that occur in ``labels``.
    """
    from sklearn import metrics

    predicted = probabilities.argmax(1)
    indices = np.arange(len(class_names))
    present = np.unique(labels)
    aucs = [_one_vs_rest_auc(labels == index, probabilities[:, index]) for index in indices]
    return Scores(
        galaxies=len(labels),
        accuracy=float(metrics.accuracy_score(labels, predicted)),
        balanced_accuracy=float(
            metrics.recall_score(labels, predicted, labels=present, average="macro", zero_division=0.0)
        ),
        macro_f1=float(metrics.f1_score(labels, predicted, labels=present, average="macro", zero_division=0.0)),
        log_loss=log_loss(labels, probabilities),
        roc_auc_macro=_mean_of_defined(aucs),
        per_class=_per_class(labels, predicted, class_names, aucs),
        confusion_matrix=tuple(
            map(tuple, metrics.confusion_matrix(labels, predicted, labels=indices).tolist()),
        ),
    )


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Mean of -ln of the probability given to the true class; float32's smallest step keeps it finite."""
    from sklearn.metrics import log_loss as sklearn_log_loss

    exact = finite_probabilities(probabilities)
    return float(sklearn_log_loss(labels, exact, labels=np.arange(probabilities.shape[1])))


def finite_probabilities(probabilities: Probabilities) -> npt.NDArray[np.float64]:
    """Give probabilities (N, classes) that add up to one and whose logarithm is finite.

    Softmax in float32 adds up to one only to its own rounding, which scikit-learn would warn about.
    """
    exact = probabilities.astype(np.float64)
    exact = np.clip(exact / exact.sum(1, keepdims=True), np.finfo(np.float32).eps, 1.0)
    return np.asarray(exact / exact.sum(1, keepdims=True))


def group_metrics(labels: Labels, probabilities: Probabilities, groups: Sequence[str]) -> dict[str, GroupScores]:
    """Count galaxies and measure accuracy and balanced accuracy within each group of equal values (N,)."""
    from sklearn.metrics import accuracy_score, recall_score

    predicted = probabilities.argmax(1)
    values = np.asarray(groups)
    found = {}
    for value in _in_order(set(groups)):
        of_group = values == value
        true, guess = labels[of_group], predicted[of_group]
        found[value] = GroupScores(
            galaxies=int(of_group.sum()),
            accuracy=float(accuracy_score(true, guess)),
            balanced_accuracy=float(
                recall_score(true, guess, labels=np.unique(true), average="macro", zero_division=0.0)
            ),
        )
    return found


def _in_order(values: Collection[str]) -> list[str]:
    """Sort numbers as numbers, as Hubble's stages from -6 to 11, with what is empty last; any others as text."""
    try:
        numbers = {value: float(value) if value else math.nan for value in values}
    except ValueError:
        return sorted(values)
    return sorted(values, key=lambda value: (math.isnan(numbers[value]), np.nan_to_num(numbers[value]), value))


def _per_class(
    labels: Labels, predicted: Labels, class_names: tuple[str, ...], aucs: list[float | None]
) -> tuple[ClassScores, ...]:
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(class_names)), average=None, zero_division=np.nan
    )
    rows = []
    for name, *shares, support, auc in zip(class_names, *columns, aucs, strict=True):
        precision, recall, f1 = (None if np.isnan(share) else float(share) for share in shares)
        rows.append(ClassScores(name, precision, recall, f1, int(support), auc))
    return tuple(rows)


def _one_vs_rest_auc(is_class: Mask, probability: Float32[np.ndarray, " n"]) -> float | None:
    from sklearn.metrics import roc_auc_score

    if is_class.all() or not is_class.any():
        return None
    return float(roc_auc_score(is_class, probability))


def _mean_of_defined(values: list[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
