"""How far two maps agree, pixel by pixel."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from kamerton.explaining.layers import PixelMaps


def rank_correlations(first: PixelMaps, second: PixelMaps) -> Float64[np.ndarray, " n"]:
    """Give Spearman's rank correlation of each pair of maps; 0 where one of them is the same everywhere."""
    from scipy.stats import rankdata

    ranks = [rankdata(maps.flatten(1).cpu().numpy(), axis=1) for maps in (first, second)]
    one, two = (rank - rank.mean(1, keepdims=True) for rank in ranks)
    below = np.sqrt((one**2).sum(1) * (two**2).sum(1))
    return np.asarray(np.divide((one * two).sum(1), below, out=np.zeros(len(below)), where=below > 0))
