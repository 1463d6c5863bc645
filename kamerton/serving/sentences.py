"""What the page says of a galaxy, in words."""

from __future__ import annotations

from types import SimpleNamespace

from kamerton.catalogue.columns import DOUBTFUL
from kamerton.certainty.judging import FAR, UNCLEAR
from kamerton.serving.answering import Answer, Galaxy


def described(found: Answer, galaxy: Galaxy, words: SimpleNamespace) -> list[str]:
    """Say which class a galaxy is of, and how sure that is."""
    if galaxy.image_hwc is None:
        return []
    own = words.classify
    best = found.class_names[galaxy.best]
    lines = [own.most_probable.format(name=best, percent=percent(max(galaxy.probabilities), words, 1))]
    if galaxy.in_set is None or found.coverage is None:
        return [*lines, own.not_calibrated]
    names = likely(found, galaxy)
    kind = {0: "set_none", 1: "set_one", len(found.class_names): "set_all"}.get(len(names), "set_some")
    share = percent(found.coverage, words)
    return [*lines, getattr(own, kind).format(names=listed(names, own), percent=share)]


def unlike(galaxy: Galaxy, words: SimpleNamespace) -> str:
    """Say how like the training galaxies a galaxy is; empty for a run that is not calibrated."""
    if galaxy.ood_knn is None:
        return ""
    line = words.classify.knn_unusual if galaxy.flags & FAR else words.classify.knn_usual
    return str(line.format(percent=percent(galaxy.ood_knn, words)))


def likely(found: Answer, galaxy: Galaxy) -> list[str]:
    """Give the classes of the calibrated set."""
    return [name for name, holds in zip(found.class_names, galaxy.in_set or (), strict=False) if holds]


def beware(galaxy: Galaxy, words: SimpleNamespace, *, short: bool = False) -> list[str]:
    """Say what to beware of; ``words`` are those of the part."""
    kinds = {FAR: "far", UNCLEAR: "unclear", DOUBTFUL: "doubtful"}
    return [getattr(words, f"note_{kind}" if short else kind) for bit, kind in kinds.items() if galaxy.flags & bit]


def listed(names: list[str], words: SimpleNamespace) -> str:
    """List names in a sentence."""
    return f" {words.__dict__['and']} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def percent(share: float, words: SimpleNamespace, digits: int = 0) -> str:
    """Write a share as percent, with the language's decimal sign."""
    return f"{100 * share:.{digits}f}%".replace(".", words.frame.decimal)
