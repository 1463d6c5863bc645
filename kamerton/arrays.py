"""The arrays that pass between modules, with number type and axes; while the tests run, jaxtyping checks them.

Axes of one name have one length within a call. Images have the top row first, and pixels from 0 to 255.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8

ImagesNHWC = UInt8[np.ndarray, "n height width channels"] | Float32[np.ndarray, "n height width channels"]
ImageHWC = UInt8[np.ndarray, "height width channels"] | Float32[np.ndarray, "height width channels"]

SquaresNHWC = UInt8[np.ndarray, "n side side channels"] | Float32[np.ndarray, "n side side channels"]
SquareHWC = UInt8[np.ndarray, "side side channels"] | Float32[np.ndarray, "side side channels"]
"""What a cube holds: cropped, and resized to one size."""

RgbHWC = UInt8[np.ndarray, "height width 3"]
"""A picture in red, green and blue."""

BandsCHW = Float64[np.ndarray, "bands height width"]
"""Bands of light from blue to red, in the survey's units, the bottom row first, as FITS counts."""

BandHW = Float64[np.ndarray, "height width"]

Labels = Int64[np.ndarray, "n"]
"""Class indices, one a galaxy."""

Rows = Int64[np.ndarray, "n"]
"""Numbers of rows of a cube or a catalogue, or a number a row."""

Mask = Bool[np.ndarray, "n"]
"""True for the rows that are meant."""

PositionsDeg = Float64[np.ndarray, "n 2"]
"""Right ascension and declination, degrees (ICRS), NaN where unknown."""

Probabilities = Float32[np.ndarray, "n classes"]
"""What a network gives each galaxy for each class; a row adds up to 1."""

Confusion = Int64[np.ndarray, "classes classes"]
"""Galaxies by (true, predicted) class."""

MeanConfusion = Float64[np.ndarray, "classes classes"]
"""The same, averaged over runs."""

ValuesN = Float64[np.ndarray, "n"]
"""A number a row."""

ValuesNC = Float64[np.ndarray, "n classes"]
"""A number a galaxy and class."""

Sets = Bool[np.ndarray, "n classes"]
"""Which classes are in each galaxy's set."""

Features = Float32[np.ndarray, "n features"]
"""What a network saw in each galaxy (`kamerton.networks.features`)."""

Float32N = Float32[np.ndarray, "n"]
"""A number a galaxy, as a catalogue holds it."""
