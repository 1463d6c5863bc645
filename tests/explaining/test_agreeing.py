"""How far two maps agree."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import spearmanr

from kamerton.explaining.agreeing import rank_correlations


def test_the_agreement_is_spearmans() -> None:
    first, second = torch.rand(3, 7, 7), torch.rand(3, 7, 7).round(decimals=1)
    expected = [spearmanr(one.flatten(), two.flatten()).statistic for one, two in zip(first, second, strict=True)]
    np.testing.assert_allclose(rank_correlations(first, second), expected)


def test_a_map_that_is_the_same_everywhere_agrees_with_none() -> None:
    assert list(rank_correlations(torch.zeros(2, 5, 5), torch.rand(2, 5, 5))) == [0, 0]
