"""The settings of a Keras layer beyond those of a plan: none may change an answer.

A plan names what a layer is. A file's layer has more settings, and of each it must be known here that it means nothing
to a prediction, or that it stands at the value at which it means nothing. Any other is refused: a new one of a later
Keras too, until it is known.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

NOTES = {
    *("name", "trainable", "momentum", "rate", "seed", "noise_shape", "synchronized"),
    *("activity_regularizer", "renorm_clipping", "renorm_momentum"),
}
"""Names, and what only learning uses."""

NOTE_ENDINGS = ("_initializer", "_regularizer", "_constraint")

PLAIN: dict[str, tuple[Any, ...]] = {
    "strides": ([1, 1], 1),
    "padding": ("valid",),
    "dilation_rate": ([1, 1], 1),
    "groups": (1,),
    "activation": ("linear",),
    "axis": (-1,),
    "center": (True,),
    "scale": (True,),
    "rms_scaling": (False,),
    "renorm": (False,),
    "keepdims": (False,),
    "data_format": ("channels_last",),
    "max_value": (),
    "negative_slope": (0,),
    "threshold": (0,),
    "sparse": (False,),
    "ragged": (False,),
    "optional": (False,),
    "autocast": (True,),
}
"""Values at which a setting means what a layer without it does; nothing at all, ``None``, does too."""

DTYPES = ("float32", "float64")
"""Weights and sums of fewer digits give other answers than a network here."""


def odd_setting(config: Mapping[str, Any], planned: Container[str]) -> str | None:
    """Name the first setting, other than those planned, that may give another answer; None where there is none."""
    for key, value in config.items():
        if key in planned or key in NOTES or key.endswith(NOTE_ENDINGS) or value is None:
            continue
        if not (_is_plain_dtype(value) if key == "dtype" else _is_plain(value, PLAIN.get(key, ()))):
            return key
    return None


def _is_plain(value: Any, allowed: tuple[Any, ...]) -> bool:
    return any(type(value) in {type(plain), float} and value == plain for plain in allowed)


def _is_plain_dtype(value: Any) -> bool:
    if isinstance(value, dict):
        inner = value.get("config")
        plain_class = value.get("module") == "keras" and value.get("class_name") == "DTypePolicy"
        value = inner.get("name") if plain_class and isinstance(inner, dict) else None
    return isinstance(value, str) and value in DTYPES
