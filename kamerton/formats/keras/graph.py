"""A file's layers held against those of a planned twin: the same layers, wired in the same way, in whatever order.

Keras lists layers that stand side by side in an order of its own, and names their weights by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kamerton.formats.keras.settings import odd_setting
from kamerton.formats.keras.twin import TwinLayer

TRAINING_ONLY = {"momentum"}
"""Settings that do not change a prediction."""

INPUT = "input"


@dataclass
class FoundLayer:
    """A layer that computes something, and the numbers of those that feed it: 0 is the input."""

    kind: str
    config: dict[str, Any]
    sources: tuple[int, ...]


@dataclass(frozen=True)
class PlannedLayer:
    """A layer of a plan that computes something, and the numbers of those that feed it: 0 is the input."""

    layer: TwinLayer
    sources: tuple[int, ...]


def computing_plan(plan: list[TwinLayer]) -> list[PlannedLayer]:
    """List the layers of a plan that compute something, as they are listed of a file."""
    number_of = {INPUT: 0}
    planned: list[PlannedLayer] = []
    for layer in plan:
        sources = tuple(number_of[name] for name in layer.inputs)
        if layer.keras_class == "Dropout":
            number_of[layer.name] = sources[0]
        else:
            planned.append(PlannedLayer(layer, sources))
            number_of[layer.name] = len(planned)
    return planned


def ordered(layers: Sequence[FoundLayer | PlannedLayer]) -> list[int]:
    """Number the layers that the last one needs, each behind what feeds it: an order that the wiring alone decides.

    Each layer is fed by layers before it.
    """
    done: dict[int, None] = {0: None}
    waiting = [(len(layers), iter(layers[-1].sources))] if layers else []
    while waiting:
        number, feeding = waiting[-1]
        needed = next((source for source in feeding if source not in done), None)
        if needed is None:
            done[number] = None
            waiting.pop()
        else:
            waiting.append((needed, iter(layers[needed - 1].sources)))
    return list(done)[1:]


def as_in_file(found: list[FoundLayer], planned: list[PlannedLayer]) -> list[TwinLayer]:
    """Put a plan into the order of a file that agrees with it."""
    pairs = sorted(zip(ordered(found), ordered(planned), strict=True))
    return [planned[ours - 1].layer for _, ours in pairs]


def first_difference(found: list[FoundLayer], planned: list[PlannedLayer]) -> str | None:
    """Say where a file's layers first part from a plan, or None where they agree."""
    theirs, ours = ordered(found), ordered(planned)
    if not len(found) == len(theirs) == len(ours):
        return f"{len(theirs)} of {len(found)} layers lead to the output instead of {len(ours)}"
    our_number = {0: 0, **dict(zip(theirs, ours, strict=True))}
    for number in theirs:
        difference = _layer_difference(number, found[number - 1], planned[our_number[number] - 1], our_number)
        if difference is not None:
            return difference
    return None


def _layer_difference(number: int, theirs: FoundLayer, ours: PlannedLayer, our_number: dict[int, int]) -> str | None:
    """Say in what a file's layer differs from the planned one."""
    layer = ours.layer
    if theirs.kind != layer.keras_class:
        return f"layer {number} is {shown(theirs.kind)} instead of {layer.keras_class}"
    # The plan's settings are all for images whose channels come last.
    for key, value in {**layer.config, "data_format": "channels_last"}.items():
        stands = theirs.config.get(key, value if key == "data_format" else None)
        if key not in TRAINING_ONLY and not _same(stands, value):
            return f"{key} of layer {number} ({theirs.kind}) is {shown(stands)} instead of {value}"
    odd = odd_setting(theirs.config, {*layer.config, "data_format"})
    if odd is not None:
        return (
            f"{odd} of layer {number} ({theirs.kind}) is {shown(theirs.config[odd])}, with which it answers otherwise"
        )
    if tuple(our_number[source] for source in theirs.sources) != ours.sources:
        return f"layer {number} ({theirs.kind}) is fed by layers {shown(theirs.sources)}, which is another wiring"
    return None


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, float) and type(value) in {int, float}:
        return math.isclose(value, wanted, rel_tol=1e-6)
    return bool(value == wanted)


def shown(value: Any) -> str:
    """Show what stood in a file, in a length that a line can bear."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
